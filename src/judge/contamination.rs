//! What a metric holds besides the target: other workloads' pods, which nobody who loads the target can drive.

use super::run_view::RunView;
use crate::model::reading::{MetricHop, MetricSample};

/// The contamination of the metric at a moment, in words.
pub(super) fn describe(view: &RunView<'_>, at_ms: u64) -> Option<String> {
    let all = find_pods(view, at_ms);
    (!all.is_empty()).then(|| {
        format!(
            "contamination: the metric also holds {}, not of the target: take a Pods metric, or a rule that selects the target's pods alone",
            all.join(", ")
        )
    })
}

/// Pods that are not the target's and busy in the metric's series: by the store, which has the series that the metric is
/// made of, else by the exporter, else those that hold accelerators beside the target. A Pods metric knows no others: the
/// controller drops them.
fn find_pods(view: &RunView<'_>, at_ms: u64) -> Vec<String> {
    let scenario = view.records.scenario;
    let metrics = scenario.hpa.spec.metrics.iter().flatten();
    if metrics.clone().any(|metric| metric.pods.is_some()) {
        return Vec::new();
    }
    // The metric of an object of a namespace is made of that namespace's series; an external one may be made of any.
    let is_external = metrics.clone().any(|metric| metric.external.is_some());
    let is_near = |sample: &MetricSample| {
        const NAMES: [&str; 3] = ["exported_namespace", "namespace", "pod_namespace"];
        let namespace = NAMES.iter().find_map(|name| sample.labels.get(*name));
        is_external || namespace.is_none_or(|namespace| *namespace == scenario.namespace)
    };
    let lives = view.target_pods();
    let is_foreign = |name: &str| lives.iter().all(|life| life.name() != name);
    let last = |hop: MetricHop| view.readings.iter().rfind(|(o, r)| r.hop == hop && o.at_ms <= at_ms)?.1.samples();
    let busy = last(MetricHop::Store).or_else(|| last(MetricHop::Exporter)).map(|samples| {
        let busy = samples.iter().filter(|sample| is_near(sample) && sample.value.is_some_and(|value| value.0 > 0));
        let named = busy.filter_map(|s| Some((s.object.as_deref()?, s.value?)));
        named.filter(|(name, _)| is_foreign(name)).map(|(name, value)| format!("{name}={value}")).collect()
    });
    let mut all: Vec<String> = busy.unwrap_or_else(|| {
        let there = view.pods.iter().filter(|(o, pod)| o.at_ms <= at_ms && is_foreign(&pod.name));
        let with = there.filter(|(_, pod)| !view.requested_accelerators(pod).is_empty());
        with.map(|(_, pod)| format!("{}, which requests {}", pod.name, view.requested_accelerators(pod).join(", ")))
            .collect()
    });
    all.sort();
    all.dedup();
    all
}
