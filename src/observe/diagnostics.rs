//! What a stranger needs to understand a run that did not pass: the objects of the target's namespace, its events, and
//! the last lines of its pods and of the metrics adapter, taken before anything is removed. Secrets are never asked for.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::api::{Api, ListParams, LogParams};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{BundleError, RunEnv};
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

/// Lines of each container's log.
const LOG_LINES: i64 = 500;

/// All of it together: a cluster that does not answer must not keep the clean-up waiting.
const COLLECT_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes `diagnostics/` to the bundle. What cannot be read is noted there instead.
///
/// # Errors
/// The bundle cannot be written.
pub async fn write_diagnostics(world: &RunEnv, scenario: &Scenario, inventory: &Inventory) -> Result<(), BundleError> {
    let work = write_all(world, scenario, inventory);
    match tokio::time::timeout(COLLECT_TIMEOUT, work).await {
        Ok(result) => result,
        Err(_) => {
            write_text(world, "incomplete.txt", &format!("not everything could be read within {COLLECT_TIMEOUT:?}"))
        }
    }
}

async fn write_all(world: &RunEnv, scenario: &Scenario, inventory: &Inventory) -> Result<(), BundleError> {
    let own = scenario.namespace.as_str();
    let mut namespaces = vec![own];
    let metrics = inventory.metrics_apis.values().filter_map(|api| api.service.split_once('/')).map(|(ns, _)| ns);
    namespaces.extend(scenario.releases.values().filter_map(|release| release.namespace.as_deref()).chain(metrics));
    namespaces.sort_unstable();
    namespaces.dedup();
    write_objects::<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler>(world, own, "hpas").await?;
    write_objects::<k8s_openapi::api::apps::v1::Deployment>(world, own, "deployments").await?;
    write_objects::<k8s_openapi::api::apps::v1::StatefulSet>(world, own, "statefulsets").await?;
    write_objects::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(world, own, "persistentvolumeclaims").await?;
    write_objects::<k8s_openapi::api::discovery::v1::EndpointSlice>(world, own, "endpointslices").await?;
    write_objects::<Service>(world, own, "services").await?;
    for namespace in namespaces {
        write_objects::<Event>(world, namespace, "events").await?;
        write_objects::<Pod>(world, namespace, "pods").await?;
        write_logs(world, namespace).await?;
    }
    Ok(())
}

/// All objects of a kind in a namespace.
async fn write_objects<K>(world: &RunEnv, namespace: &str, name: &str) -> Result<(), BundleError>
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
        Ok(found) => redacted_yaml(world, &found.items).unwrap_or_else(|e| format!("could not be written: {e}\n")),
        Err(e) => format!("could not be read: {e}\n"),
    };
    write_text(world, &format!("{namespace}/{name}.yaml"), &text)
}

async fn write_logs(world: &RunEnv, namespace: &str) -> Result<(), BundleError> {
    let api: Api<Pod> = Api::namespaced(world.kube.clone(), namespace);
    let Ok(pods) = api.list(&ListParams::default()).await else { return Ok(()) };
    for pod in pods {
        let name = pod.metadata.name.unwrap_or_default();
        for container in pod.spec.map(|spec| spec.containers).unwrap_or_default() {
            let params = LogParams {
                container: Some(container.name.clone()),
                tail_lines: Some(LOG_LINES),
                ..LogParams::default()
            };
            let text = api.logs(&name, &params).await.unwrap_or_else(|e| format!("could not be read: {e}\n"));
            write_text(world, &format!("{namespace}/{name}-{}.log", container.name), &text)?;
        }
    }
    Ok(())
}

/// Objects as YAML, without what may not be kept of them: also environment variables that are secrets by their names.
fn redacted_yaml(world: &RunEnv, items: &impl Serialize) -> Result<String, String> {
    let mut items = serde_json::to_value(items).map_err(|e| e.to_string())?;
    world.bundle.redactor().redact_object(&mut items);
    serde_saphyr::to_string(&items).map_err(|e| e.to_string())
}

fn write_text(world: &RunEnv, name: &str, text: &str) -> Result<(), BundleError> {
    world.bundle.write_file(&format!("diagnostics/{name}"), world.bundle.redactor().redact_text(text).as_bytes())
}
