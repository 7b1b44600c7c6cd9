//! The Lease of the controller manager: who holds it, and that it is in use.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;

use crate::record::observation::LeaderSeen;

/// Where controller managers find out who leads (`--leader-elect-resource-name`, unless set otherwise).
pub(super) const NAMESPACE: &str = "kube-system";
/// Name of the Lease.
pub(super) const NAME: &str = "kube-controller-manager";

/// Reduces a Lease. It is renewed every two seconds, which once a minute is enough to know.
pub(super) fn seen(lease: &Lease) -> LeaderSeen {
    let spec = lease.spec.clone().unwrap_or_default();
    let minute = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(60) * 60).ok();
    LeaderSeen {
        holder: spec.holder_identity.unwrap_or_default(),
        transitions: spec.lease_transitions.unwrap_or(0),
        renewed: spec.renew_time.and_then(|time| minute(time.0)),
    }
}
