//! What a stranger needs to understand a run that did not pass: the objects of the target's namespace, its events, and
//! the last lines of its pods and of the metrics adapter, taken before anything is removed. Secrets are never asked for.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::api::{Api, ListParams, LogParams};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::inventory::Inventory;
use crate::record::scenario::Scenario;
use crate::world::{BundleError, World};

/// Lines of each container's log.
const LINES: i64 = 500;

/// All of it together: a cluster that does not answer must not keep the clean-up waiting.
const BOUND: Duration = Duration::from_secs(60);

/// Writes `diagnostics/` to the bundle. What cannot be read is noted there instead.
///
/// # Errors
/// The bundle cannot be written.
pub async fn diagnose(world: &World, scenario: &Scenario, inventory: &Inventory) -> Result<(), BundleError> {
    let work = collect(world, scenario, inventory);
    match tokio::time::timeout(BOUND, work).await {
        Ok(result) => result,
        Err(_) => put(world, "incomplete.txt", &format!("not everything could be read within {BOUND:?}")),
    }
}

async fn collect(world: &World, scenario: &Scenario, inventory: &Inventory) -> Result<(), BundleError> {
    let own = scenario.namespace.as_str();
    let mut namespaces = vec![own];
    let metrics = inventory.metrics_apis.values().filter_map(|api| api.service.split_once('/')).map(|(ns, _)| ns);
    namespaces.extend(scenario.releases.values().filter_map(|release| release.namespace.as_deref()).chain(metrics));
    namespaces.sort_unstable();
    namespaces.dedup();
    list::<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler>(world, own, "hpas").await?;
    list::<k8s_openapi::api::apps::v1::Deployment>(world, own, "deployments").await?;
    list::<k8s_openapi::api::apps::v1::StatefulSet>(world, own, "statefulsets").await?;
    list::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(world, own, "persistentvolumeclaims").await?;
    list::<k8s_openapi::api::discovery::v1::EndpointSlice>(world, own, "endpointslices").await?;
    list::<Service>(world, own, "services").await?;
    for namespace in namespaces {
        list::<Event>(world, namespace, "events").await?;
        list::<Pod>(world, namespace, "pods").await?;
        logs(world, namespace).await?;
    }
    Ok(())
}

/// All objects of a kind in a namespace.
async fn list<K>(world: &World, namespace: &str, name: &str) -> Result<(), BundleError>
where
    K: kube::Resource<Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(world.kube.clone(), namespace);
    let text = match api.list(&ListParams::default()).await {
        Ok(found) if found.items.is_empty() => return Ok(()),
        Ok(found) => covered(world, &found.items).unwrap_or_else(|e| format!("could not be written: {e}\n")),
        Err(e) => format!("could not be read: {e}\n"),
    };
    put(world, &format!("{namespace}/{name}.yaml"), &text)
}

async fn logs(world: &World, namespace: &str) -> Result<(), BundleError> {
    let api: Api<Pod> = Api::namespaced(world.kube.clone(), namespace);
    let Ok(pods) = api.list(&ListParams::default()).await else { return Ok(()) };
    for pod in pods {
        let name = pod.metadata.name.unwrap_or_default();
        for container in pod.spec.map(|spec| spec.containers).unwrap_or_default() {
            let params =
                LogParams { container: Some(container.name.clone()), tail_lines: Some(LINES), ..LogParams::default() };
            let text = api.logs(&name, &params).await.unwrap_or_else(|e| format!("could not be read: {e}\n"));
            put(world, &format!("{namespace}/{name}-{}.log", container.name), &text)?;
        }
    }
    Ok(())
}

/// Objects as YAML, without what may not be kept of them: also environment variables that are secrets by their names.
fn covered(world: &World, items: &impl Serialize) -> Result<String, String> {
    let mut items = serde_json::to_value(items).map_err(|e| e.to_string())?;
    world.bundle.cover().object(&mut items);
    serde_saphyr::to_string(&items).map_err(|e| e.to_string())
}

fn put(world: &World, name: &str, text: &str) -> Result<(), BundleError> {
    world.bundle.put(&format!("diagnostics/{name}"), world.bundle.cover().text(text).as_bytes())
}
