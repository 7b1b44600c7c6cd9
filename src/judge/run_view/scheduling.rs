//! Why a pod of the target was not placed or not created, by the words of the scheduler and of the pod's controller.

use std::collections::BTreeMap;

use super::RunView;
use crate::model::observation::{EventSnapshot, NotRunningReason, PodSnapshot};

impl<'a> RunView<'a> {
    /// True when the scheduler finds no free accelerator for a pod: too little of an extended resource on a node that offers it,
    /// or no device for a resource claim. A taint, an affinity or another resource is no lack of accelerators, also where nodes
    /// without accelerators are named as insufficient beside it.
    pub(crate) fn lacks_accelerator(&self, pod: &PodSnapshot, trouble: &NotRunningReason, at_ms: u64) -> bool {
        is_from_scheduler(trouble)
            && (trouble.message.contains("cannot allocate all claims")
                || self.missing_accelerators(pod, trouble).any(|(resource, nodes)| {
                    nodes > self.nodes_without(resource, at_ms) || self.is_scarce(resource, at_ms)
                }))
    }

    /// True when the scheduler finds no accelerator and the cluster has fewer of that resource than the target requests, so
    /// that waiting does not help. One resource cannot stand for another one.
    pub(crate) fn has_too_few_accelerators(&self, pod: &PodSnapshot, trouble: &NotRunningReason, at_ms: u64) -> bool {
        is_from_scheduler(trouble)
            && pod.resource_claims.is_empty()
            && self.missing_accelerators(pod, trouble).any(|(resource, _)| self.is_scarce(resource, at_ms))
    }

    /// The accelerators of the pod that the scheduler's message names as insufficient, with the number of such nodes.
    fn missing_accelerators<'v>(
        &'v self,
        pod: &'v PodSnapshot,
        trouble: &'v NotRunningReason,
    ) -> impl Iterator<Item = (&'v str, usize)> {
        let requested = pod.extended_resources.keys().filter(|name| self.is_accelerator(name));
        requested.filter_map(|name| Some((name.as_str(), insufficient_nodes(&trouble.message, name)?)))
    }

    /// The number of observed nodes that do not offer a resource, by the last observation of each until `at_ms`.
    fn nodes_without(&self, resource: &str, at_ms: u64) -> usize {
        self.allocatable(resource, at_ms).values().filter(|count| **count == 0).count()
    }

    /// How much of a resource each observed node offers, 0 for one that is not Ready.
    fn allocatable(&self, resource: &str, at_ms: u64) -> BTreeMap<&'a str, i64> {
        let seen = self.nodes.iter().filter(|(o, _)| o.at_ms <= at_ms);
        let counts = seen.map(|(_, node)| {
            let count = node.allocatable.get(resource).copied().unwrap_or(0);
            (node.name.as_str(), if node.ready { count } else { 0 })
        });
        counts.collect()
    }

    /// True when the Ready nodes offer less of a resource than the pods of the target request.
    fn is_scarce(&self, resource: &str, at_ms: u64) -> bool {
        let allocatable = self.allocatable(resource, at_ms);
        let pods =
            self.target_pods().iter().filter(|pod| pod.exists_at(at_ms)).filter_map(|pod| pod.last_observation());
        let requested = pods.filter_map(|(_, snapshot)| snapshot.extended_resources.get(resource));
        let sum = |counts: &mut dyn Iterator<Item = &i64>| counts.fold(0, |sum: i64, count| sum.saturating_add(*count));
        !allocatable.is_empty() && sum(&mut allocatable.values()) < sum(&mut requested.into_iter())
    }

    /// Why the target's controller created no pod, by its last event until `at_ms`: a quota, or a refusal of an admission plugin.
    pub(super) fn describe_refused_pods(&self, at_ms: u64) -> Option<String> {
        let (_, workload) = self.workloads.last()?;
        // A ReplicaSet has the name of its Deployment and a hash.
        let is_of_target = |event: &EventSnapshot| {
            let name = event.object.split_once('/').map_or("", |(_, name)| name);
            name.strip_prefix(workload.name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let is_refusal = |event: &EventSnapshot| event.reason == "FailedCreate" && is_of_target(event);
        let (_, event) = self.events.iter().rfind(|(o, event)| o.at_ms <= at_ms && is_refusal(event))?;
        Some(format!("{}: {}: {}", event.object, event.reason, event.message))
    }
}

fn is_from_scheduler(trouble: &NotRunningReason) -> bool {
    matches!(trouble.reason.as_str(), "Unschedulable" | "FailedScheduling")
}

/// The number of nodes that a message of the scheduler names as insufficient of a resource: `2 Insufficient nvidia.com/gpu`.
/// `None` where it names none; without a number all nodes count.
fn insufficient_nodes(message: &str, resource: &str) -> Option<usize> {
    // Another resource's name may begin with this one.
    let continues = |rest: &str| {
        let mut rest = rest.trim_start_matches('.').chars();
        rest.next().is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let words = format!("Insufficient {resource}");
    let (start, _) = message.match_indices(&words).find(|(start, _)| !continues(&message[start + words.len()..]))?;
    let number = message[..start].trim_end().rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
    Some(number.unwrap_or(usize::MAX))
}
