//! The scheduler: binds a pod to the node with the most free extended resources, with devices for its resource claims; a pod
//! that fits no node stays Pending, with kube-scheduler's message.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::claim_allocation::{self, ClaimAllocation, ClaimAllocator};
use super::context::ControllerContext;
use super::{event, pods};
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::config::NewPodFault;
use crate::sim::objects::kinds::{NODE, PERSISTENT_VOLUME_CLAIM, POD};
use crate::sim::objects::resources::{ExtendedResources, free_resources, requested_resources};
use crate::sim::objects::{condition, labels, state};

const SCHEDULER: &str = "kube-scheduler";
const COMPONENT: &str = "default-scheduler";

/// Schedules a pod that has no node.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let Some(pod) = context.cluster.get(&POD, namespace, name) else { return };
    if !pod["spec"]["nodeName"].is_null() || !state::is_active(&pod) {
        return;
    }
    let wrong_node =
        context.config.new_pod_fault == NewPodFault::WrongNode && pods::is_additional_pod(&context.cluster, &pod);
    // A pod waits for its claims without a condition; their creation enqueues it again.
    let Some(allocator) = ClaimAllocator::for_pod(&context.cluster, &pod) else { return };
    match allocator.and_then(|allocator| select_node(&context.cluster, &pod, wrong_node, &allocator)) {
        Ok((node, allocations)) => {
            claim_allocation::write_allocations(&context.cluster, SCHEDULER, &pod, &node, allocations);
            bind_pod(&context.cluster, &pod, &node);
        }
        Err(reason) => mark_unschedulable(&context.cluster, &pod, &reason),
    }
}

fn bind_pod(cluster: &SimCluster, pod: &Value, node: &str) {
    let (namespace, name, now) = (metadata_text(pod, "namespace"), metadata_text(pod, "name"), cluster.now());
    // The error is NotFound: the pod is deleted.
    let _ = cluster.update(FieldManager::update(SCHEDULER), &POD, &namespace, &name, |pod| {
        pod["spec"]["nodeName"] = json!(node);
        condition::set(&mut pod["status"], &now, "PodScheduled", "True", "", "");
    });
    let message = format!("Successfully assigned {namespace}/{name} to {node}");
    event::record(cluster, COMPONENT, pod, ("Normal", "Scheduled"), message);
}

fn mark_unschedulable(cluster: &SimCluster, pod: &Value, reason: &str) {
    let now = cluster.now();
    let (before, manager) = (pod, FieldManager::update_status(SCHEDULER));
    let changed = cluster.update(manager, &POD, &metadata_text(pod, "namespace"), &metadata_text(pod, "name"), |pod| {
        condition::set(&mut pod["status"], &now, "PodScheduled", "False", "Unschedulable", reason);
    });
    // A repeated message is no new event: kube-scheduler counts it in the series of the first one.
    if changed.is_ok_and(|after| after["status"] != before["status"]) {
        event::record(cluster, COMPONENT, pod, ("Warning", "FailedScheduling"), reason);
    }
}

/// Selects the node of a pod, with the allocations of its claims there, or returns why there is none. `wrong_node` is the fault
/// of that name.
fn select_node(
    cluster: &SimCluster,
    pod: &Value,
    wrong_node: bool,
    allocator: &ClaimAllocator,
) -> Result<(String, Vec<ClaimAllocation>), String> {
    let (nodes, all) = (cluster.list(&NODE, None), cluster.list(&POD, None));
    if let Some(reason) = unbound_claim_reason(cluster, pod, nodes.len()) {
        return Err(reason);
    }
    if !pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"].is_null() {
        return Err("NotSimulated: the simulator does not support required nodeAffinity".to_owned());
    }
    let requested = requested_resources(pod);
    let (mut best, mut reasons) = (None, BTreeMap::<String, usize>::new());
    for node in &nodes {
        let (free, name) = (free_resources(node, &all), metadata_text(node, "name"));
        let unfit = unfit_reason(pod, node, &all, if wrong_node { None } else { Some((&requested, &free)) });
        match unfit.map_or_else(|| allocator.allocate_on(&name), Err) {
            Err(reason) => *reasons.entry(reason).or_default() += 1,
            Ok(allocations) => {
                // Most free devices first, then fewest pods; with the fault, fewest free devices first.
                let left: i64 = requested.keys().filter_map(|resource| free.get(resource)).sum();
                let busy = all.iter().filter(|other| other["spec"]["nodeName"] == node["metadata"]["name"]).count();
                let order = (if wrong_node { -left } else { left }, std::cmp::Reverse(busy));
                if best.as_ref().is_none_or(|(other, _)| order > *other) {
                    best = Some((order, (name, allocations)));
                }
            }
        }
    }
    let unfit = || fit_error_message(&reasons, nodes.len(), allocator.has_claims());
    best.map(|(_, selected)| selected).ok_or_else(unfit)
}

/// Formats kube-scheduler's FitError. Where the pod has no claims, there are none to deallocate for it.
fn fit_error_message(reasons: &BTreeMap<String, usize>, nodes: usize, has_claims: bool) -> String {
    let all: Vec<_> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let insufficient: usize =
        reasons.iter().filter(|(reason, _)| reason.starts_with("Insufficient")).map(|(_, n)| n).sum();
    let not_helpful =
        (nodes > insufficient).then(|| format!("{} Preemption is not helpful for scheduling", nodes - insufficient));
    let victims = (insufficient > 0).then(|| format!("{insufficient} No preemption victims found for incoming pod"));
    let preemption: Vec<_> = victims.into_iter().chain(not_helpful).collect();
    let of_claims = if has_claims { "" } else { "no new claims to deallocate, " };
    format!(
        "0/{nodes} nodes are available: {}. {of_claims}preemption: 0/{nodes} nodes are available: {}.",
        all.join(", "),
        preemption.join(", ")
    )
}

/// Returns why a pod does not fit a node. `resources` are requested and free; `None` skips their check.
fn unfit_reason(
    pod: &Value,
    node: &Value,
    all: &[Arc<Value>],
    resources: Option<(&ExtendedResources, &ExtendedResources)>,
) -> Option<String> {
    if node["spec"]["unschedulable"] == true {
        return Some("node(s) were unschedulable".to_owned());
    }
    if !condition::is_condition_true(node, "Ready") {
        return Some("node(s) had untolerated taint(s)".to_owned());
    }
    let selector = &pod["spec"]["nodeSelector"];
    if selector.as_object().is_some_and(|all| !all.is_empty())
        && !labels::has_labels(selector, &node["metadata"]["labels"])
    {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if has_anti_affinity_conflict(pod, node, all) {
        return Some("node(s) didn't match pod anti-affinity rules".to_owned());
    }
    let (requested, free) = resources?;
    let insufficient = requested.iter().find(|(resource, count)| free.get(*resource).unwrap_or(&0) < count);
    insufficient.map(|(resource, _)| format!("Insufficient {resource}"))
}

/// Whether the required anti-affinity of a pod excludes the node.
fn has_anti_affinity_conflict(pod: &Value, node: &Value, all: &[Arc<Value>]) -> bool {
    let terms = pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"].as_array();
    let neighbors = || {
        all.iter().filter(|other| {
            other["spec"]["nodeName"] == node["metadata"]["name"]
                && other["metadata"]["namespace"] == pod["metadata"]["namespace"]
        })
    };
    terms.into_iter().flatten().any(|term| neighbors().any(|other| labels::matches(&term["labelSelector"], other)))
}

/// Returns why the claims of a pod do not let it be scheduled yet.
fn unbound_claim_reason(cluster: &SimCluster, pod: &Value, nodes: usize) -> Option<String> {
    let suffix =
        format!("preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.");
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    for claim in volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str()) {
        let reason = match cluster.get(&PERSISTENT_VOLUME_CLAIM, &metadata_text(pod, "namespace"), claim) {
            None => format!("persistentvolumeclaim \"{claim}\" not found"),
            Some(found) if found["status"]["phase"] != "Bound" => {
                "pod has unbound immediate PersistentVolumeClaims".to_owned()
            }
            Some(_) => continue,
        };
        return Some(format!("0/{nodes} nodes are available: {reason}. {suffix}"));
    }
    None
}
