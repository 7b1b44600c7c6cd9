//! Reduces the Lease of the controller manager: its holder, and whether it is renewed.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;

use crate::model::observation::LeaderSnapshot;

/// Namespace of the Lease; default of `--leader-elect-resource-namespace`.
pub(crate) const LEADER_LEASE_NAMESPACE: &str = "kube-system";
/// Name of the Lease; default of `--leader-elect-resource-name`.
pub(crate) const LEADER_LEASE_NAME: &str = "kube-controller-manager";

/// Reduces a Lease. `renewed` is cut to the minute: the leader renews every 2 s, and a record per minute is enough.
#[must_use]
pub(crate) fn snapshot_leader(lease: &Lease) -> LeaderSnapshot {
    let spec = lease.spec.clone().unwrap_or_default();
    let minute = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(60) * 60).ok();
    LeaderSnapshot {
        holder: spec.holder_identity.unwrap_or_default(),
        transitions: spec.lease_transitions.unwrap_or(0),
        renewed: spec.renew_time.and_then(|time| minute(time.0)),
    }
}
