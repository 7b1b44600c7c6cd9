//! Setup/MetricServed: the metrics API serves the HPA's metric, finite, before the HPA exists. Each readable hop is
//! recorded with value, labels and age; when it is not served, the first broken hop is named. A metrics pipeline that
//! does not work is not the autoscaler's fault: INCONCLUSIVE.

use super::check_result::{BoundResult, CheckResult, compare_with_bound};
use super::run_view::{ObservedItem, RunView};
use crate::model::observation::Phase;
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    // What is read during the clean-up shows a hop that we took away ourselves.
    let until = view.hpa_creation().map_or(view.end_ms(), |(_, at)| at);
    let last = |hop: MetricHop| view.readings.iter().rfind(|(o, r)| r.hop == hop && o.at_ms <= until);
    if let Some((observation, reading)) = last(MetricHop::Api).filter(|(_, reading)| is_served(view, reading)) {
        let mut ruling = CheckResult::pass(format!(
            "the metrics API serves {}: {}",
            view.metric_name(),
            format_values(reading.samples().unwrap_or_default())
        ))
        .with_cites([observation.seq]);
        for hop in [MetricHop::Exporter, MetricHop::Store] {
            ruling = match last(hop) {
                Some(noted) => ruling.with_finding(describe_hop(view, noted)).with_cites([noted.0.seq]),
                None => ruling.with_finding(format!("{}: not read", hop.as_str())),
            };
        }
        return ruling;
    }
    let Some(began) = view.phase_start(Phase::Metric) else {
        return match view.install_failure() {
            Some(why) => CheckResult::inconclusive(why),
            None => CheckResult::pending("the metric was not asked for yet"),
        };
    };
    let what = first_broken_hop(view, &last);
    let ended = view.phase_span(Phase::Metric).is_some_and(|(_, ended)| ended.is_some());
    match compare_with_bound(began, &view.times.metric_served(), None, view.now_ms()) {
        BoundResult::Pending if !ended => CheckResult::pending(what),
        _ => CheckResult::inconclusive(what),
    }
    .with_cites(
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
            .into_iter()
            .filter_map(|hop| last(hop).map(|(o, _)| o.seq)),
    )
}

/// Served for the target: at least one finite value, for a Pods metric one of a pod of the target.
fn is_served(view: &RunView<'_>, reading: &MetricReading) -> bool {
    let samples = reading.samples().unwrap_or_default();
    let of_target = |sample: &MetricSample| {
        !is_pods_metric(view)
            || sample.object.as_ref().is_some_and(|name| view.target_pods().iter().any(|l| l.name() == name))
    };
    !samples.is_empty() && samples.iter().all(|s| s.value.is_some()) && samples.iter().any(of_target)
}

fn is_pods_metric(view: &RunView<'_>) -> bool {
    view.records.scenario.hpa.spec.metrics.iter().flatten().any(|metric| metric.pods.is_some())
}

/// The first hop, in the direction of the metric, that was readable and did not have it.
fn first_broken_hop<'v, 'a: 'v>(
    view: &RunView<'a>,
    last: &impl Fn(MetricHop) -> Option<&'v ObservedItem<'a, MetricReading>>,
) -> String {
    let mut passed = Vec::new();
    for hop in [MetricHop::Exporter, MetricHop::Store, MetricHop::Api] {
        let Some(noted) = last(hop) else { continue };
        let (_, reading) = noted;
        if matches!(reading.result, ReadingResult::NotReadable(_)) {
            continue;
        }
        let attributed = |sample: &MetricSample| {
            sample.value.is_some()
                && sample.object.as_ref().is_some_and(|n| view.target_pods().iter().any(|l| l.name() == n))
        };
        let has = match hop {
            MetricHop::Api => is_served(view, reading),
            MetricHop::Exporter | MetricHop::Store => reading.samples().unwrap_or_default().iter().any(attributed),
        };
        if !has {
            let before = if passed.is_empty() {
                String::new()
            } else {
                format!("; it is there at the {}", passed.join(" and the "))
            };
            return format!("first broken hop: {}{before}; {}", describe_hop(view, noted), next_step(view, reading));
        }
        passed.push(hop.as_str());
    }
    "no hop of the metric could be read yet".to_owned()
}

/// What to look at where a hop does not have the metric.
fn next_step(view: &RunView<'_>, reading: &MetricReading) -> String {
    let failed = match &reading.result {
        ReadingResult::Failed(why) => why.as_str(),
        ReadingResult::Samples(_) | ReadingResult::NotReadable(_) => "",
    };
    match reading.hop {
        MetricHop::Exporter if failed.is_empty() => {
            "does the exporter know which pod holds which device (the kubelet's pod-resources socket)?".to_owned()
        }
        MetricHop::Exporter => "do namespace, podLabels, port and name of metric.exporter name the exporter?".to_owned(),
        MetricHop::Store if failed.contains("honorLabels") => {
            "set honorLabels: true where it scrapes the exporter, or map the exported_* labels in the adapter's rule".to_owned()
        }
        MetricHop::Store => "does it scrape the exporter, and does metric.store.series select the target's namespace?".to_owned(),
        // The API server's own word for a path that nobody serves; of an API that is served, a Status comes.
        MetricHop::Api if failed.contains("page not found") => {
            format!("nobody serves {0}: install a metrics adapter that does (APIService v1beta1.{0})", api_group(view))
        }
        MetricHop::Api if failed.starts_with("503") => {
            format!("look at the pods behind APIService v1beta1.{} and at its condition Available", api_group(view))
        }
        MetricHop::Api => "look at the adapter's rule for this series (seriesQuery, name, and resources.overrides, which have to map the labels that name namespace and pod) and at its log".to_owned(),
    }
}

fn api_group(view: &RunView<'_>) -> &'static str {
    let external = view.records.scenario.hpa.spec.metrics.iter().flatten().any(|metric| metric.external.is_some());
    if external { "external.metrics.k8s.io" } else { "custom.metrics.k8s.io" }
}

/// A hop with value, labels and age.
fn describe_hop(view: &RunView<'_>, (observation, reading): &ObservedItem<'_, MetricReading>) -> String {
    let name = reading.hop.as_str();
    let Some(samples) = reading.samples().filter(|samples| !samples.is_empty()) else {
        return format!("{name}: {}", RunView::describe_failure(reading));
    };
    let of_target = |sample: &&MetricSample| {
        sample.object.as_ref().is_some_and(|n| view.target_pods().iter().any(|l| l.name() == n))
    };
    let shown: Vec<MetricSample> = match samples.iter().filter(of_target).cloned().collect::<Vec<_>>() {
        own if own.is_empty() => samples.iter().take(1).cloned().collect(),
        own => own,
    };
    let none = if samples.iter().any(|s| of_target(&s)) { "" } else { ", none of them of a pod of the target" };
    let labels: Vec<String> = shown[0].labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(", labels {}", labels.join(",")) };
    let age = shown[0].timestamp.filter(|_| reading.hop == MetricHop::Store).map_or(String::new(), |at| {
        let now = i64::try_from(observation.at_ms).unwrap_or(i64::MAX);
        view.to_run_clock(at).map_or(String::new(), |(from, _)| format!(", age {} ms", (now - from).max(0)))
    });
    format!("{name}: {} series{none}, {}{labels}{age}", samples.len(), format_values(&shown))
}

fn format_values(samples: &[MetricSample]) -> String {
    let one = |sample: &MetricSample| {
        let value = sample.value.map_or("not finite".to_owned(), |v| v.to_string());
        sample.object.as_ref().map_or(value.clone(), |object| format!("{object}={value}"))
    };
    samples.iter().map(one).collect::<Vec<_>>().join(", ")
}
