//! Collects what an outsider needs to understand a run that did not pass: the objects and events of the target's
//! namespace, and the last log lines of its pods and of the metrics adapter, before the clean-up. Never reads Secrets.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::api::{Api, ListParams, LogParams};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{BundleError, RunEnv};
use crate::model::inventory::Inventory;
use crate::model::manifest::DIAGNOSTICS_DIR;
use crate::model::scenario::Scenario;

/// Lines of each container's log.
const LOG_LINES: i64 = 500;

/// Bound of the whole collection: an unresponsive cluster must not delay the clean-up.
const COLLECT_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes `diagnostics/` to the bundle. An error message replaces what cannot be read.
///
/// # Errors
/// The bundle cannot be written.
pub(crate) async fn write_diagnostics(
    env: &RunEnv,
    scenario: &Scenario,
    inventory: &Inventory,
) -> Result<(), BundleError> {
    let collection = write_all(env, scenario, inventory);
    match tokio::time::timeout(COLLECT_TIMEOUT, collection).await {
        Ok(result) => result,
        Err(_) => {
            write_text(env, "incomplete.txt", &format!("collecting diagnostics timed out after {COLLECT_TIMEOUT:?}"))
        }
    }
}

async fn write_all(env: &RunEnv, scenario: &Scenario, inventory: &Inventory) -> Result<(), BundleError> {
    let target_namespace = scenario.namespace.as_str();
    let mut namespaces = vec![target_namespace];
    let metrics = inventory.metrics_apis.values().filter_map(|api| api.service.split_once('/')).map(|(ns, _)| ns);
    namespaces.extend(scenario.releases.values().filter_map(|release| release.namespace.as_deref()).chain(metrics));
    namespaces.sort_unstable();
    namespaces.dedup();
    write_objects::<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler>(env, target_namespace, "hpas").await?;
    write_objects::<k8s_openapi::api::apps::v1::Deployment>(env, target_namespace, "deployments").await?;
    write_objects::<k8s_openapi::api::apps::v1::StatefulSet>(env, target_namespace, "statefulsets").await?;
    write_objects::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(env, target_namespace, "persistentvolumeclaims")
        .await?;
    write_objects::<k8s_openapi::api::discovery::v1::EndpointSlice>(env, target_namespace, "endpointslices").await?;
    write_objects::<Service>(env, target_namespace, "services").await?;
    for namespace in namespaces {
        write_objects::<Event>(env, namespace, "events").await?;
        write_objects::<Pod>(env, namespace, "pods").await?;
        write_logs(env, namespace).await?;
    }
    Ok(())
}

/// Writes all objects of a kind in a namespace.
async fn write_objects<K>(env: &RunEnv, namespace: &str, name: &str) -> Result<(), BundleError>
where
    K: kube::Resource<Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(env.kube.retrying.clone(), namespace);
    let text = match api.list(&ListParams::default()).await {
        Ok(list) if list.items.is_empty() => return Ok(()),
        Ok(list) => redacted_yaml(env, &list.items).unwrap_or_else(|e| format!("could not write {name}: {e}\n")),
        Err(e) => format!("could not read {name}: {e}\n"),
    };
    write_text(env, &format!("{namespace}/{name}.yaml"), &text)
}

async fn write_logs(env: &RunEnv, namespace: &str) -> Result<(), BundleError> {
    let api: Api<Pod> = Api::namespaced(env.kube.retrying.clone(), namespace);
    let Ok(pods) = api.list(&ListParams::default()).await else { return Ok(()) };
    for pod in pods {
        let name = pod.metadata.name.unwrap_or_default();
        for container in pod.spec.map(|spec| spec.containers).unwrap_or_default() {
            let params = LogParams {
                container: Some(container.name.clone()),
                tail_lines: Some(LOG_LINES),
                ..LogParams::default()
            };
            let text = api.logs(&name, &params).await.unwrap_or_else(|e| format!("could not read the log: {e}\n"));
            write_text(env, &format!("{namespace}/{name}-{}.log", container.name), &text)?;
        }
    }
    Ok(())
}

/// Objects as YAML, redacted: also environment variables whose names mark them as secrets.
fn redacted_yaml(env: &RunEnv, items: &impl Serialize) -> Result<String, String> {
    let mut items = serde_json::to_value(items).map_err(|e| e.to_string())?;
    env.bundle.redactor().redact_object(&mut items);
    serde_saphyr::to_string(&items).map_err(|e| e.to_string())
}

fn write_text(env: &RunEnv, name: &str, text: &str) -> Result<(), BundleError> {
    env.bundle.write_file(&format!("{DIAGNOSTICS_DIR}/{name}"), env.bundle.redactor().redact_text(text).as_bytes())
}
