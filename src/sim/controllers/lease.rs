//! The Lease of the controller manager.

use serde_json::json;

use super::kinds::LEASE;
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::work_queue::WorkKind;
use crate::sim::cluster::FieldManager;
use crate::units::HumanDuration;

/// The real one renews it every two seconds. gpuhpa reads it once a minute, so that more would only cost time.
const RENEW_INTERVAL: HumanDuration = HumanDuration::from_secs(20);

/// Renews it, or makes it.
pub(super) fn renew(manager: &mut ControllerManager) {
    let holder = format!("control-plane_{}", manager.injection_state.manager_restarts);
    let now = manager.cluster.now_micro();
    let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now,
        "leaseTransitions": 1 + manager.injection_state.manager_restarts});
    let hand = FieldManager::update(CONTROLLER_MANAGER);
    let renewed = manager.cluster.update(hand, &LEASE, "kube-system", CONTROLLER_MANAGER, |lease| {
        let acquired = lease["spec"]["acquireTime"].clone();
        let is_same = lease["spec"]["holderIdentity"] == spec["holderIdentity"];
        lease["spec"] = spec.clone();
        if is_same {
            lease["spec"]["acquireTime"] = acquired;
        }
    });
    if renewed.is_err() {
        let lease = json!({"metadata": {"name": CONTROLLER_MANAGER, "namespace": "kube-system"}, "spec": spec});
        // It was not there a moment ago.
        let _ = manager.cluster.create(hand, &LEASE, lease);
    }
    manager.enqueue_after(WorkKind::Lease, "", "", RENEW_INTERVAL);
}
