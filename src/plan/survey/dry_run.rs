//! Each object that a run would make, offered to the API server with dryRun=All: admission, quotas, webhooks and our
//! own rights all speak, and nothing is kept. What lies in a namespace that is still to be made cannot be offered.

use kube::api::PostParams;
use kube::core::{DynamicObject, Status};
use serde_json::{Value, json};

use super::charts::Documents;
use crate::plan::changes;
use crate::record::inventory::{Inventory, RefusedObject, RenderedObject};
use crate::record::journal::ReleaseRef;
use crate::record::scenario::{ReachBy, Scenario};
use crate::world::api_of;

/// The objects that the API server would not take: of the releases that will be installed, and our own.
pub(super) async fn refused(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &Inventory,
    documents: &Documents,
    installed: &[&String],
) -> Vec<RefusedObject> {
    let to_be_made = |object: &RenderedObject| {
        let missing =
            |name: &String| !inventory.namespaces.contains(name) && changes::namespaces(scenario).contains(name);
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
            let why = match offer(client, object, document).await {
                Some(status) if status.code == 409 => taken(client, &release, object).await,
                other => other.and_then(why),
            };
            all.extend(why.map(|why| RefusedObject {
                release: Some((*name).clone()),
                object: object.to_string(),
                why,
            }));
        }
    }
    for (object, document) in own(scenario).into_iter().filter(|(object, _)| !to_be_made(object)) {
        let why = offer(client, &object, &document).await.and_then(why);
        all.extend(why.map(|why| RefusedObject { release: None, object: object.kind, why }));
    }
    all
}

/// The HPA and the Service of a run.
fn own(scenario: &Scenario) -> Vec<(RenderedObject, Value)> {
    const NAME: &str = "gpuhpa-dry-run";
    let object = |api_version: &str, kind: &str| RenderedObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        resource: Some(format!("{}s", kind.to_lowercase())),
        namespace: Some(scenario.namespace.clone()),
        name: NAME.to_owned(),
    };
    let hpa = json!({"metadata": {"name": NAME}, "spec": scenario.hpa.spec});
    let mut all = vec![(object("autoscaling/v2", "HorizontalPodAutoscaler"), hpa)];
    let reach = &scenario.reach;
    let kind = match reach.by {
        ReachBy::NodePort => "NodePort",
        ReachBy::LoadBalancer => "LoadBalancer",
        ReachBy::Url => return all,
    };
    let port = json!({"port": reach.port, "nodePort": reach.node_port});
    let spec = json!({"type": kind, "selector": reach.selector, "ports": [port]});
    all.push((object("v1", "Service"), json!({"metadata": {"name": NAME}, "spec": spec})));
    all
}

/// The API server's answer when it does not take the object.
async fn offer(client: &kube::Client, object: &RenderedObject, document: &Value) -> Option<Status> {
    let mut body: DynamicObject = serde_json::from_value(document.clone()).ok()?;
    body.types = Some(kube::core::TypeMeta { api_version: object.api_version.clone(), kind: object.kind.clone() });
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match api_of(client, &object.reference()?).create(&params, &body).await {
        Err(kube::Error::Api(status)) => Some(*status),
        _ => None,
    }
}

/// Its words, if they speak of the object: a webhook that cannot be asked without consequences says so, and no more.
fn why(status: Status) -> Option<String> {
    (matches!(status.code, 400 | 403 | 422) && !status.message.contains("dry run")).then_some(status.message)
}

/// helm takes over what carries its own marks for this release, and nothing else.
async fn taken(client: &kube::Client, release: &ReleaseRef, object: &RenderedObject) -> Option<String> {
    let found = api_of(client, &object.reference()?).get_metadata_opt(&object.name).await.ok()??;
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
