//! The Lease of the controller manager: who holds it, and that it is in use.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;

use crate::model::observation::LeaderSnapshot;

/// Where controller managers find out who leads (`--leader-elect-resource-name`, unless set otherwise).
pub(super) const LEASE_NAMESPACE: &str = "kube-system";
/// Name of the Lease.
pub(super) const LEASE_NAME: &str = "kube-controller-manager";

/// Reduces a Lease. It is renewed every two seconds, which once a minute is enough to know.
pub(super) fn snapshot(lease: &Lease) -> LeaderSnapshot {
    let spec = lease.spec.clone().unwrap_or_default();
    let minute = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(60) * 60).ok();
    LeaderSnapshot {
        holder: spec.holder_identity.unwrap_or_default(),
        transitions: spec.lease_transitions.unwrap_or(0),
        renewed: spec.renew_time.and_then(|time| minute(time.0)),
    }
}
