//! Setup/MetricServed: the metrics API serves the HPA's metric, with finite values, before the HPA exists. Findings
//! describe each readable hop with value, labels and age. A metric that is not served is a fault of the pipeline, not
//! of the autoscaler: INCONCLUSIVE, with the first broken hop.

use std::collections::BTreeMap;

use crate::hpa::CUSTOM_METRICS_GROUP;
use crate::judge::check_result::{BoundResult, CheckResult, compare_with_bound};
use crate::judge::diagnosis::{device_labels, exporter_page};
use crate::judge::run_view::{ObservedItem, RunView};
use crate::metrics::device_from_labels;
use crate::model::observation::Phase;
use crate::model::reading::{MetricHop, MetricReading, MetricSample, ReadingResult};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    // During the clean-up a hop may be missing because the run itself deleted it.
    let until = view.hpa_creation().map_or(view.end_ms(), |(_, at)| at);
    let last = |hop: MetricHop| view.readings_at_hop(hop, 0..=until).next_back();
    if let Some((observation, reading)) =
        last(MetricHop::Api).filter(|(_, reading)| view.serves_target(reading) == Some(true))
    {
        let samples = reading.samples().unwrap_or_default();
        // One line, however many series there are.
        let values = match samples.len().checked_sub(3) {
            Some(more @ 1..) => format!("{} and {more} more", format_values(view, &samples[..3])),
            _ => format_values(view, samples),
        };
        let mut result = CheckResult::pass(format!("the metrics API serves the {}: {values}", view.metric_title()))
            .with_cites([observation.seq]);
        for hop in [MetricHop::Exporter, MetricHop::Store] {
            result = match last(hop) {
                Some(item) => result.with_finding(describe_hop(view, item)).with_cites([item.0.seq]),
                None => result.with_finding(format!("{}: not readable or not queried", hop.as_str())),
            };
        }
        return result;
    }
    let Some(began) = view.phase_start(Phase::Metric) else {
        return match view.install_failure() {
            Some(reason) => CheckResult::inconclusive(reason),
            None => CheckResult::pending("the metric was not queried yet"),
        };
    };
    let broken_hop = first_broken_hop(view, &last);
    let ended = view.phase_span(Phase::Metric).is_some_and(|(_, ended)| ended.is_some());
    match compare_with_bound(began, &view.times.metric_served(), None, view.now_ms()) {
        BoundResult::Pending if !ended => CheckResult::pending(broken_hop),
        _ => CheckResult::inconclusive(broken_hop),
    }
    .with_cites(
        [MetricHop::Exporter, MetricHop::Store, MetricHop::Api]
            .into_iter()
            .filter_map(|hop| last(hop).map(|(o, _)| o.seq)),
    )
}

/// The first readable hop, from the exporter to the metrics API, that does not have the metric.
fn first_broken_hop<'v, 'a: 'v>(
    view: &RunView<'a>,
    last: &impl Fn(MetricHop) -> Option<&'v ObservedItem<'a, MetricReading>>,
) -> String {
    let mut passed = Vec::new();
    for hop in [MetricHop::Exporter, MetricHop::Store, MetricHop::Api] {
        let Some(item) = last(hop) else { continue };
        let (_, reading) = item;
        let Some(serves) = view.serves_target(reading) else { continue };
        if !serves {
            let before = if passed.is_empty() {
                String::new()
            } else {
                format!("; the metric is present at the {}", passed.join(" and the "))
            };
            // Each exporter pod has its own page: the one with the target's pods may be the one that failed.
            let failed_page = failed_page(view, item);
            let other = failed_page.map_or(String::new(), |page| format!("; {}", RunView::describe_failure(page)));
            let next = next_step(view, failed_page.unwrap_or(reading));
            return format!("first broken hop: {}{other}{before}; {next}", describe_hop(view, item));
        }
        passed.push(hop.as_str());
    }
    "no hop of the metric was readable yet".to_owned()
}

/// The newest reading of another exporter pod, about as old as this one, that failed.
fn failed_page<'a>(view: &RunView<'a>, (o, reading): &ObservedItem<'a, MetricReading>) -> Option<&'a MetricReading> {
    const MAX_AGE_MS: u64 = 30_000;
    let is_samples = reading.hop == MetricHop::Exporter && reading.samples().is_some();
    let in_time = |at_ms: u64| at_ms <= o.at_ms && at_ms + MAX_AGE_MS >= o.at_ms;
    let mut newest = view.readings.iter().rev().filter(|(other, _)| is_samples && in_time(other.at_ms));
    newest.find(|(_, r)| r.hop == MetricHop::Exporter && matches!(r.result, ReadingResult::Failed(_))).map(|(_, r)| *r)
}

/// What to check where a hop does not have the metric.
fn next_step(view: &RunView<'_>, reading: &MetricReading) -> String {
    let failed = match &reading.result {
        ReadingResult::Failed(error) => error.as_str(),
        ReadingResult::Samples(_) | ReadingResult::NotReadable(_) => "",
    };
    let samples = reading.samples().unwrap_or_default();
    let by_labels = || device_labels::describe_turns(view).or_else(|| device_labels::describe_mig(view));
    if let Some(text) = by_labels().filter(|_| failed.is_empty()) {
        return text;
    }
    match reading.hop {
        MetricHop::Exporter if failed.is_empty() => exporter_page::describe_missing_pods(view, samples),
        MetricHop::Exporter if failed.contains("is not Prometheus text") => {
            "leave that line out of the exporter's list of metrics; if another page was read: do namespace, podLabels and port of metric.exporter select the exporter?".to_owned()
        }
        MetricHop::Exporter => "do namespace, podLabels, port and metricName of metric.exporter select the exporter?".to_owned(),
        MetricHop::Store if failed.contains("honorLabels") => {
            "set honorLabels: true where it scrapes the exporter, or map the exported_* labels in the adapter's rule".to_owned()
        }
        MetricHop::Store => "does it scrape the exporter, and does metric.store.series select the target's namespace?".to_owned(),
        // The API server answers so for a group without an APIService; a served API answers with a Status.
        MetricHop::Api if failed.contains("page not found") => {
            format!("no APIService serves {0}: install a metrics adapter (APIService v1beta1.{0})", api_group(view))
        }
        MetricHop::Api if failed.starts_with("503") => {
            format!("check the pods behind APIService v1beta1.{} and its condition Available", api_group(view))
        }
        MetricHop::Api if failed.starts_with("500") => {
            "the adapter or the API server failed: check the adapter's log, whether it reaches the store, and the API server"
                .to_owned()
        }
        MetricHop::Api => "check the adapter's rule for this series (seriesQuery, name, and resources.overrides, which must map the namespace and pod labels) and its log".to_owned(),
    }
}

fn api_group(view: &RunView<'_>) -> &'static str {
    view.metric.as_ref().map_or(CUSTOM_METRICS_GROUP, |metric| metric.api_group())
}

/// Describes a hop with value, labels and age.
fn describe_hop(view: &RunView<'_>, (observation, reading): &ObservedItem<'_, MetricReading>) -> String {
    let name = reading.hop.as_str();
    let Some(samples) = reading.samples().filter(|samples| !samples.is_empty()) else {
        return format!("{name}: {}", RunView::describe_failure(reading));
    };
    let of_target = |sample: &&MetricSample| view.is_of_target(sample);
    let shown: Vec<MetricSample> = match samples.iter().filter(of_target).cloned().collect::<Vec<_>>() {
        of_pods if of_pods.is_empty() => samples.iter().take(1).cloned().collect(),
        of_pods => of_pods,
    };
    let none = if samples.iter().any(|s| of_target(&s)) { "" } else { ", none of them of a pod of the target" };
    let labels: Vec<String> = shown[0].labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(", labels {}", labels.join(",")) };
    let age = shown[0].timestamp.filter(|_| reading.hop == MetricHop::Store).map_or(String::new(), |at| {
        let now = i64::try_from(observation.at_ms).unwrap_or(i64::MAX);
        view.to_run_clock(at).map_or(String::new(), |(from, _)| format!(", age {} ms", (now - from).max(0)))
    });
    format!("{name}: {} series{none}, {}{labels}{age}", samples.len(), format_values(view, &shown))
}

/// The values by object. Where an object has several series, each is named by its device too.
fn format_values(view: &RunView<'_>, samples: &[MetricSample]) -> String {
    let names = &view.records.scenario.metric.profile_or_generic().labels;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in samples.iter().filter_map(|sample| sample.object.as_deref()) {
        *counts.entry(object).or_default() += 1;
    }
    let format_sample = |sample: &MetricSample| {
        let value = sample.value.map_or("not finite".to_owned(), |v| v.to_string());
        let Some(object) = sample.object.as_deref() else { return value };
        match device_from_labels(&sample.labels, names).filter(|_| counts.get(object) > Some(&1)) {
            Some(device) => format!("{object} on {device}={value}"),
            None => format!("{object}={value}"),
        }
    };
    samples.iter().map(format_sample).collect::<Vec<_>>().join(", ")
}
