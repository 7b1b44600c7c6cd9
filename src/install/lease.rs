//! The Lease that locks the target for one run: two concurrent runs would put two HPAs on one target and measure each
//! other's load. It is written by `create`, which the API server accepts from one run only.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::{InstallError, Journal, apply, run_metadata};
use crate::env::RunEnv;
use crate::model::journal::{ChangeState, ObjectRef, RUN_LABEL, RunChange, target_lease_name};
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// Between two renewals of the Lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(10);

/// Allowance for a late renewal.
const RENEW_GRACE: Duration = Duration::from_secs(2);

/// A Lease that was not renewed for this long belongs to a run that is gone: an API server that restarts is back within
/// half a minute, and the next renewal follows within [`RENEW_INTERVAL`].
const LEASE_SECONDS: i32 = 60;

/// Acquires the Lease of the target.
///
/// # Errors
/// Another run holds the Lease, the API server rejects it, or the journal cannot be written.
pub(crate) async fn acquire_lease(
    env: &RunEnv,
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
            acquire_time: Some(MicroTime(env.clock.wall_time())),
            renew_time: Some(MicroTime(env.clock.wall_time())),
            lease_duration_seconds: Some(LEASE_SECONDS),
            ..LeaseSpec::default()
        }),
    };
    match apply::write_object(env, journal, apply::WriteMethod::Create, object, &lease).await {
        Err(InstallError::AlreadyExists { object, .. }) => Err(InstallError::LeaseHeld(object)),
        result => result,
    }
}

/// Renews this run's Lease until it is deleted, so that other runs can tell an active run from a killed one. Never renews
/// another run's: a Lease created again under the name has another uid, and the API server rejects the patch.
pub(crate) async fn renew_lease(env: RunEnv, namespace: String, plan: Plan) {
    let api: Api<Lease> = Api::namespaced(env.kube.retrying.clone(), &namespace);
    let Ok(lease) = api.get(&plan.lease).await else { return };
    if lease.spec.and_then(|spec| spec.holder_identity).as_ref() != Some(&plan.run) {
        return;
    }
    loop {
        tokio::time::sleep(RENEW_INTERVAL).await;
        let now = MicroTime(env.clock.wall_time());
        let patch = json!({"metadata": {"uid": lease.metadata.uid}, "spec": {"renewTime": now}});
        match api.patch(&plan.lease, &PatchParams::default(), &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return,
            // The next renewal retries.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Whether the run of this journal is active: reads its Lease twice and checks that it was renewed in between. Nothing else
/// in the cluster distinguishes an active run from one that was killed a moment ago.
///
/// # Errors
/// The Lease cannot be read.
pub async fn is_run_active(env: &RunEnv, journal: &Journal) -> Result<bool, InstallError> {
    let mut leases = journal.entries().into_iter().filter_map(|entry| match entry.state {
        ChangeState::Intended(RunChange::Create(object)) if object.kind == "Lease" => Some((object, entry.run)),
        _ => None,
    });
    let Some((object, run)) = leases.next() else { return Ok(false) };
    let api: Api<Lease> = Api::namespaced(env.kube.retrying.clone(), object.namespace.as_deref().unwrap_or_default());
    let read_lease = async || match api.get_opt(&object.name).await {
        Ok(lease) => Ok(lease.and_then(|lease| lease.spec)),
        Err(e) => Err(InstallError::object("read", &object, &e)),
    };
    let Some(first) = read_lease().await?.filter(|spec| spec.holder_identity.as_ref() == Some(&run)) else {
        return Ok(false);
    };
    tokio::time::sleep(RENEW_INTERVAL + RENEW_GRACE).await;
    Ok(read_lease().await?.is_some_and(|second| second.renew_time != first.renew_time))
}

/// The time from which on a run held the Lease on a target, by the API server's clock. A journal from a file may name any
/// workload of the cluster; the Lease has the run's label and the target's name, so only a target on which the run worked is
/// changed. `None` for a journal that this process wrote itself.
///
/// # Errors
/// The run has no such Lease, or it cannot be read.
pub(super) async fn proven_since(
    env: &RunEnv,
    journal: &Journal,
    (namespace, kind, name): (&str, &str, &str),
    run: &str,
) -> Result<Option<Timestamp>, InstallError> {
    if !journal.is_from_file() {
        return Ok(None);
    }
    let target = format!("{kind} {namespace}/{name}");
    let api: Api<Lease> = Api::namespaced(env.kube.retrying.clone(), namespace);
    let found = api.get_opt(&target_lease_name(kind, name)).await;
    let found = found.map_err(|e| InstallError::object("read the Lease on", &target, &e))?;
    let is_of_run = |lease: &Lease| {
        lease.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) == Some(&run.to_owned())
    };
    let lease = found.filter(is_of_run).ok_or_else(|| {
        let why = format!("run {run} has no Lease on it in this cluster, so it is not known to be the run's target");
        InstallError::object_message("restore", &target, why)
    })?;
    Ok(Some(lease.metadata.creation_timestamp.map_or(Timestamp::MAX, |time| time.0)))
}
