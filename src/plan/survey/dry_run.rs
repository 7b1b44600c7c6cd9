//! Each object that a run would make, offered to the API server with dryRun=All: admission, quotas, webhooks and our
//! own rights all speak, and nothing is kept. What lies in a namespace that is still to be made cannot be offered.

use kube::api::PostParams;
use kube::core::{DynamicObject, Status};
use serde_json::{Value, json};

use super::charts::ChartDocuments;
use crate::env::api_for_object;
use crate::model::inventory::{Inventory, RejectedObject, RenderedObject};
use crate::model::journal::ReleaseRef;
use crate::model::scenario::{EndpointType, Scenario};
use crate::plan::changes;

/// The objects that the API server would not take: of the releases that will be installed, and our own.
pub(super) async fn find_refused(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &Inventory,
    documents: &ChartDocuments,
    installed: &[&String],
) -> Vec<RejectedObject> {
    let to_be_made = |object: &RenderedObject| {
        let missing = |name: &String| {
            !inventory.existing_namespaces.contains(name) && changes::scenario_namespaces(scenario).contains(name)
        };
        object.namespace.as_ref().is_some_and(missing)
    };
    let mut all = Vec::new();
    for name in installed {
        let Some(release) = scenario.releases.get(*name) else { continue };
        let namespace = release.namespace.clone().unwrap_or_else(|| scenario.namespace.clone());
        let release = ReleaseRef { name: (*name).clone(), namespace };
        let objects = inventory.charts.get(*name).into_iter().flat_map(|chart| &chart.objects);
        for object in objects.filter(|object| !to_be_made(object)) {
            let is_it =
                |one: &&Value| one["kind"] == object.kind.as_str() && one["metadata"]["name"] == object.name.as_str();
            let Some(document) = documents.get(*name).and_then(|all| all.iter().find(is_it)) else { continue };
            let why = match dry_run_create(client, object, document).await {
                Some(status) if status.code == 409 => ownership_conflict(client, &release, object).await,
                other => other.and_then(refusal_message),
            };
            all.extend(why.map(|why| RejectedObject {
                release: Some((*name).clone()),
                object: object.to_string(),
                message: why,
            }));
        }
    }
    for (object, document) in run_objects(scenario).into_iter().filter(|(object, _)| !to_be_made(object)) {
        let why = dry_run_create(client, &object, &document).await.and_then(refusal_message);
        all.extend(why.map(|why| RejectedObject { release: None, object: object.kind, message: why }));
    }
    all
}

/// The HPA and the Service of a run.
fn run_objects(scenario: &Scenario) -> Vec<(RenderedObject, Value)> {
    const NAME: &str = "gpuhpa-dry-run";
    let object = |api_version: &str, kind: &str| RenderedObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: Some(format!("{}s", kind.to_lowercase())),
        namespace: Some(scenario.namespace.clone()),
        name: NAME.to_owned(),
    };
    let hpa = json!({"metadata": {"name": NAME}, "spec": scenario.hpa.spec});
    let mut all = vec![(object("autoscaling/v2", "HorizontalPodAutoscaler"), hpa)];
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

/// The API server's answer when it does not take the object.
async fn dry_run_create(client: &kube::Client, object: &RenderedObject, document: &Value) -> Option<Status> {
    let mut body: DynamicObject = serde_json::from_value(document.clone()).ok()?;
    body.types = Some(kube::core::TypeMeta { api_version: object.api_version.clone(), kind: object.kind.clone() });
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match api_for_object(client, &object.object_ref()?).create(&params, &body).await {
        Err(kube::Error::Api(status)) => Some(*status),
        _ => None,
    }
}

/// Its words, if they speak of the object: a webhook that cannot be asked without consequences says so, and no more.
fn refusal_message(status: Status) -> Option<String> {
    (matches!(status.code, 400 | 403 | 422) && !status.message.contains("dry run")).then_some(status.message)
}

/// helm takes over what carries its own marks for this release, and nothing else.
async fn ownership_conflict(client: &kube::Client, release: &ReleaseRef, object: &RenderedObject) -> Option<String> {
    let found = api_for_object(client, &object.object_ref()?).get_metadata_opt(&object.name).await.ok()??;
    let marks = found.metadata.annotations.unwrap_or_default();
    let mark = |name: &str| marks.get(&format!("meta.helm.sh/release-{name}")).map_or("", String::as_str);
    if mark("name") == release.name && mark("namespace") == release.namespace {
        return None;
    }
    Some(match mark("name") {
        "" => "it exists already, and no helm release made it".to_owned(),
        name => format!("it exists already, and belongs to helm release {}/{name}", mark("namespace")),
    })
}
