//! The claim: a Lease beside the target. Two runs at once would put two HPAs on one target and measure each other's
//! load; the Lease is made by `create`, of which the API server lets one succeed.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::{InstallError, Journal, apply, run_metadata};
use crate::env::RunEnv;
use crate::model::journal::{ChangeState, ObjectRef, RunChange};
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// Between two renewals of the claim.
const RENEW_INTERVAL: Duration = Duration::from_secs(10);

/// What a renewal may come late by.
const RENEW_GRACE: Duration = Duration::from_secs(2);

/// A claim that was not renewed for so long is that of a run that is gone: an API server that is started again is back
/// within half a minute, and then a renewal comes within [`RENEWAL`].
const LEASE_SECONDS: i32 = 60;

/// Claims the target for this run.
///
/// # Errors
/// Another run was quicker, the API server refuses the Lease, or the journal cannot be written.
pub async fn acquire_lease(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    plan: &Plan,
) -> Result<(), InstallError> {
    let object = ObjectRef {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        plural: "leases".to_owned(),
        namespace: Some(scenario.namespace.clone()),
        name: plan.lease.clone(),
    };
    let lease = Lease {
        metadata: run_metadata(&plan.lease, &plan.run),
        spec: Some(LeaseSpec {
            holder_identity: Some(plan.run.clone()),
            acquire_time: Some(MicroTime(world.clock.wall_time())),
            renew_time: Some(MicroTime(world.clock.wall_time())),
            lease_duration_seconds: Some(LEASE_SECONDS),
            ..LeaseSpec::default()
        }),
    };
    match apply::write_object(world, journal, apply::WriteMethod::Create, object, &lease).await {
        Err(InstallError::AlreadyExists { object, .. }) => Err(InstallError::LeaseHeld(object)),
        made => made,
    }
}

/// Renews this run's claim until the claim is gone, so that others can tell a run at work from one that was killed. Never
/// another's: a Lease made again under the name has another uid, which the API server refuses to change.
pub async fn renew_lease(world: RunEnv, namespace: String, plan: Plan) {
    let api: Api<Lease> = Api::namespaced(world.kube.clone(), &namespace);
    let Ok(lease) = api.get(&plan.lease).await else { return };
    if lease.spec.and_then(|spec| spec.holder_identity).as_ref() != Some(&plan.run) {
        return;
    }
    loop {
        tokio::time::sleep(RENEW_INTERVAL).await;
        let now = MicroTime(world.clock.wall_time());
        let patch = json!({"metadata": {"uid": lease.metadata.uid}, "spec": {"renewTime": now}});
        match api.patch(&plan.lease, &PatchParams::default(), &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return,
            // What the cluster cannot take now it is told again.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Whether the run of this journal is still at work: its claim is looked at twice, and was renewed in between. A run that
/// was killed a moment ago and one at work differ in nothing else that the cluster shows.
///
/// # Errors
/// The Lease cannot be read.
pub async fn is_run_active(world: &RunEnv, journal: &Journal) -> Result<bool, InstallError> {
    let mut claims = journal.entries().into_iter().filter_map(|entry| match entry.state {
        ChangeState::Intended(RunChange::Create(object)) if object.kind == "Lease" => Some((object, entry.run)),
        _ => None,
    });
    let Some((object, run)) = claims.next() else { return Ok(false) };
    let api: Api<Lease> = Api::namespaced(world.kube.clone(), object.namespace.as_deref().unwrap_or_default());
    let look = async || match api.get_opt(&object.name).await {
        Ok(lease) => Ok(lease.and_then(|lease| lease.spec)),
        Err(e) => Err(InstallError::Object { verb: "read", object: object.to_string(), why: apply::error_message(&e) }),
    };
    let Some(first) = look().await?.filter(|spec| spec.holder_identity.as_ref() == Some(&run)) else {
        return Ok(false);
    };
    tokio::time::sleep(RENEW_INTERVAL + RENEW_GRACE).await;
    Ok(look().await?.is_some_and(|second| second.renew_time != first.renew_time))
}
