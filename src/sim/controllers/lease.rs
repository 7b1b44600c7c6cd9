//! Leader election of kube-controller-manager.

use serde_json::json;

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::work_queue::WorkKind;
use crate::sim::cluster::FieldManager;
use crate::sim::objects::kinds::LEASE;
use crate::units::HumanDuration;

/// Kubernetes renews it every 2 s. gpuhpa reads it once a minute, so that more renewals would only slow the simulation.
const RENEW_INTERVAL: HumanDuration = HumanDuration::from_secs(20);

/// Renews or creates the Lease.
pub(super) fn renew(context: &mut ControllerContext) {
    let holder = format!("control-plane_{}", context.manager_restarts);
    let now = context.cluster.now_micro();
    let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now,
        "leaseTransitions": 1 + context.manager_restarts});
    let field_manager = FieldManager::update(CONTROLLER_MANAGER);
    let renewed = context.cluster.update(field_manager, &LEASE, "kube-system", CONTROLLER_MANAGER, |lease| {
        let acquired = lease["spec"]["acquireTime"].clone();
        let is_same = lease["spec"]["holderIdentity"] == spec["holderIdentity"];
        lease["spec"] = spec.clone();
        if is_same {
            lease["spec"]["acquireTime"] = acquired;
        }
    });
    if renewed.is_err() {
        let lease = json!({"metadata": {"name": CONTROLLER_MANAGER, "namespace": "kube-system"}, "spec": spec});
        // Cannot fail: the update has found no Lease.
        let _ = context.cluster.create(field_manager, &LEASE, lease);
    }
    context.enqueue_after(WorkKind::Lease, "", "", RENEW_INTERVAL);
}
