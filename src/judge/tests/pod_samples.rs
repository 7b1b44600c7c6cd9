//! Which pod a sample is of, and whose device: by name, namespace, time and UUID.

use std::sync::Arc;

use super::run_fixture::{FALL, RISE, RunFixture, SECOND, edit_samples, healthy};
use crate::judge::Check::{MetricFollowsLoad, NewPodsRunOnAccelerators, NewPodsServe};
use crate::judge::CheckStatus;
use crate::model::observation::ObservationKind;
use crate::model::reading::{MetricHop, MetricSample};
use crate::units::Milli;

/// The second pod is idle at the metrics API; its samples at this hop are edited, at the other hops it is idle too.
fn second_only_at(hop: MetricHop, edit: impl Fn(&mut MetricSample)) -> RunFixture {
    let run = healthy().each(|o| {
        let ObservationKind::Metric(reading) = &mut o.kind else { return };
        let is_edited = reading.hop == hop;
        edit_samples(&mut reading.result, |sample| {
            if sample.object.as_deref() != Some(SECOND) {
                return;
            }
            sample.value = Some(Milli(if is_edited { 98_000 } else { 0 }));
            if is_edited {
                edit(sample);
            }
        });
    });
    run.loads(|_, load| load.answered_connections *= 100)
}

#[track_caller]
fn assert_alone(run: &RunFixture, status: CheckStatus) {
    let result = run.with_evaluator(|evaluator| NewPodsServe.evaluate_alone(evaluator.view()));
    assert_eq!(result.status, status, "{}", result.reason);
}

#[test]
fn a_busy_pod_of_the_same_name_in_another_namespace_is_another_pod() {
    let of_namespace = |namespace: &'static str| {
        second_only_at(MetricHop::Exporter, move |sample| {
            Arc::make_mut(&mut sample.labels).insert("namespace".to_owned(), namespace.to_owned());
        })
    };
    let own = healthy().scenario.namespace;
    assert_alone(&of_namespace("other"), CheckStatus::Fail);
    assert_alone(&of_namespace(Box::leak(own.into_boxed_str())), CheckStatus::Pass);
}

#[test]
fn a_sample_that_a_store_kept_from_before_the_pod_is_no_activity_of_it() {
    let before: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_alone(&second_only_at(MetricHop::Store, |sample| sample.timestamp = Some(before)), CheckStatus::Fail);
    assert_alone(&second_only_at(MetricHop::Store, |_| ()), CheckStatus::Pass);
}

const UUIDS: [&str; 2] = ["GPU-6f1d2c3a-0001-4a5b-8c9d-000000000001", "GPU-6f1d2c3a-0002-4a5b-8c9d-000000000002"];

#[test]
fn a_series_of_another_device_than_the_pods_own_contradicts_the_kubelet() {
    let with_uuids = |given: &'static str, shown: &'static str| {
        healthy().each(move |o| match &mut o.kind {
            ObservationKind::Pod(pod) if pod.name == SECOND && !pod.allocated_devices.is_empty() => {
                pod.allocated_devices = vec![given.to_owned()];
                pod.devices_by_resource.values_mut().for_each(|ids| *ids = vec![given.to_owned()]);
            }
            ObservationKind::Metric(reading) => edit_samples(&mut reading.result, |sample| {
                if sample.object.as_deref() == Some(SECOND) && !sample.labels.is_empty() {
                    Arc::make_mut(&mut sample.labels).insert("UUID".to_owned(), shown.to_owned());
                }
            }),
            _ => {}
        })
    };
    let text = "and the pod's series is of the device ";
    with_uuids(UUIDS[0], UUIDS[1]).assert_inconclusive(NewPodsRunOnAccelerators, text);
    for given in
        [UUIDS[1], "GPU-6f1d2c3a-0002-4a5b-8c9d-000000000002::1", "nvidia0", "MIG-6f1d2c3a-0001-4a5b-8c9d-000000000001"]
    {
        with_uuids(given, UUIDS[1]).assert_passes(NewPodsRunOnAccelerators, "");
    }
}

#[test]
fn ids_that_may_be_parts_of_one_device_want_values_of_their_own() {
    let on_parts = |equal: bool| {
        healthy().each(move |o| match &mut o.kind {
            ObservationKind::Pod(pod) if !pod.allocated_devices.is_empty() => {
                let part = usize::from(pod.name == SECOND);
                let id = format!("GPU-0-{part}");
                pod.allocated_devices = vec![id.clone()];
                pod.devices_by_resource.values_mut().for_each(|ids| *ids = vec![id.clone()]);
            }
            ObservationKind::Metric(reading) if reading.hop != MetricHop::Api => {
                let largest = reading.samples().unwrap_or_default().iter().filter_map(|sample| sample.value).max();
                edit_samples(&mut reading.result, |sample| {
                    Arc::make_mut(&mut sample.labels).remove("UUID");
                    sample.value = if equal { largest } else { sample.value };
                });
            }
            _ => {}
        })
    };
    on_parts(true).assert_inconclusive(NewPodsServe, "but it may share GPU-0 of node ");
    on_parts(false).assert_passes_with_finding(NewPodsServe, "receives traffic through the Service");
}

#[test]
fn an_hpa_that_reports_only_values_that_were_never_served_reads_another_metric() {
    let reported = |factor: i64| {
        healthy().hpas(move |at, hpa| {
            let under_load = (RISE..FALL).contains(&at);
            for metric in hpa.current_metrics.iter_mut().filter(|_| under_load) {
                metric.average_value = metric.average_value.map(|value| Milli(value.0 * factor));
            }
        })
    };
    let text = "is one that the metrics API did not serve to this client";
    reported(10).assert_inconclusive(MetricFollowsLoad, text);
    reported(1).assert_passes(MetricFollowsLoad, "");
}

#[test]
fn a_node_that_is_lost_in_the_hold_has_no_current_pods() {
    let lost = healthy().timeline.iter().find_map(|o| match &o.kind {
        ObservationKind::Node(node) if node.ready => Some(node.clone()),
        _ => None,
    });
    let mut lost = lost.unwrap();
    lost.ready = false;
    let run = healthy().with_observation(FALL - 3000, ObservationKind::Node(lost));
    run.assert_inconclusive(NewPodsRunOnAccelerators, "was not Ready when the load ended");
}
