//! The Lease of the target: it shows which run is active.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;

use crate::model::inventory::TargetLease;
use crate::model::journal::target_lease_name;
use crate::model::scenario::Scenario;

/// Name of the Lease: one per target.
pub(super) fn name(scenario: &Scenario) -> String {
    let target = &scenario.hpa.spec.scale_target_ref;
    target_lease_name(&target.kind, &target.name)
}

/// The target's Lease, if a run holds it.
pub(super) async fn read(client: &kube::Client, scenario: &Scenario) -> Result<Option<TargetLease>, kube::Error> {
    let api: Api<Lease> = Api::namespaced(client.clone(), &scenario.namespace);
    let Some(lease) = api.get_opt(&name(scenario)).await? else { return Ok(None) };
    let spec = lease.spec.unwrap_or_default();
    let acquired = spec.acquire_time.map(|time| time.0);
    let renewed = spec.renew_time.map(|time| time.0).or(acquired);
    let duration = spec.lease_duration_seconds.map(|seconds| jiff::SignedDuration::from_secs(i64::from(seconds)));
    Ok(Some(TargetLease {
        run: spec.holder_identity.unwrap_or_default(),
        acquired,
        renewed,
        expires: renewed.zip(duration).and_then(|(renewed, duration)| renewed.checked_add(duration).ok()),
    }))
}
