//! Of ScaleUp/NewPodsRunOnAccelerators: node, owner and device of a pod that became Ready.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::SLACK;
use crate::judge::check_result::{CheckResult, format_ms};
use crate::judge::run_view::{ObservedItem, RunView, TargetPod};
use crate::metrics::device_from_labels;
use crate::model::non_accelerators::DriverKind;
use crate::model::observation::{NodeSnapshot, PodSnapshot};

/// What the evaluation of each pod needs of the whole run.
pub(super) struct PlacementContext<'v, 'a> {
    view: &'v RunView<'a>,
    /// The snapshots of each node, by its name.
    nodes: BTreeMap<&'a str, Vec<ObservedItem<'a, NodeSnapshot>>>,
    /// The owners of the target's pods that existed before the load.
    owners_before: BTreeSet<&'a str>,
}

impl<'v, 'a> PlacementContext<'v, 'a> {
    pub(super) fn new(view: &'v RunView<'a>) -> Self {
        let mut nodes: BTreeMap<&'a str, Vec<_>> = BTreeMap::new();
        for (o, node) in &view.nodes {
            nodes.entry(&node.name).or_default().push((*o, *node));
        }
        let began = view.load_span().map_or(0, |(began, _)| began);
        let before = view.target_pods().iter().filter(|pod| pod.exists_at(began) && pod.first_seen_ms() < began);
        let owners_before = before.filter_map(|pod| pod.last_observation()?.1.owner.as_deref()).collect();
        Self { view, nodes, owners_before }
    }

    /// Evaluates a pod that became Ready at `ready_ms`.
    pub(super) fn evaluate(&self, pod: &TargetPod<'a>, snapshot: &PodSnapshot, ready_ms: u64) -> CheckResult {
        let (view, name, node) = (self.view, pod.name(), snapshot.node.as_deref().unwrap_or_default());
        if let Some(text) = self.find_other_owner(name, snapshot) {
            return CheckResult::inconclusive(text);
        }
        let snapshots = self.nodes.get(node).map_or(&[][..], Vec::as_slice);
        let on_node = PodOnNode { view, name, snapshot, node, snapshots };
        if let Some(result) = on_node.find_problem(ready_ms) {
            return result;
        }
        let Some(device) = find_device(view, pod, snapshot, on_node.offers_requested()) else {
            // The kubelet may report the device ids after Ready, and the labels of the metric show them one metric lag
            // later.
            let wait_ms = view.times.metric_lag().lenient_ms() + SLACK.ms();
            let text = format!("pod {name} is Ready on node {node}, but no device of it is recorded");
            return if view.is_under_load() && view.now_ms() < ready_ms + wait_ms {
                CheckResult::pending(text)
            } else {
                CheckResult::inconclusive(text)
            };
        };
        CheckResult::pass(format!(
            "pod {name} Ready on node {node} with {device} after {}",
            format_ms(ready_ms - pod.first_seen_ms())
        ))
    }

    /// Why a pod that the target's selector matches was not made by scaling the target: such a pod shows nothing about
    /// the autoscaler.
    fn find_other_owner(&self, name: &str, snapshot: &PodSnapshot) -> Option<String> {
        let (_, workload) = self.view.workloads.last()?;
        let owner = snapshot.owner.as_deref().unwrap_or("none");
        // The Deployment controller names a ReplicaSet after its Deployment and the hash of the template, which has no
        // dash.
        let is_of_target = match workload.kind.as_str() {
            "Deployment" => owner
                .strip_prefix("ReplicaSet/")
                .and_then(|set| set.strip_prefix(workload.name.as_str())?.strip_prefix('-'))
                .is_some_and(|hash| !hash.is_empty() && !hash.contains('-')),
            kind => owner.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) == Some(workload.name.as_str()),
        };
        if !is_of_target {
            return Some(format!(
                "pod {name} was not made by scaling {} {}: its owner is {owner}; the target's selector must not match \
                 pods of others",
                workload.kind, workload.name
            ));
        }
        let first = self.owners_before.first()?;
        (!self.owners_before.contains(owner)).then(|| {
            format!("pod {name} is of {owner}, and the pods before the load are of {first}: it may be of a rollout")
        })
    }
}

/// Nodes on which the Ready pods of the target request more accelerators than the node offers: the kubelet does not start
/// such a pod, so the records contradict each other.
pub(super) fn find_overbooked_node(view: &RunView<'_>) -> Option<String> {
    let end = view.load_span().map_or(0, |(_, end)| end);
    let mut used: BTreeMap<(&str, &str), (usize, i64)> = BTreeMap::new();
    for pod in view.target_pods().iter().filter(|pod| pod.is_ready_at(end)) {
        let Some((_, snapshot)) = pod.last_observation() else { continue };
        let requested = snapshot.extended_resources.iter().filter(|(name, _)| view.is_accelerator(name));
        for (resource, count) in requested {
            let sum = used.entry((snapshot.node.as_deref().unwrap_or_default(), resource)).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(*count));
        }
    }
    let mut offered: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (_, node) in &view.nodes {
        for (resource, count) in &node.allocatable {
            let most = offered.entry((&node.name, resource)).or_default();
            *most = (*most).max(*count);
        }
    }
    used.into_iter().find_map(|((node, resource), (pods, used))| {
        // Where a claim provides the extended resource (DRA), the node itself offers none of it.
        let offered = offered.get(&(node, resource)).copied().filter(|offered| (1..used).contains(offered))?;
        Some(format!(
            "{pods} Ready pods of the target on node {node} request {used} {resource}, and it offered {offered} at most, \
             so the records contradict each other"
        ))
    })
}

/// A pod on its node.
struct PodOnNode<'s, 'a> {
    view: &'s RunView<'a>,
    name: &'s str,
    snapshot: &'s PodSnapshot,
    node: &'s str,
    snapshots: &'s [ObservedItem<'a, NodeSnapshot>],
}

impl PodOnNode<'_, '_> {
    /// Why the node can not have given the pod its accelerators.
    fn find_problem(&self, ready_ms: u64) -> Option<CheckResult> {
        let (name, node) = (self.name, self.node);
        let Some((first, _)) = self.snapshots.first() else {
            return Some(CheckResult::inconclusive(format!("pod {name} runs on node {node}, which could not be read")));
        };
        let has_claims = !self.snapshot.resource_claims.is_empty();
        if !has_claims && !self.has_accelerators() {
            let text = format!("pod {name} runs on node {node}, which has no accelerator");
            return Some(CheckResult::fail(text).with_cites([first.seq]));
        }
        let text = self.find_unready_node(ready_ms).or_else(|| self.find_other_resource().filter(|_| !has_claims))?;
        Some(CheckResult::inconclusive(text).with_cites([first.seq]))
    }

    /// A restarting device plugin withdraws its devices from the node for a while, and the pod keeps its own: the most
    /// that the node offered counts.
    fn most_offered(&self, resource: &str) -> i64 {
        let offered = self.snapshots.iter().filter_map(|(_, node)| node.allocatable.get(resource));
        offered.max().copied().unwrap_or(0)
    }

    fn has_accelerators(&self) -> bool {
        let mut offered = self.snapshots.iter().flat_map(|(_, node)| &node.allocatable);
        offered.any(|(resource, count)| self.view.is_accelerator(resource) && *count > 0)
    }

    /// The accelerators among the pod's extended resources.
    fn requested(&self) -> impl Iterator<Item = &str> {
        let requested = self.snapshot.extended_resources.iter();
        let accelerators = requested.filter(|(name, count)| self.view.is_accelerator(name) && **count > 0);
        accelerators.map(|(name, _)| name.as_str())
    }

    /// False where a resource claim must stand for a requested resource (KEP-5004), since the node does not offer it.
    fn offers_requested(&self) -> bool {
        self.requested().all(|resource| self.most_offered(resource) > 0)
    }

    fn find_other_resource(&self) -> Option<String> {
        let missing = self.requested().find(|resource| self.most_offered(resource) == 0)?;
        Some(format!(
            "pod {} requests {missing}, which its node {} never offered, so its records contradict each other",
            self.name, self.node
        ))
    }

    /// The control plane marks the pods of a node that is not Ready as not Ready.
    fn find_unready_node(&self, ready_ms: u64) -> Option<String> {
        let end = self.view.load_span().map_or(0, |(_, end)| end);
        let known = self.snapshots.partition_point(|(o, _)| o.at_ms <= ready_ms).saturating_sub(1);
        let mut since = self.snapshots[known..].iter().take_while(|(o, _)| o.at_ms <= end.max(ready_ms));
        // Under load a node that is not Ready may become Ready again.
        let is_lost = match self.view.is_under_load() {
            true => since.all(|(_, node)| !node.ready),
            false => since.last().is_some_and(|(_, node)| !node.ready),
        };
        is_lost.then(|| {
            format!(
                "pod {} counts as Ready, but its node {} was not Ready when the load ended, so the pod's state is not current",
                self.name, self.node
            )
        })
    }
}

/// The device of a pod, by its status, its resource claims, or the labels of a series of the pod. A claim counts where
/// the scenario accepts claims, or where one must stand for the requested resource.
fn find_device(
    view: &RunView<'_>,
    pod: &TargetPod<'_>,
    snapshot: &PodSnapshot,
    offers_requested: bool,
) -> Option<String> {
    let ids = view.accelerator_ids(pod);
    if !ids.is_empty() {
        return Some(ids.join(" and "));
    }
    let claims: Vec<String> = snapshot
        .resource_claims
        .iter()
        .filter(|_| view.records.scenario.accepts_claims() || !offers_requested)
        .filter(|claim| !matches!(view.claim_kind(claim), DriverKind::Other(_)))
        .map(|claim| format!("claim {}", view.describe_claim(claim)))
        .collect();
    if !claims.is_empty() {
        return Some(claims.join(" and "));
    }
    let readings = view.readings_in(0..=u64::MAX).iter().rev().map(|(_, reading)| *reading);
    let mut of_pod = readings.flat_map(|reading| view.samples_of(reading, pod.name(), pod.first_seen_ms()));
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    let device = of_pod.find_map(|sample| device_from_labels(&sample.labels, labels));
    device.map(|device| format!("{device} (by the exporter's labels)"))
}
