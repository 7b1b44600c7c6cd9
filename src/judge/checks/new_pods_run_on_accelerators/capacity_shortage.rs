//! Of ScaleUp/NewPodsRunOnAccelerators: a pod that the scheduler cannot place because no accelerator is free.

use std::collections::BTreeMap;

use crate::judge::check_result::format_replicas;
use crate::judge::run_view::RunView;
use crate::model::observation::{NotRunningReason, PodSnapshot};

/// True when the scheduler finds no free accelerator: no extended resource, or no device for a resource claim.
pub(super) fn is_capacity_shortage(view: &RunView<'_>, pod: &PodSnapshot, trouble: &NotRunningReason) -> bool {
    is_from_scheduler(trouble)
        && (missing_resources(view, pod, trouble).next().is_some()
            || trouble.message.contains("cannot allocate all claims"))
}

fn is_from_scheduler(trouble: &NotRunningReason) -> bool {
    matches!(trouble.reason.as_str(), "Unschedulable" | "FailedScheduling")
}

/// The accelerators of the pod that the scheduler's message names as insufficient.
fn missing_resources<'v>(
    view: &'v RunView<'_>,
    pod: &'v PodSnapshot,
    trouble: &'v NotRunningReason,
) -> impl Iterator<Item = &'v str> {
    let short_of = |name: &&String| {
        // Another resource's name may begin with this one.
        let continues = |rest: &str| {
            let mut rest = rest.trim_start_matches('.').chars();
            rest.next().is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_')
        };
        trouble.message.split(&format!("Insufficient {name}")).skip(1).any(|rest| !continues(rest))
    };
    let requested = pod.extended_resources.keys().filter(|name| view.is_accelerator(name));
    requested.filter(short_of).map(String::as_str)
}

/// True when the scheduler finds no accelerator and the cluster has fewer of that resource than the target requests, so
/// that waiting does not help. One resource cannot stand for another one.
pub(super) fn is_cluster_too_small(
    view: &RunView<'_>,
    pod: &PodSnapshot,
    trouble: &NotRunningReason,
    now: u64,
) -> bool {
    is_from_scheduler(trouble)
        && pod.resource_claims.is_empty()
        && missing_resources(view, pod, trouble).any(|resource| is_scarce(view, resource, now))
}

/// True when the Ready nodes offer less of a resource than the pods of the target request.
fn is_scarce(view: &RunView<'_>, resource: &str, now: u64) -> bool {
    let mut allocatable: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, node) in &view.nodes {
        let count = node.allocatable.get(resource).copied().unwrap_or(0);
        allocatable.insert(&node.name, if node.ready { count } else { 0 });
    }
    let pods = view.target_pods().iter().filter(|pod| pod.exists_at(now)).filter_map(|pod| pod.last_observation());
    let requested = pods.filter_map(|(_, snapshot)| snapshot.extended_resources.get(resource));
    let sum = |counts: &mut dyn Iterator<Item = &i64>| counts.fold(0, |sum: i64, count| sum.saturating_add(*count));
    !allocatable.is_empty() && sum(&mut allocatable.values()) < sum(&mut requested.into_iter())
}

pub(super) fn describe_shortage(view: &RunView<'_>, name: &str, trouble: &NotRunningReason, now: u64) -> String {
    let replicas = view.workload_at(now).map_or(view.expected_replicas, |(_, workload)| workload.spec_replicas);
    format!("(capacity) pod {name} finds no free accelerator for {}: {}", format_replicas(replicas), trouble.message)
}
