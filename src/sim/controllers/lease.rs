//! The Lease of the controller manager.

use serde_json::json;

use super::kinds::LEASE;
use super::manager::{MANAGER, Manager};
use super::queue::Duty;
use crate::sim::cluster::Hand;
use crate::units::Span;

/// The real one renews it every two seconds. gpuhpa reads it once a minute, so that more would only cost time.
const RENEWAL: Span = Span::from_secs(20);

/// Renews it, or makes it.
pub(super) fn renew(manager: &mut Manager) {
    let holder = format!("control-plane_{}", manager.moments.restarts);
    let now = manager.cluster.now_micro();
    let spec = json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now,
        "leaseTransitions": 1 + manager.moments.restarts});
    let hand = Hand::of(MANAGER);
    let renewed = manager.cluster.change(hand, &LEASE, "kube-system", MANAGER, |lease| {
        let acquired = lease["spec"]["acquireTime"].clone();
        let is_same = lease["spec"]["holderIdentity"] == spec["holderIdentity"];
        lease["spec"] = spec.clone();
        if is_same {
            lease["spec"]["acquireTime"] = acquired;
        }
    });
    if renewed.is_err() {
        let lease = json!({"metadata": {"name": MANAGER, "namespace": "kube-system"}, "spec": spec});
        // It was not there a moment ago.
        let _ = manager.cluster.create(hand, &LEASE, lease);
    }
    manager.plan(Duty::Lease, "", "", RENEWAL);
}
