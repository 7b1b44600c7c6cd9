//! Contamination of the metric: it includes the activity of other workloads, which the run's load does not control, or values of
//! pods that are gone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::device_labels;
use crate::bounds::SLACK;
use crate::judge::run_view::RunView;
use crate::metrics::{device_from_labels, namespace_of_pod};
use crate::model::metric_under_test::MetricKind;
use crate::model::reading::{MetricHop, MetricSample};

/// Describes the contamination of the metric at this time.
pub(in crate::judge) fn describe(view: &RunView<'_>, at_ms: u64) -> Option<String> {
    let join = |pods: Vec<String>| Some(pods.join(", ")).filter(|text| !text.is_empty());
    let included = join(find_pods(view, at_ms)).map(|pods| {
        format!(
            "contamination: the metric also includes {pods}, not of the target: use a Pods metric, or a rule that selects only the target's pods"
        )
    });
    let sharing = || {
        let pods = join(find_device_sharers(view, at_ms))?;
        Some(format!(
            "contamination: {pods} of other workloads use a device of the target, and the value of a pod may be that of its whole \
             device: give the target devices of its own, or use an exporter that reports each pod's own share"
        ))
    };
    let elsewhere = || {
        let pods = join(find_busier_pods(view, at_ms))?;
        Some(format!(
            "contamination: {pods} of other workloads are busier than every pod of the target: does the rule of the metric include \
             them? It must select the target's namespace, and for a Pods metric keep the label of the pod"
        ))
    };
    let by_items = || describe_counted_items(view, at_ms);
    included.or_else(by_items).or_else(|| device_labels::describe_turns(view)).or_else(sharing).or_else(elsewhere)
}

/// The current samples of a hop in its last reading; `None` where that has none.
fn last_samples<'v>(view: &'v RunView<'_>, hop: MetricHop, at_ms: u64) -> Option<Vec<&'v MetricSample>> {
    let (_, reading) = view.readings_at_hop(hop, 0..=at_ms).next_back()?;
    reading.samples()?;
    Some(view.current_samples(reading).collect())
}

/// A busy pod of another workload as a text names it, with its namespace where it is another one.
fn describe_other(view: &RunView<'_>, sample: &MetricSample) -> Option<String> {
    let value = sample.value.filter(|value| value.0 > 0 && !view.is_implausible(*value))?;
    let name = view.full_name_of_pod(sample).filter(|_| !view.is_of_target(sample))?;
    Some(format!("{name}={value}"))
}

/// Describes busy items of a Pods metric that are of no pod of the target. The controller asks the metrics API for the pods of a
/// selector and counts each item of the answer in its average (see `hpa`'s `pods`), whatever pod it is of.
fn describe_counted_items(view: &RunView<'_>, at_ms: u64) -> Option<String> {
    view.metric.as_ref().filter(|metric| metric.kind == MetricKind::Pods)?;
    let (_, reading) = view.readings_at_hop(MetricHop::Api, 0..=at_ms).next_back()?;
    let is_there = |name: &str| {
        let mut pods = view.target_pods().iter().filter(|pod| pod.name() == name);
        // The answer may be a moment older than the news of a deletion.
        pods.any(|pod| pod.gone_ms.is_none_or(|gone| gone + SLACK.ms() >= reading.requested_ms))
    };
    let (mut gone, mut others) = (Vec::new(), Vec::new());
    for sample in reading.samples().unwrap_or_default() {
        let (Some(name), Some(value)) = (sample.object.as_deref(), sample.value.filter(|value| value.0 > 0)) else {
            continue;
        };
        match view.is_target_pod(name) {
            true if is_there(name) => {}
            true => gone.push(format!("{name}={value}")),
            false => others.push(format!("{name}={value}")),
        }
    }
    if !others.is_empty() {
        return Some(format!(
            "contamination: the metrics API answers with {}, not of the target, and the controller counts each item in its average: \
             do the labels of the HPA's target select other pods too, or does the adapter ignore the selector?",
            others.join(", ")
        ));
    }
    (!gone.is_empty()).then(|| {
        format!(
            "the metrics API still answers with {}, of pods of the target that are gone, and the controller counts each item in its \
             average: how long do adapter and store keep the values of deleted pods?",
            gone.join(", ")
        )
    })
}

/// Other workloads' pods that are busy in the series of the metric: at the store, which has the series that the metric
/// is computed from, else at the exporter, else those that request accelerators. A Pods metric is not computed from them: each of
/// its items is of one pod.
fn find_pods(view: &RunView<'_>, at_ms: u64) -> Vec<String> {
    let (scenario, kind) = (view.records.scenario, view.metric.as_ref().map(|metric| metric.kind));
    if kind == Some(MetricKind::Pods) {
        return Vec::new();
    }
    // An Object metric is computed from the series of its own namespace; an External one may be computed from any.
    let is_external = kind == Some(MetricKind::External);
    let labels = &scenario.metric.profile_or_generic().labels;
    let is_included = |sample: &&&MetricSample| {
        let namespace = namespace_of_pod(&sample.labels, labels);
        is_external || namespace.is_none_or(|namespace| namespace == scenario.namespace)
    };
    let last = |hop: MetricHop| last_samples(view, hop, at_ms);
    let busy = last(MetricHop::Store).or_else(|| last(MetricHop::Exporter));
    let busy =
        busy.map(|all| all.iter().filter(is_included).filter_map(|sample| describe_other(view, sample)).collect());
    let mut pods: Vec<String> = busy.unwrap_or_else(|| {
        let others = view.pods.iter().filter(|(o, pod)| o.at_ms <= at_ms && !view.is_target_pod(&pod.name));
        let requesting = others.filter(|(_, pod)| !view.requested_accelerators(pod).is_empty());
        requesting
            .map(|(_, pod)| format!("{}, which requests {}", pod.name, view.requested_accelerators(pod).join(", ")))
            .collect()
    });
    pods.sort();
    pods.dedup();
    pods
}

/// Busy pods of other workloads on a device of the target's pods, by the labels of exporter or store.
fn find_device_sharers(view: &RunView<'_>, at_ms: u64) -> Vec<String> {
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    let mut pods = BTreeSet::new();
    for hop in [MetricHop::Exporter, MetricHop::Store] {
        let samples = last_samples(view, hop, at_ms).unwrap_or_default();
        let of_target = samples.iter().filter(|sample| view.is_of_target(sample));
        let devices: BTreeSet<Cow<'_, str>> = of_target.filter_map(|s| device_from_labels(&s.labels, labels)).collect();
        let is_on_device =
            |s: &&&MetricSample| device_from_labels(&s.labels, labels).is_some_and(|device| devices.contains(&device));
        pods.extend(samples.iter().filter(is_on_device).filter_map(|sample| describe_other(view, sample)));
    }
    pods.into_iter().collect()
}

/// Pods of other workloads that are busier than every pod of the target. A rule that selects them gives the target their values.
fn find_busier_pods(view: &RunView<'_>, at_ms: u64) -> Vec<String> {
    let mut pods = BTreeSet::new();
    for hop in [MetricHop::Exporter, MetricHop::Store] {
        let samples = last_samples(view, hop, at_ms).unwrap_or_default();
        let of_target = samples.iter().filter(|sample| view.is_of_target(sample));
        // Without a sample of the target nothing can be compared.
        let Some(busiest) = of_target.filter_map(|sample| sample.value).max() else { continue };
        let busier = samples.iter().filter(|sample| sample.value.is_some_and(|value| value > busiest));
        pods.extend(busier.filter_map(|sample| describe_other(view, sample)));
    }
    pods.into_iter().collect()
}
