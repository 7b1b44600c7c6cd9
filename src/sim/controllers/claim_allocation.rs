//! The scheduler's allocator of resource claims (kubernetes v1.37.2, pkg/scheduler/framework/plugins/dynamicresources): finds
//! devices of a node for the claims of a pod, and writes them into the claims, reserved for the pod, before the pod is bound.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::resource::v1::{DeviceClass, ResourceClaim};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::objects::claims::{self, CLAIM_FINALIZER, ClaimableDevice, DeviceName};
use crate::sim::objects::kinds::{DEVICE_CLASS, RESOURCE_CLAIM};
use crate::sim::objects::state;
use crate::snapshot::DeviceSelector;

/// The claims of a pod, and the devices that no claim has.
#[derive(Default)]
pub(super) struct ClaimAllocator {
    claims: Vec<ClaimRequest>,
    devices: Vec<ClaimableDevice>,
}

/// A claim, with what it needs unless it has its devices.
struct ClaimRequest {
    claim: Arc<Value>,
    requests: Vec<ExactRequest>,
}

/// A request of a claim for a number of devices; `None` for all that it selects.
struct ExactRequest {
    name: String,
    count: Option<usize>,
    selectors: Vec<DeviceSelector>,
}

/// The devices of a claim on one node, as its status has them; of a claim that has its devices already, none.
pub(super) struct ClaimAllocation {
    name: String,
    results: Option<Vec<Value>>,
}

impl ClaimAllocator {
    /// The allocator for a pod; `None` until all its claims exist.
    ///
    /// # Errors
    /// No node can have the devices, or the simulator does not support a request; the message says why.
    pub(super) fn for_pod(cluster: &SimCluster, pod: &Value) -> Option<Result<Self, String>> {
        let wanted = claims::claim_entries(pod).count();
        if wanted == 0 {
            return Some(Ok(Self::default()));
        }
        let existing = claims::existing_claims(cluster, pod);
        if existing.len() < wanted || existing.iter().any(|(_, claim)| state::is_deleting(claim)) {
            return None;
        }
        let taken = claims::taken_devices(cluster);
        let mut devices = claims::claimable_devices(cluster);
        devices.retain(|device| !taken.contains(&device.name));
        let claims = existing.into_iter().map(|(_, claim)| ClaimRequest::read(cluster, claim)).collect();
        Some(Result::map(claims, |claims| Self { claims, devices }))
    }

    /// Whether the pod has claims.
    pub(super) fn has_claims(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Finds the devices of a node for all claims.
    ///
    /// # Errors
    /// The node has too few, or a claim has devices of another node; the message is the scheduler's.
    pub(super) fn allocate_on(&self, node: &str) -> Result<Vec<ClaimAllocation>, String> {
        let mut used = BTreeSet::new();
        let mut all = Vec::new();
        for ClaimRequest { claim, requests } in &self.claims {
            let name = metadata_text(claim, "name");
            if !claim["status"]["allocation"].is_null() {
                if claims::allocated_node(claim) != Some(node) {
                    return Err("resourceclaim not available on the node".to_owned());
                }
                all.push(ClaimAllocation { name, results: None });
                continue;
            }
            let mut results = Vec::new();
            for request in requests {
                results.extend(self.find_devices(request, node, &mut used).ok_or("cannot allocate all claims")?);
            }
            all.push(ClaimAllocation { name, results: Some(results) });
        }
        Ok(all)
    }

    /// The first devices of a node that do for a request; `None` if it has too few.
    fn find_devices(&self, request: &ExactRequest, node: &str, used: &mut BTreeSet<DeviceName>) -> Option<Vec<Value>> {
        let is_selected = |one: &&ClaimableDevice| {
            one.node == node
                && !used.contains(&one.name)
                && request.selectors.iter().all(|selector| selector.selects(&one.name.0, &one.device))
        };
        let limit = request.count.unwrap_or(usize::MAX);
        let found: Vec<_> = self.devices.iter().filter(is_selected).take(limit).map(|one| one.name.clone()).collect();
        if found.is_empty() || request.count.is_some_and(|count| found.len() < count) {
            return None;
        }
        used.extend(found.iter().cloned());
        let result = |(driver, pool, device): DeviceName| json!({"request": request.name, "driver": driver, "pool": pool, "device": device});
        Some(found.into_iter().map(result).collect())
    }
}

impl ClaimRequest {
    fn read(cluster: &SimCluster, claim: Arc<Value>) -> Result<Self, String> {
        let not_simulated = |what: &str| format!("NotSimulated: the simulator does not support {what} of a claim");
        let spec = ResourceClaim::deserialize(&*claim).ok().and_then(|claim| claim.spec?.devices).unwrap_or_default();
        if spec.constraints.is_some_and(|all| !all.is_empty()) {
            return Err(not_simulated("constraints"));
        }
        let mut requests = Vec::new();
        for request in spec.requests.into_iter().flatten() {
            let exactly = request.exactly.ok_or_else(|| not_simulated("firstAvailable"))?;
            let class = cluster.get(&DEVICE_CLASS, "", &exactly.device_class_name);
            let class = class.and_then(|class| DeviceClass::deserialize(&*class).ok());
            let missing =
                || format!("request {}: device class {} does not exist", request.name, exactly.device_class_name);
            let of_class = class.ok_or_else(missing)?.spec.and_then(|spec| spec.selectors);
            let selectors = of_class.into_iter().chain(exactly.selectors).flatten().filter_map(|one| one.cel);
            let selectors = selectors.map(|cel| DeviceSelector::parse(&cel.expression)).collect::<Option<_>>();
            let count = match exactly.allocation_mode.as_deref() {
                Some("All") => None,
                _ => Some(usize::try_from(exactly.count.unwrap_or(1)).unwrap_or(0)),
            };
            let selectors = selectors.ok_or_else(|| not_simulated("a CEL expression"))?;
            requests.push(ExactRequest { name: request.name, count, selectors });
        }
        Ok(Self { claim, requests })
    }
}

/// Writes the allocations of a pod's claims on a node, and reserves the claims for the pod.
pub(super) fn write_allocations(
    cluster: &SimCluster,
    manager: &str,
    pod: &Value,
    node: &str,
    allocations: Vec<ClaimAllocation>,
) {
    let namespace = metadata_text(pod, "namespace");
    let consumer = json!({"resource": "pods", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]});
    for ClaimAllocation { name, results } in allocations {
        // The error is NotFound: the claim is deleted.
        let _ = cluster.update(FieldManager::update_status(manager), &RESOURCE_CLAIM, &namespace, &name, |claim| {
            if let Some(results) = results {
                push_to(&mut claim["metadata"]["finalizers"], json!(CLAIM_FINALIZER));
                let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
                claim["status"]["allocation"] = json!({"devices": {"results": results},
                    "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [field]}]}});
            }
            push_to(&mut claim["status"]["reservedFor"], consumer.clone());
        });
    }
}

/// Appends to a list, which may be absent.
fn push_to(list: &mut Value, value: Value) {
    match list.as_array_mut() {
        Some(all) if all.contains(&value) => {}
        Some(all) => all.push(value),
        None => *list = json!([value]),
    }
}
