//! Contamination of the metric: it includes busy pods of other workloads, whose activity the run's load does not
//! control.

use crate::judge::run_view::RunView;
use crate::metrics::namespace_from_labels;
use crate::model::metric_under_test::MetricKind;
use crate::model::reading::{MetricHop, MetricSample};

/// Describes the contamination of the metric at this time.
pub(in crate::judge) fn describe(view: &RunView<'_>, at_ms: u64) -> Option<String> {
    let pods = find_pods(view, at_ms);
    (!pods.is_empty()).then(|| {
        format!(
            "contamination: the metric also includes {}, not of the target: use a Pods metric, or a rule that selects only the target's pods",
            pods.join(", ")
        )
    })
}

/// Other workloads' pods that are busy in the series of the metric: at the store, which has the series that the metric
/// is computed from, else at the exporter, else those that request accelerators. A Pods metric has none: the controller
/// ignores samples of other pods.
fn find_pods(view: &RunView<'_>, at_ms: u64) -> Vec<String> {
    let (scenario, kind) = (view.records.scenario, view.metric.as_ref().map(|metric| metric.kind));
    if kind == Some(MetricKind::Pods) {
        return Vec::new();
    }
    // An Object metric is computed from the series of its own namespace; an External one may be computed from any.
    let is_external = kind == Some(MetricKind::External);
    let labels = &scenario.metric.profile_or_generic().labels;
    let is_included = |sample: &MetricSample| {
        let namespace = namespace_from_labels(&sample.labels, labels);
        is_external || namespace.is_none_or(|namespace| namespace == scenario.namespace)
    };
    let is_other = |name: &str| !view.is_target_pod(name);
    let last = |hop: MetricHop| view.readings.iter().rfind(|(o, r)| r.hop == hop && o.at_ms <= at_ms)?.1.samples();
    let busy = last(MetricHop::Store).or_else(|| last(MetricHop::Exporter)).map(|samples| {
        let positive =
            samples.iter().filter(|sample| is_included(sample) && sample.value.is_some_and(|value| value.0 > 0));
        let named = positive.filter_map(|s| Some((s.object.as_deref()?, s.value?)));
        named.filter(|(name, _)| is_other(name)).map(|(name, value)| format!("{name}={value}")).collect()
    });
    let mut pods: Vec<String> = busy.unwrap_or_else(|| {
        let others = view.pods.iter().filter(|(o, pod)| o.at_ms <= at_ms && is_other(&pod.name));
        let requesting = others.filter(|(_, pod)| !view.requested_accelerators(pod).is_empty());
        requesting
            .map(|(_, pod)| format!("{}, which requests {}", pod.name, view.requested_accelerators(pod).join(", ")))
            .collect()
    });
    pods.sort();
    pods.dedup();
    pods
}
