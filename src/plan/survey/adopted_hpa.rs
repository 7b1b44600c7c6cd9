//! The HPA that a scenario adopts, and the ScaledObject that controls it.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::Api;
use kube::core::DynamicObject;

use super::{SurveyError, cluster_error, is_hpa_served};
use crate::env::{RunEnv, api_for_kind};
use crate::model::hpa_source::PrometheusTrigger;
use crate::model::inventory::{AdoptedHpa, ScaledObjectSizes};
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::Scenario;
use crate::snapshot::snapshot_scaled_object;

/// The beginning of the annotations that stop KEDA from scaling, or let it scale to a fixed number.
const PAUSED: &str = "autoscaling.keda.sh/paused";

/// Reads the HPA with this name; `None` without one, or where the cluster serves no HPAs.
///
/// # Errors
/// The API server fails, or does not let us read it.
pub(crate) async fn read_adopted_hpa(
    env: &RunEnv,
    scenario: &Scenario,
    name: &str,
) -> Result<Option<AdoptedHpa>, SurveyError> {
    let client = &env.kube.retrying;
    if !is_hpa_served(client).await? {
        return Ok(None);
    }
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), &scenario.namespace);
    let Some(found) = api.get_opt(name).await.map_err(cluster_error("the adopted HPA"))? else { return Ok(None) };
    let owners = found.metadata.owner_references.unwrap_or_default();
    let controller = owners.into_iter().find(|owner| owner.controller == Some(true));
    let is_keda =
        |kind: &str, api_version: &str| kind == SCALED_OBJECT.kind && api_version.starts_with(SCALED_OBJECT.group);
    let scaled_object = match &controller {
        Some(owner) if is_keda(&owner.kind, &owner.api_version) => {
            let api = api_for_kind(client, &SCALED_OBJECT, Some(&scenario.namespace));
            // Without the right to read it the plan says so.
            api.get_opt(&owner.name).await.ok().flatten().map(|object| sizes(&owner.name, &object))
        }
        _ => None,
    };
    Ok(Some(AdoptedHpa {
        uid: found.metadata.uid.unwrap_or_default(),
        spec: found.spec,
        controller: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
        scaled_object,
    }))
}

fn sizes(name: &str, object: &DynamicObject) -> ScaledObjectSizes {
    let spec = &object.data["spec"];
    let annotations = object.metadata.annotations.iter().flatten();
    let mut paused = annotations.filter(|(key, value)| key.starts_with(PAUSED) && *value != "false");
    ScaledObjectSizes {
        name: name.to_owned(),
        is_falling_back: snapshot_scaled_object(object).is_falling_back(),
        min_replica_count: spec["minReplicaCount"].as_i64().unwrap_or(0),
        idle_replica_count: spec["idleReplicaCount"].as_i64(),
        paused_by: paused.next().map(|(key, _)| key.clone()),
        trigger: PrometheusTrigger::from_triggers(&spec["triggers"]),
    }
}
