//! Who is at work on the target: the Lease that a run makes beside it.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;

use crate::model::inventory::TargetLease;
use crate::model::scenario::Scenario;

/// Name of the Lease: of one target there is one.
pub(super) fn name(scenario: &Scenario) -> String {
    let target = &scenario.hpa.spec.scale_target_ref;
    format!("gpuhpa-{}-{}", target.kind.to_lowercase(), target.name)
}

/// The run that has claimed the target, if one has.
pub(super) async fn read(client: &kube::Client, scenario: &Scenario) -> Result<Option<TargetLease>, kube::Error> {
    let api: Api<Lease> = Api::namespaced(client.clone(), &scenario.namespace);
    let Some(lease) = api.get_opt(&name(scenario)).await? else { return Ok(None) };
    let spec = lease.spec.unwrap_or_default();
    let since = spec.acquire_time.map(|time| time.0);
    let renewed = spec.renew_time.map(|time| time.0).or(since);
    let length = spec.lease_duration_seconds.map(|seconds| jiff::SignedDuration::from_secs(i64::from(seconds)));
    Ok(Some(TargetLease {
        run: spec.holder_identity.unwrap_or_default(),
        acquired: since,
        renewed,
        expires: renewed.zip(length).and_then(|(renewed, length)| renewed.checked_add(length).ok()),
    }))
}
