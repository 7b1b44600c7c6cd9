//! Creates each object of a run with dryRun=All: the API server runs admission, quotas, webhooks and authorization, and stores
//! nothing. Objects in a namespace that does not exist yet cannot be checked.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use kube::api::PostParams;
use kube::core::{DynamicObject, Status};
use serde_json::{Value, json};

use super::charts::ChartDocuments;
use crate::env::api_for_object;
use crate::hpa;
use crate::model::inventory::{Inventory, RejectedObject, RenderedObject};
use crate::model::journal::ReleaseRef;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::{EndpointType, Scenario};

/// What the dry runs show.
#[derive(Default)]
pub(super) struct DryRunFindings {
    /// The objects that the API server rejects.
    pub(super) rejected: Vec<RejectedObject>,
    /// How the HPA that the API server would store differs from the scenario's.
    pub(super) hpa_differences: Vec<String>,
}

/// Creates the objects of the releases that will be installed, and our own, with dryRun=All.
pub(super) async fn create_objects(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &Inventory,
    documents: &ChartDocuments,
    installed: &[&String],
) -> DryRunFindings {
    let is_in_new_namespace = |object: &RenderedObject| {
        let missing =
            |name: &String| !inventory.existing_namespaces.contains(name) && scenario.namespaces().contains(name);
        object.namespace.as_ref().is_some_and(missing)
    };
    let mut findings = DryRunFindings::default();
    for name in installed {
        if !scenario.releases.contains_key(*name) {
            continue;
        }
        let namespace = scenario.release_namespace(name).to_owned();
        let release = ReleaseRef { name: (*name).clone(), namespace };
        let objects = inventory.charts.get(*name).into_iter().flat_map(|chart| &chart.objects);
        for object in objects.filter(|object| !is_in_new_namespace(object)) {
            let is_same =
                |one: &&Value| one["kind"] == object.kind.as_str() && one["metadata"]["name"] == object.name.as_str();
            let Some(document) = documents.get(*name).and_then(|all| all.iter().find(is_same)) else { continue };
            let message = match dry_run_create(client, object, document).await {
                Some(Err(status)) if status.code == 409 => ownership_conflict(client, &release, object).await,
                Some(Err(status)) => refusal_message(*status),
                _ => None,
            };
            findings.rejected.extend(message.map(|message| RejectedObject {
                release: Some((*name).clone()),
                object: object.to_string(),
                message,
            }));
        }
    }
    for (object, document) in run_objects(scenario).into_iter().filter(|(object, _)| !is_in_new_namespace(object)) {
        match dry_run_create(client, &object, &document).await {
            Some(Err(status)) => {
                let message = refusal_message(*status);
                let rejected = message.map(|message| RejectedObject { release: None, object: object.kind, message });
                findings.rejected.extend(rejected);
            }
            Some(Ok(stored)) if object.kind == "HorizontalPodAutoscaler" => {
                findings.hpa_differences = find_hpa_differences(scenario, &stored);
            }
            _ => {}
        }
    }
    findings
}

/// How the spec in the API server's answer differs from the scenario's.
fn find_hpa_differences(scenario: &Scenario, stored: &DynamicObject) -> Vec<String> {
    let spec = serde_json::from_value::<HorizontalPodAutoscalerSpec>(stored.data["spec"].clone());
    spec.map_or(Vec::new(), |spec| hpa::find_spec_differences(&scenario.hpa.spec, &spec))
}

/// The HPA or ScaledObject, and the Service, of a run.
fn run_objects(scenario: &Scenario) -> Vec<(RenderedObject, Value)> {
    const NAME: &str = "gpuhpa-dry-run";
    let object = |api_version: &str, kind: &str| RenderedObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: Some(format!("{}s", kind.to_lowercase())),
        namespace: Some(scenario.namespace.clone()),
        name: NAME.to_owned(),
    };
    let with_spec = |spec: Value| json!({"metadata": {"name": NAME}, "spec": spec});
    let mut all = Vec::new();
    match &scenario.scaled_object {
        Some(scaled_object) => {
            all.push((object(&SCALED_OBJECT.api_version(), SCALED_OBJECT.kind), with_spec(json!(scaled_object.spec))));
        }
        None if scenario.adopt.is_some() => {}
        None => all.push((object("autoscaling/v2", "HorizontalPodAutoscaler"), with_spec(json!(scenario.hpa.spec)))),
    }
    let endpoint = &scenario.endpoint;
    let kind = match endpoint.kind {
        EndpointType::NodePort => "NodePort",
        EndpointType::LoadBalancer => "LoadBalancer",
        EndpointType::Url => return all,
    };
    let port = json!({"port": endpoint.port, "nodePort": endpoint.node_port});
    let spec = json!({"type": kind, "selector": endpoint.selector, "ports": [port]});
    all.push((object("v1", "Service"), json!({"metadata": {"name": NAME}, "spec": spec})));
    all
}

/// The object as the API server would store it, or its status if it rejects the object; `None` without an answer.
async fn dry_run_create(
    client: &kube::Client,
    object: &RenderedObject,
    document: &Value,
) -> Option<Result<DynamicObject, Box<Status>>> {
    let mut body: DynamicObject = serde_json::from_value(document.clone()).ok()?;
    body.types = Some(kube::core::TypeMeta { api_version: object.api_version.clone(), kind: object.kind.clone() });
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match api_for_object(client, &object.object_ref()?).create(&params, &body).await {
        Ok(stored) => Some(Ok(stored)),
        Err(kube::Error::Api(status)) => Some(Err(status)),
        Err(_) => None,
    }
}

/// The status's message if it is about the object. A webhook with side effects rejects every dry run, which is no result.
fn refusal_message(status: Status) -> Option<String> {
    (matches!(status.code, 400 | 403 | 422) && !status.message.contains("dry run")).then_some(status.message)
}

/// Why helm would not adopt an existing object: helm adopts objects with its annotations for this release, and no others.
async fn ownership_conflict(client: &kube::Client, release: &ReleaseRef, object: &RenderedObject) -> Option<String> {
    let found = api_for_object(client, &object.object_ref()?).get_metadata_opt(&object.name).await.ok()??;
    let annotations = found.metadata.annotations.unwrap_or_default();
    let annotation = |name: &str| annotations.get(&format!("meta.helm.sh/release-{name}")).map_or("", String::as_str);
    if annotation("name") == release.name && annotation("namespace") == release.namespace {
        return None;
    }
    Some(match annotation("name") {
        "" => "it exists already, and belongs to no helm release".to_owned(),
        name => format!("it exists already, and belongs to helm release {}/{name}", annotation("namespace")),
    })
}
