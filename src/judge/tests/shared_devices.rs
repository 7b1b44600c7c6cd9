//! Pods that share a device: the value of the whole device is no evidence of the work of one pod.

use std::sync::Arc;

use super::run_fixture::{HPA_CREATED_MS, OLD, RISE, RunFixture, SECOND, THIRD, edit_samples, healthy, is_api_reading};
use crate::judge::Check::{AutoscalerActive, MetricFollowsLoad, MetricServed, NewPodsServe};
use crate::judge::CheckStatus;
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricReading, ReadingResult};

/// How the records name the device that all pods share.
#[derive(Clone, Copy)]
enum NamedBy {
    KubeletIds,
    Labels,
}

/// The healthy run on one device that its pods share; each pod has its own share of it as its value.
fn on_one_device(named_by: NamedBy) -> RunFixture {
    healthy().each(|o| match &mut o.kind {
        ObservationKind::Pod(pod) => match named_by {
            NamedBy::KubeletIds if !pod.allocated_devices.is_empty() => {
                pod.allocated_devices = vec![format!("GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003::{}", pod.name)];
            }
            NamedBy::KubeletIds | NamedBy::Labels => pod.allocated_devices.clear(),
        },
        ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| {
            let labels = Arc::make_mut(&mut sample.labels);
            if labels.remove("UUID").is_some() && matches!(named_by, NamedBy::Labels) {
                labels.insert("UUID".to_owned(), "GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003".to_owned());
            }
        }),
        _ => {}
    })
}

/// Each pod has the value of the whole device at exporter and store: the largest of its pods.
fn with_whole_values(run: RunFixture) -> RunFixture {
    run.each(|o| {
        // The metrics API keeps the values that the recorded controller has read.
        if let ObservationKind::Metric(reading) = &mut o.kind
            && reading.hop != MetricHop::Api
        {
            let largest = reading.samples().unwrap_or_default().iter().filter_map(|sample| sample.value).max();
            edit_samples(&mut reading.result, |sample| sample.value = largest);
        }
    })
}

#[test]
fn the_value_of_a_whole_device_shows_no_work_of_one_of_its_pods() {
    for named_by in [NamedBy::KubeletIds, NamedBy::Labels] {
        let run = with_whole_values(on_one_device(named_by));
        let text = "shares GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003 with ollama-7fd697578d-dfk6s and ollama-7fd697578d-lb9np, and every reading of exporter \
                    and store has the same value for them";
        run.assert_inconclusive(NewPodsServe, text);
        run.assert_inconclusive(NewPodsServe, "Give each pod a device of its own (an exclusive GPU or a MIG instance)");
    }
}

#[test]
fn pods_with_values_of_their_own_may_share_a_device() {
    for named_by in [NamedBy::KubeletIds, NamedBy::Labels] {
        on_one_device(named_by).assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
    }
}

#[test]
fn equal_values_on_devices_of_their_own_are_each_pods_work() {
    with_whole_values(healthy()).assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
}

#[test]
fn an_aggregating_metrics_api_does_not_tell_pods_of_one_device_apart() {
    let is_other_hop =
        |o: &crate::model::observation::Observation| matches!(o.kind, ObservationKind::Metric(_)) && !is_api_reading(o);
    let run = on_one_device(NamedBy::KubeletIds).without(is_other_hop);
    run.assert_inconclusive(NewPodsServe, "no reading of exporter and store has values of two of them at one time");
}

#[test]
fn a_series_that_the_store_returns_after_the_end_of_its_pod_is_no_sharing() {
    // A store marks the series of a pod that is gone as stale, or returns its last sample for some minutes.
    let last_sample: jiff::Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    for (value, timestamp) in [(None, None), (Some(crate::units::Milli(0)), Some(last_sample))] {
        let run = healthy().each(|o| {
            if let ObservationKind::Metric(MetricReading { hop: MetricHop::Store, result, .. }) = &mut o.kind
                && let ReadingResult::Samples(samples) = result
            {
                let gone = samples.iter().cloned().map(|sample| crate::model::reading::MetricSample {
                    object: Some("ollama-7fd697578d-gone".to_owned()),
                    value,
                    timestamp: timestamp.or(sample.timestamp),
                    ..sample
                });
                let gone: Vec<_> = gone.collect();
                samples.extend(gone);
            }
        });
        run.assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
    }
}

#[test]
fn an_exporter_that_names_one_pod_of_a_device_at_a_time_shows_no_work_of_it() {
    let run = on_one_device(NamedBy::Labels).each(|o| {
        let turn = o.at_ms / 2000 % 3;
        if let ObservationKind::Metric(MetricReading { hop: MetricHop::Exporter | MetricHop::Store, result, .. }) =
            &mut o.kind
            && let ReadingResult::Samples(samples) = result
            && o.at_ms > RISE
        {
            let names = [OLD, SECOND, THIRD];
            samples.retain(|sample| sample.object.as_deref() == Some(names[usize::try_from(turn).unwrap()]));
        }
    });
    run.assert_inconclusive(NewPodsServe, "no reading of exporter and store has values of two of them at one time");
    let low = run.clone().metric(0, u64::MAX, Some(0));
    let text = "the exporter reports the one device GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003 for ollama-7fd697578d-dfk6s and ollama-7fd697578d-fcd5l and \
                ollama-7fd697578d-lb9np in turn, never for two of them at once";
    low.assert_inconclusive(MetricFollowsLoad, text);
    let unserved = run.hpas(|_, hpa| hpa.current_metrics.clear()).api_fails(HPA_CREATED_MS, u64::MAX);
    unserved.assert_inconclusive(AutoscalerActive, text);
}

#[test]
fn mig_instances_have_no_utilization_of_a_whole_device() {
    let on_mig = |metric: &str| {
        let metric = metric.to_owned();
        healthy()
            .scenario(|s| {
                (s.metric.profile, s.metric.store) = (None, None);
                s.metric.exporter.as_mut().unwrap().metric_name = metric;
            })
            .each(|o| {
                if let ObservationKind::Pod(pod) = &mut o.kind {
                    pod.extended_resources = [("nvidia.com/mig-1g.10gb".to_owned(), 1)].into();
                }
            })
    };
    let text =
        "the target's pods hold MIG instances (nvidia.com/mig-1g.10gb), and DCGM_FI_DEV_GPU_UTIL is a value of a whole";
    let empty = |run: RunFixture| {
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
            .into_iter()
            .fold(run, |run, hop| run.readings(hop, 0, u64::MAX, |result| *result = ReadingResult::Samples(Vec::new())))
    };
    empty(on_mig("DCGM_FI_DEV_GPU_UTIL")).assert_inconclusive(MetricServed, text);
    empty(on_mig("DCGM_FI_PROF_GR_ENGINE_ACTIVE"))
        .assert_inconclusive(MetricServed, "no page that was read has the metric DCGM_FI_PROF_GR_ENGINE_ACTIVE");
    let zero = on_mig("DCGM_FI_DEV_GPU_UTIL").each(|o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            edit_samples(&mut reading.result, |sample| sample.value = Some(crate::units::Milli(0)));
        }
    });
    zero.assert_inconclusive(MetricFollowsLoad, text);
}

/// The healthy run on instances of one card, which the exporter labels with the card's UUID.
fn on_instances_of_one_card(label_of: fn(usize) -> Option<String>) -> RunFixture {
    const CARD: &str = "GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003";
    let names = [OLD, SECOND, THIRD];
    healthy().scenario(|s| s.metric.profile = crate::model::shipped_profiles::find("dcgm").ok()).each(move |o| {
        match &mut o.kind {
            ObservationKind::Pod(pod) => pod.allocated_devices.clear(),
            ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| {
                let Some(number) = names.iter().position(|name| sample.object.as_deref() == Some(*name)) else {
                    return;
                };
                let labels = Arc::make_mut(&mut sample.labels);
                if labels.contains_key("UUID") {
                    labels.insert("UUID".to_owned(), CARD.to_owned());
                    labels.extend(label_of(number).map(|instance| ("GPU_I_ID".to_owned(), instance)));
                }
            }),
            _ => {}
        }
    })
}

#[test]
fn instances_of_one_card_are_devices_of_their_own() {
    let own = |number: usize| Some((7 + number).to_string());
    with_whole_values(on_instances_of_one_card(own))
        .assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
    let text = "it shares GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003/gi7 with ollama-7fd697578d-dfk6s";
    with_whole_values(on_instances_of_one_card(|_| Some("7".to_owned()))).assert_inconclusive(NewPodsServe, text);
    let text = "it shares GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003 with ollama-7fd697578d-dfk6s";
    with_whole_values(on_instances_of_one_card(|_| None)).assert_inconclusive(NewPodsServe, text);
}

/// With the strategy `single` an instance is a device of nvidia.com/gpu: ids or labels tell it from a whole card.
#[test]
fn instances_without_a_resource_of_their_own_are_known_by_id_or_label() {
    let with_gpu_utilization = |change: fn(&mut crate::model::observation::PodSnapshot)| {
        let run = healthy()
            .scenario(|s| {
                (s.metric.profile, s.metric.store) = (None, None);
                s.metric.exporter.as_mut().unwrap().metric_name = "DCGM_FI_DEV_GPU_UTIL".to_owned();
            })
            .each(|o| {
                if let ObservationKind::Pod(pod) = &mut o.kind {
                    change(pod);
                }
            });
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
            .into_iter()
            .fold(run, |run, hop| run.readings(hop, 0, u64::MAX, |result| *result = ReadingResult::Samples(Vec::new())))
    };
    let by_id = with_gpu_utilization(|pod| {
        pod.allocated_devices = vec!["MIG-6f1d2c3a-0000-5a5b-8c9d-000000000007".to_owned()];
        pod.devices_by_resource = [("nvidia.com/gpu".to_owned(), pod.allocated_devices.clone())].into();
    });
    by_id.assert_inconclusive(MetricServed, "hold MIG instances (MIG-6f1d2c3a-0000-5a5b-8c9d-000000000007)");
    let mut by_label = with_gpu_utilization(|pod| pod.allocated_devices.clear());
    by_label.assert_inconclusive(MetricServed, "no page that was read has the metric DCGM_FI_DEV_GPU_UTIL");
    let product = ("nvidia.com/gpu.product".to_owned(), "A100-MIG-1g.10gb".to_owned());
    let info = crate::model::node_info::NodeInfo { accelerator_labels: [product].into(), ..Default::default() };
    by_label.inventory.node_info = vec![info; by_label.inventory.nodes.len()];
    by_label.assert_inconclusive(MetricServed, "hold MIG instances (A100-MIG-1g.10gb)");
}

#[test]
fn an_exporter_that_names_no_pod_of_a_shared_device_is_asked_for_shares() {
    let without_pods = |named_by: NamedBy| {
        on_one_device(named_by).each(|o| {
            if let ObservationKind::Metric(reading) = &mut o.kind {
                edit_samples(&mut reading.result, |sample| {
                    sample.object = None;
                    Arc::make_mut(&mut sample.labels).retain(|name, _| name != "pod" && name != "namespace");
                });
            }
        })
    };
    let text = "the target's pods share theirs (GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003::ollama-7fd697578d-dfk6s is a replica)";
    without_pods(NamedBy::KubeletIds).assert_inconclusive(MetricServed, text);
    let mut by_label = without_pods(NamedBy::Labels);
    by_label.assert_inconclusive(MetricServed, "name devices and no pod: does the exporter attribute devices to pods");
    let labels = [
        ("nvidia.com/gpu.sharing-strategy".to_owned(), "time-slicing".to_owned()),
        ("nvidia.com/gpu.replicas".to_owned(), "4".to_owned()),
    ];
    let info = crate::model::node_info::NodeInfo { accelerator_labels: labels.into(), ..Default::default() };
    by_label.inventory.node_info = vec![info; by_label.inventory.nodes.len()];
    by_label.assert_inconclusive(
        MetricServed,
        "share theirs (time-slicing of nvidia.com/gpu by the labels of node rig-node)",
    );
}

#[test]
fn pods_of_one_claim_share_its_device() {
    let with_claims = |name: fn(&str) -> String| {
        with_whole_values(on_one_device(NamedBy::KubeletIds)).each(move |o| {
            if let ObservationKind::Pod(pod) = &mut o.kind {
                pod.allocated_devices.clear();
                pod.extended_resources.clear();
                pod.resource_claims = vec![name(&pod.name)];
            }
        })
    };
    with_claims(|_| "one".to_owned()).assert_inconclusive(NewPodsServe, "it shares claim one with ");
    with_claims(|pod| format!("{pod}-gpu")).assert_passes_with_finding(NewPodsServe, "receives traffic through");
}

#[test]
fn pods_with_claims_need_an_exporter_that_knows_claims() {
    let run = healthy().each(|o| match &mut o.kind {
        ObservationKind::Pod(pod) => {
            pod.extended_resources.clear();
            pod.resource_claims = vec!["gpu".to_owned()];
        }
        ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| sample.object = None),
        _ => {}
    });
    run.assert_inconclusive(
        MetricServed,
        "does the exporter resolve claims to pods (dcgm-exporter: KUBERNETES_ENABLE_DRA=true",
    );
}

#[test]
fn a_pod_of_another_namespace_shares_a_device_too() {
    let decoy = |whole: bool| {
        healthy().each(move |o| {
            if let ObservationKind::Metric(MetricReading { hop: MetricHop::Exporter, result, .. }) = &mut o.kind
                && let ReadingResult::Samples(samples) = result
            {
                let own = samples.iter().find(|sample| sample.object.as_deref() == Some(SECOND)).cloned();
                samples.extend(own.map(|own| {
                    let value = own.value.map(|value| if whole { value } else { crate::units::Milli(value.0 / 2) });
                    crate::model::reading::MetricSample { object: Some("stranger".to_owned()), value, ..own }
                }));
            }
        })
    };
    decoy(true).assert_inconclusive(NewPodsServe, "with stranger, and every reading of exporter and store");
    decoy(false).assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
}

#[test]
fn the_sharing_is_a_finding_that_every_output_can_show() {
    let verdict = on_one_device(NamedBy::KubeletIds).verdict();
    let sharing: Vec<&str> = verdict.sharing_findings().collect();
    assert!(
        sharing.len() == 1
            && sharing[0].contains("share GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003, so no accelerator was added"),
        "{sharing:?}"
    );
    assert_eq!(healthy().verdict().sharing_findings().count(), 0);
}

#[test]
fn a_shared_device_waits_for_values_that_differ_while_the_load_runs() {
    let run = with_whole_values(on_one_device(NamedBy::Labels));
    let status_at = |at_ms: u64| run.clone().without(|o| o.at_ms >= at_ms).evaluate(NewPodsServe).status;
    assert_eq!(status_at(60_000), CheckStatus::Pending);
}
