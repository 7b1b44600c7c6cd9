//! The accelerators of the target's pods: what they request, and what the kubelet and the claims say they hold.

use std::collections::BTreeMap;

use super::{RunView, TargetPod};
use crate::metrics::PhysicalDevice;
use crate::model::node_info::NodeInfo;
use crate::model::non_accelerators::DriverKind;
use crate::model::observation::{ClaimedDevice, NodeSnapshot, PodSnapshot};

/// Prefix of a resource claim among the resources of a container's devices (kubernetes v1.37.2,
/// pkg/kubelet/cm/dra/manager.go).
const CLAIM_PREFIX: &str = "claim:";

impl<'a> RunView<'a> {
    /// True when an extended resource counts as an accelerator in this run.
    pub(crate) fn is_accelerator(&self, resource: &str) -> bool {
        self.records.scenario.is_accelerator(resource)
    }

    /// The accelerators that a pod requests, formatted; empty when it requests none.
    pub(crate) fn requested_accelerators(&self, pod: &PodSnapshot) -> Vec<String> {
        let resources = pod.extended_resources.iter().filter(|(name, count)| self.is_accelerator(name) && **count > 0);
        let mut all: Vec<String> = resources.map(|(name, count)| format!("{name}={count}")).collect();
        all.extend(self.accelerator_claims(pod).map(|claim| format!("claim {}", self.describe_claim(claim))));
        all
    }

    /// How many accelerators a pod requests.
    pub(crate) fn count_accelerators(&self, pod: &PodSnapshot) -> u64 {
        let resources = pod.extended_resources.iter().filter(|(name, _)| self.is_accelerator(name));
        let counted = resources.fold(0_u64, |sum, (_, count)| sum.saturating_add(u64::try_from(*count).unwrap_or(0)));
        counted.saturating_add(self.accelerator_claims(pod).count() as u64)
    }

    /// The resource claims of a pod that may stand for an accelerator: none where the scenario names a resource, and none
    /// that is known to be of something else.
    pub(crate) fn accelerator_claims<'s>(&'s self, pod: &'s PodSnapshot) -> impl Iterator<Item = &'s String> {
        let is_accepted = self.records.scenario.accepts_claims();
        let may_be = |claim: &&String| !matches!(self.claim_kind(claim), DriverKind::Other(_));
        pod.resource_claims.iter().filter(move |claim| is_accepted && may_be(claim))
    }

    /// Ids of a pod's accelerators, as the kubelet reports them. The latest non-empty list counts: the kubelet may report
    /// them after Ready, and drops them with the containers.
    pub(crate) fn accelerator_ids(&self, pod: &TargetPod<'a>) -> Vec<&'a str> {
        let with_devices = pod.observations.iter().rev().find(|(_, pod)| !pod.allocated_devices.is_empty());
        with_devices.map_or_else(Vec::new, |(_, snapshot)| self.reported_accelerator_ids(snapshot))
    }

    /// Ids of a pod's accelerators in one observation. Where the resources of the ids are not recorded, each id counts.
    pub(super) fn reported_accelerator_ids<'s>(&self, snapshot: &'s PodSnapshot) -> Vec<&'s str> {
        if snapshot.devices_by_resource.is_empty() {
            return snapshot.allocated_devices.iter().map(String::as_str).collect();
        }
        let accelerators =
            snapshot.devices_by_resource.iter().filter(|(resource, _)| match resource.strip_prefix(CLAIM_PREFIX) {
                Some(_) => self.records.scenario.accepts_claims(),
                None => self.is_accelerator(resource),
            });
        let is_other = |id: &&str| matches!(DriverKind::from_driver(driver_of_id(id)), DriverKind::Other(_));
        accelerators.flat_map(|(_, ids)| ids).map(String::as_str).filter(|id| !is_other(id)).collect()
    }

    /// How a pod's device is known to be shared: it is a replica by its id, or the labels of the pod's node say so of the resource
    /// that the pod requests. `None` where neither does.
    pub(crate) fn describe_shared_device(&self, pod: &TargetPod<'a>) -> Option<String> {
        let is_replica = |id: &&str| PhysicalDevice::from_id(id).name != *id;
        if let Some(id) = self.accelerator_ids(pod).into_iter().find(is_replica) {
            return Some(format!("{id} is a replica"));
        }
        let (_, snapshot) = pod.last_observation()?;
        let (node, info) = self.node_before_run(snapshot)?;
        let resources = snapshot.extended_resources.keys().filter(|name| self.is_accelerator(name));
        resources.into_iter().find_map(|resource| {
            let devices = node.allocatable.get(resource).copied().unwrap_or(0);
            let shared = info.shared_accelerators(resource, devices)?;
            Some(format!("{} of {resource} by the labels of node {}", shared.strategy, node.name))
        })
    }

    /// The node of a pod, as it was before the run, with what its labels say; `None` for a node that is not in the inventory.
    pub(crate) fn node_before_run(&self, pod: &PodSnapshot) -> Option<(&'a NodeSnapshot, &'a NodeInfo)> {
        let name = pod.node.as_ref()?;
        let inventory = self.records.inventory;
        inventory.nodes.iter().zip(&inventory.node_info).find(|(node, _)| node.name == *name)
    }

    /// What a claim allocates, by the driver of its devices; unknown where no allocation is recorded.
    pub(crate) fn claim_kind(&self, claim: &str) -> DriverKind {
        let kinds: Vec<DriverKind> =
            self.claimed_devices(claim).map(|device| DriverKind::from_driver(&device.driver)).collect();
        let is = |kind: &DriverKind| kinds.contains(kind);
        match kinds.first() {
            _ if is(&DriverKind::Accelerator) => DriverKind::Accelerator,
            _ if is(&DriverKind::Unknown) => DriverKind::Unknown,
            Some(other) => *other,
            None => DriverKind::Unknown,
        }
    }

    /// The name of a claim, with the driver and the device where they are recorded.
    pub(crate) fn describe_claim(&self, claim: &str) -> String {
        let devices = self.claimed_devices(claim).map(|one| format!("{} of {}", one.device, one.driver));
        let devices: Vec<String> = devices.collect();
        if devices.is_empty() { claim.to_owned() } else { format!("{claim} ({})", devices.join(", ")) }
    }

    /// The recorded devices of a claim.
    pub(crate) fn claimed_devices(&self, claim: &str) -> impl Iterator<Item = &'a ClaimedDevice> {
        self.claims.get(claim).into_iter().flatten().copied()
    }
}

/// The devices of each claim, by its name. The first probe that recorded a claim counts; a later one repeats it.
pub(super) fn collect_claims<'a>(view: &RunView<'a>) -> BTreeMap<&'a str, Vec<&'a ClaimedDevice>> {
    let mut claims: BTreeMap<&'a str, (u64, Vec<&'a ClaimedDevice>)> = BTreeMap::new();
    for (o, probe) in &view.probes {
        for device in &probe.claimed_devices {
            let (seq, devices) = claims.entry(&device.claim).or_insert((o.seq, Vec::new()));
            if *seq == o.seq {
                devices.push(device);
            }
        }
    }
    claims.into_iter().map(|(claim, (_, devices))| (claim, devices)).collect()
}

/// The driver in a device id of a claim: `driver/pool/device`, or the CDI name `k8s.driver/class=name`.
fn driver_of_id(id: &str) -> &str {
    let vendor = id.split('/').next().unwrap_or_default();
    vendor.strip_prefix("k8s.").unwrap_or(vendor)
}
