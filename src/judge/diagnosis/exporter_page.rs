//! Why the pages of an exporter show no pod of the target. Each cause has its own remedy: a metric that no page has, series that
//! name no pod, series of other pods.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::device_labels;
use crate::judge::run_view::RunView;
use crate::metrics::{device_from_labels, device_index_from_labels};
use crate::model::mig;
use crate::model::reading::MetricSample;

/// Pods or labels that a text names at most.
const MAX_NAMES: usize = 3;

/// What to check where the samples of a metric, read from the exporter's pages, have no value of a pod of the target.
pub(in crate::judge) fn describe_missing_pods(view: &RunView<'_>, samples: &[MetricSample]) -> String {
    let name = view.records.scenario.metric.exporter.as_ref().map_or("the metric", |e| e.metric_name.as_str());
    if samples.is_empty() {
        return format!(
            "no page that was read has the metric {name}: does the exporter collect it (dcgm-exporter: its file of counters), do \
             the devices support it, and do namespace, podLabels, port and metricName of metric.exporter state what you mean?"
        );
    }
    if samples.iter().any(|sample| view.is_of_target(sample)) {
        return format!("the value of {name} is no finite number for the target's pods: does their device support it?");
    }
    if let Some(resources) = claims_of_target(view) {
        return format!(
            "the target's pods hold {resources}: does the exporter resolve claims to pods (dcgm-exporter: \
             KUBERNETES_ENABLE_DRA=true, and the right to list resourceslices)?"
        );
    }
    let others: BTreeSet<Cow<'_, str>> = samples.iter().filter_map(|sample| view.full_name_of_pod(sample)).collect();
    if !others.is_empty() {
        return format!(
            "the series of {name} are of other pods ({}): do podLabels select the exporter's pod on each node of the target, and \
             does that exporter know {}?",
            join(others.iter().map(|name| &**name)),
            resources_of_target(view)
        );
    }
    let names = &view.records.scenario.metric.profile_or_generic().labels;
    let is_of_device = |sample: &MetricSample| {
        device_from_labels(&sample.labels, names).is_some() || device_index_from_labels(&sample.labels, names).is_some()
    };
    if samples.iter().any(is_of_device)
        && let Some(sharing) = view.target_pods().iter().find_map(|pod| view.describe_shared_device(pod))
    {
        return format!(
            "the series of {name} name devices and no pod, and the target's pods share theirs ({sharing}): does the exporter \
             attribute shared devices to pods (dcgm-exporter: KUBERNETES_VIRTUAL_GPUS=true, and NVIDIA_RESOURCE_NAMES for a renamed \
             resource), each with its own share? Else give each pod a device of its own (an exclusive GPU or a MIG instance)"
        );
    }
    if samples.iter().any(is_of_device) {
        let instance = device_labels::instance_of_target(view).filter(|_| name != mig::INSTANCE_ACTIVITY_FIELD);
        let of_instances = instance.map_or(String::new(), |instance| {
            format!(
                " does it have this field for MIG instances, such as {instance} of the target's pods (it has {} for them)? If it has,",
                mig::INSTANCE_ACTIVITY_FIELD
            )
        });
        return format!(
            "the series of {name} name devices and no pod:{of_instances} does the exporter attribute devices to pods (it needs the \
             kubelet's pod-resources socket)?"
        );
    }
    let labels: BTreeSet<&str> = samples.iter().flat_map(|sample| sample.labels.keys().map(String::as_str)).collect();
    let labels =
        if labels.is_empty() { "no labels".to_owned() } else { format!("labels {}", join(labels.into_iter())) };
    format!(
        "the series of {name} name neither a pod nor a device ({labels}): the page of a server itself names no pod, since the \
         scrape adds that label: leave metric.exporter out, or state there an exporter of the devices"
    )
}

/// The resource claims of the target's pods; `None` where they have none.
fn claims_of_target(view: &RunView<'_>) -> Option<&'static str> {
    let mut snapshots = view.target_pods().iter().filter_map(|pod| pod.last_observation());
    snapshots.any(|(_, pod)| !pod.resource_claims.is_empty()).then_some("resource claims (DRA)")
}

/// The resources by which the target's pods hold their devices. An exporter may look for the usual name alone.
fn resources_of_target(view: &RunView<'_>) -> String {
    let snapshots = view.target_pods().iter().filter_map(|pod| pod.last_observation());
    let names: BTreeSet<&str> = snapshots
        .flat_map(|(_, pod)| pod.extended_resources.keys())
        .filter(|name| view.is_accelerator(name))
        .map(String::as_str)
        .collect();
    match names.is_empty() {
        true => "the resource of the target's pods".to_owned(),
        false => format!("{}, the resource of the target's pods", join(names.into_iter())),
    }
}

/// The first names, and how many more there are.
fn join<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let text = names.take(MAX_NAMES).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}
