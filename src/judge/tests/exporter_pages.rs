//! What a page of an exporter lacks, and what its labels contradict: each cause is named as itself.

use std::sync::Arc;

use super::run_fixture::{
    CLEANUP, FALL, HPA_CREATED_MS, IDLE, OLD, RISE, RunFixture, SECOND, edit_samples, healthy, real_accelerators,
};
use crate::judge::Check::{IdleHolds, MetricFollowsLoad, MetricServed, NewPodsRunOnAccelerators};
use crate::judge::checks::CheckPart;
use crate::judge::{CheckStatus, Prerequisite};
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};
use crate::units::Milli;

/// The metric is not served, and the exporter's pages have these samples.
fn with_page(edit: impl Fn(&mut Vec<MetricSample>) + Copy) -> RunFixture {
    healthy().api_fails(0, HPA_CREATED_MS).readings(MetricHop::Exporter, 0, HPA_CREATED_MS, |result| {
        if let ReadingResult::Samples(samples) = result {
            edit(samples);
        }
    })
}

#[test]
fn each_cause_of_a_page_without_the_targets_pods_has_its_own_text() {
    let absent = with_page(Vec::clear);
    absent.assert_inconclusive(
        MetricServed,
        "first broken hop: exporter: no series; no page that was read has the metric ",
    );
    absent.assert_inconclusive(MetricServed, "does the exporter collect it (dcgm-exporter: its file of counters)");
    let unattributed = with_page(|samples| samples.iter_mut().for_each(|sample| sample.object = None));
    unattributed.assert_inconclusive(
        MetricServed,
        "name devices and no pod: does the exporter attribute devices to pods (it needs",
    );
    // The page of a server itself, as of vLLM.
    let own_page = with_page(|samples| {
        samples.truncate(1);
        for sample in samples {
            sample.object = None;
            sample.labels = Arc::new([("engine".to_owned(), "0".to_owned())].into());
        }
    });
    own_page.assert_inconclusive(
        MetricServed,
        "name neither a pod nor a device (labels engine): the page of a server itself",
    );
    let others = with_page(|samples| {
        for (index, sample) in samples.iter_mut().enumerate() {
            sample.object = Some(format!("trainer-{index}"));
        }
    });
    others.assert_inconclusive(
        MetricServed,
        "are of other pods (trainer-0, trainer-1, trainer-2 and 1 more): do podLabels select",
    );
    others.assert_inconclusive(
        MetricServed,
        "does that exporter know nvidia.com/gpu, the resource of the target's pods?",
    );
    let not_finite = with_page(|samples| samples.iter_mut().for_each(|sample| sample.value = None));
    not_finite.assert_inconclusive(MetricServed, "is no finite number for the target's pods");
    let with_claims = unattributed.each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.resource_claims = vec![format!("{}-gpu", pod.name)];
        }
    });
    with_claims
        .assert_inconclusive(MetricServed, "hold resource claims (DRA): does the exporter resolve claims to pods");
}

/// A field that MIG instances may lack is told from an exporter that attributes nothing.
#[test]
fn a_page_without_the_instances_of_the_targets_pods_is_told_so() {
    let unattributed = with_page(|samples| samples.iter_mut().for_each(|sample| sample.object = None));
    let on_instances = unattributed.each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            pod.extended_resources = [("nvidia.com/mig-1g.10gb".to_owned(), 1)].into();
        }
    });
    let of_field = |field: &str| {
        on_instances.clone().scenario(|s| {
            s.metric.store = None;
            s.metric.exporter.as_mut().unwrap().metric_name = field.to_owned();
        })
    };
    of_field("DCGM_FI_DEV_FB_USED").assert_inconclusive(
        MetricServed,
        "no pod: does it have this field for MIG instances, such as nvidia.com/mig-1g.10gb of the target's pods",
    );
    of_field("DCGM_FI_PROF_GR_ENGINE_ACTIVE")
        .assert_inconclusive(MetricServed, "no pod: does the exporter attribute devices to pods");
}

#[test]
fn each_of_several_series_of_a_pod_is_named_by_its_device() {
    let run = healthy().readings(MetricHop::Exporter, 0, HPA_CREATED_MS, |result| {
        let ReadingResult::Samples(samples) = result else { return };
        let Some(mut other) = samples.iter().find(|sample| sample.object.as_deref() == Some(OLD)).cloned() else {
            return;
        };
        Arc::make_mut(&mut other.labels).insert("UUID".to_owned(), "GPU-7".to_owned());
        samples.push(MetricSample { value: Some(Milli(98_000)), ..other });
    });
    run.assert_passes_with_finding(
        MetricServed,
        "ollama-7fd697578d-dfk6s on GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003=0, ollama-7fd697578d-dfk6s on GPU-7=98",
    );
}

/// 0 at every hop, though the model is in accelerator memory: on MIG instances the field is the cause, not the exporter.
#[test]
fn a_field_that_mig_instances_lack_is_named_before_a_broken_exporter() {
    let zero =
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api].into_iter().fold(real_accelerators(), |run, hop| {
            run.readings(hop, 0, u64::MAX, |result| edit_samples(result, |sample| sample.value = Some(Milli(0))))
        });
    zero.assert_inconclusive(MetricFollowsLoad, "for a device that generates tokens");
    let instances = zero
        .scenario(|s| {
            s.metric.store = None;
            s.metric.exporter.as_mut().unwrap().metric_name = "DCGM_FI_DEV_GPU_UTIL".to_owned();
            s.accelerator = crate::model::scenario::Accelerator::Resource("nvidia.com/mig-1g.10gb".to_owned());
        })
        .each(|o| match &mut o.kind {
            ObservationKind::Pod(pod) => pod.extended_resources = [("nvidia.com/mig-1g.10gb".to_owned(), 1)].into(),
            ObservationKind::Node(node) => drop(node.allocatable.insert("nvidia.com/mig-1g.10gb".to_owned(), 8)),
            _ => {}
        });
    instances.assert_inconclusive(MetricFollowsLoad, "use DCGM_FI_PROF_GR_ENGINE_ACTIVE, a ratio from 0 to 1");
}

/// A stranger on the card of the target, which the exporter names in turn with the target's pod.
#[test]
fn an_idle_target_that_is_named_in_turn_with_a_stranger_is_told_so() {
    let turns = |namespace: &'static str, name: &'static str| {
        let run = healthy().metric(IDLE, RISE, Some(95_000));
        [MetricHop::Exporter, MetricHop::Store].into_iter().fold(run, |run, hop| {
            run.each(|o| {
                let is_strangers_turn = o.at_ms / 3000 % 2 == 1;
                let ObservationKind::Metric(MetricReading { hop: of, result, .. }) = &mut o.kind else { return };
                let ReadingResult::Samples(samples) = result else { return };
                if *of != hop || o.at_ms > RISE {
                    return;
                }
                samples.retain(|sample| sample.object.as_deref() == Some(OLD));
                for sample in samples.iter_mut().filter(|_| is_strangers_turn) {
                    let labels = Arc::make_mut(&mut sample.labels);
                    labels.insert("namespace".to_owned(), namespace.to_owned());
                    (sample.object, sample.value) = (Some(name.to_owned()), Some(Milli(95_000)));
                }
            })
        })
    };
    turns("other", "trainer-0")
        .assert_inconclusive(IdleHolds, "for ollama-7fd697578d-dfk6s and other/trainer-0 in turn, never");
    // The stranger may have the name of the target's pod, as those of a StatefulSet have.
    turns("other", OLD)
        .assert_inconclusive(IdleHolds, "for ollama-7fd697578d-dfk6s and other/ollama-7fd697578d-dfk6s in turn");
}

#[test]
fn items_of_a_pods_metric_that_are_of_no_pod_of_the_target_are_named() {
    let with_item = |name: &'static str| {
        healthy().metric(IDLE, RISE, Some(10_000)).readings(MetricHop::Api, IDLE, RISE, move |result| {
            let ReadingResult::Samples(samples) = result else { return };
            let item = samples[0].clone();
            samples.push(MetricSample { object: Some(name.to_owned()), value: Some(Milli(500_000)), ..item });
        })
    };
    with_item("trainer-0").assert_inconclusive(
        IdleHolds,
        "contamination: the metrics API answers with trainer-0=500, not of the target, and the controller counts each item",
    );
    // After the scale-down the metrics API goes on to serve the pod that is gone.
    let gone = healthy().longer(107_900, 20_000).without(|o| {
        let is_reading = matches!(&o.kind, ObservationKind::Metric(reading) if reading.hop == MetricHop::Api);
        is_reading && (FALL..107_900).contains(&o.at_ms)
    });
    let gone = gone.readings(MetricHop::Api, 107_900, CLEANUP + 20_000, |result| {
        let ReadingResult::Samples(samples) = result else { return };
        let item = samples[0].clone();
        samples.retain(|sample| sample.object.as_deref() != Some(SECOND));
        samples.push(MetricSample { object: Some(SECOND.to_owned()), value: Some(Milli(500_000)), ..item });
    });
    let fall = gone.evaluate_prerequisite(Prerequisite::Part(CheckPart::MetricFalls));
    let text = "the metrics API still answers with ollama-7fd697578d-fcd5l=500, of pods of the target that are gone";
    assert!(fall.has_status(CheckStatus::Inconclusive) && fall.reason.contains(text), "{}", fall.reason);
}

/// The exporter's label and the pod's record name two nodes.
#[test]
fn a_series_of_another_node_than_the_pods_contradicts_its_record() {
    let named = |host: &'static str, is_node: bool| {
        let run = healthy().readings(MetricHop::Exporter, 0, u64::MAX, |result| {
            edit_samples(result, |sample| {
                if sample.object.as_deref() == Some(SECOND) {
                    Arc::make_mut(&mut sample.labels).insert("Hostname".to_owned(), host.to_owned());
                }
            });
        });
        let node = crate::model::observation::NodeSnapshot { name: host.to_owned(), ready: true, ..Default::default() };
        if is_node { run.with_observation(100, ObservationKind::Node(node)) } else { run }
    };
    named("other-node", true).assert_inconclusive(
        NewPodsRunOnAccelerators,
        "pod ollama-7fd697578d-fcd5l runs on node rig-node, and its series at the exporter names node other-node, so one of the records is wrong",
    );
    // The label may be the name of the exporter's pod.
    named("dcgm-exporter-x7k2p", false).assert_passes(NewPodsRunOnAccelerators, "Ready on nodes with accelerators");
}
