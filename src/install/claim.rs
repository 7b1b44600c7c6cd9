//! The claim: a Lease beside the target. Two runs at once would put two HPAs on one target and measure each other's
//! load; the Lease is made by `create`, of which the API server lets one succeed.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::{InstallError, Journal, apply, labelled};
use crate::record::journal::ObjectRef;
use crate::record::plan::Plan;
use crate::record::scenario::Scenario;
use crate::world::World;

/// Claims the target for this run, for as long as a run can take.
///
/// # Errors
/// Another run was quicker, the API server refuses the Lease, or the journal cannot be written.
pub async fn claim(world: &World, journal: &Journal, scenario: &Scenario, plan: &Plan) -> Result<(), InstallError> {
    let object = ObjectRef {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        plural: "leases".to_owned(),
        namespace: Some(scenario.namespace.clone()),
        name: plan.claim.clone(),
    };
    let text = object.to_string();
    let lease = Lease {
        metadata: labelled(&plan.claim, &plan.run),
        spec: Some(LeaseSpec {
            holder_identity: Some(plan.run.clone()),
            acquire_time: Some(MicroTime(world.clock.wall())),
            lease_duration_seconds: i32::try_from(plan.longest_ms / 1000).ok(),
            ..LeaseSpec::default()
        }),
    };
    match apply::make(world, journal, apply::How::Create, object, &lease).await {
        Err(InstallError::Object { why, .. }) if why.contains("already exists") => Err(InstallError::Claimed(text)),
        made => made,
    }
}
