//! Pod admission: RuntimeClass, PriorityClass and ResourceQuota.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use serde_json::{Value, json};

use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};
use crate::units::Milli;

const QUOTA: ResourceKind = ResourceKind::from_type::<ResourceQuota>();
const POD: ResourceKind = ResourceKind::from_type::<Pod>();

/// Amounts by quota resource name, for example `requests.nvidia.com/gpu`.
type QuotaAmounts = BTreeMap<String, Milli>;

/// # Errors
/// 403 with the API server's message.
pub(super) fn admit_pod(cluster: &SimCluster, object: &Value, dry_run: bool) -> Result<(), StatusError> {
    let forbidden = |reason: String| {
        StatusError::new(403, "Forbidden", format!("pods \"{}\" is forbidden: {reason}", metadata_text(object, "name")))
    };
    check_classes(cluster, object).map_err(forbidden)?;
    let requested = pod_amounts([object]);
    for quota in cluster.list(&QUOTA, Some(&metadata_text(object, "namespace"))) {
        let used = used_amounts(cluster, &metadata_text(object, "namespace"));
        let over = hard_limits(&quota).into_iter().filter(|(name, hard)| {
            let amount = |amounts: &QuotaAmounts| amounts.get(name).map_or(0, |amount| amount.0);
            amount(&requested) > 0 && amount(&used) + amount(&requested) > hard.0
        });
        let over: QuotaAmounts = over.collect();
        if !over.is_empty() {
            let format = |amounts: &QuotaAmounts| format_amounts(over.keys().map(|name| (name, amounts.get(name))));
            let (requested, used) = (format(&requested), format(&used));
            let (name, limited) = (metadata_text(&quota, "name"), format(&over));
            let reason = format!("exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}");
            return Err(forbidden(reason));
        }
        if !dry_run {
            update_quota_usage(cluster, &quota, &used, &requested)?;
        }
    }
    Ok(())
}

/// Sets the status of a new quota from the pods that exist.
pub(super) fn set_quota_status(cluster: &SimCluster, object: &mut Value) {
    let used = used_amounts(cluster, &metadata_text(object, "namespace"));
    object["status"] = quota_status(object, &used, &QuotaAmounts::new());
}

fn check_classes(cluster: &SimCluster, object: &Value) -> Result<(), String> {
    const RUNTIME: ResourceKind = ResourceKind::from_type::<RuntimeClass>();
    const PRIORITY: ResourceKind = ResourceKind::from_type::<PriorityClass>();
    let spec = &object["spec"];
    if let Some(name) = spec["runtimeClassName"].as_str().filter(|name| cluster.get(&RUNTIME, "", name).is_none()) {
        return Err(format!("pod rejected: RuntimeClass \"{name}\" not found"));
    }
    let exists = |name: &&str| name.starts_with("system-") || cluster.get(&PRIORITY, "", name).is_some();
    match spec["priorityClassName"].as_str().filter(|name| !exists(name)) {
        Some(name) => Err(format!("no PriorityClass with name {name} was found")),
        None => Ok(()),
    }
}

fn used_amounts(cluster: &SimCluster, namespace: &str) -> QuotaAmounts {
    let pods = cluster.list(&POD, Some(namespace));
    let has_ended = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    pod_amounts(pods.iter().map(std::sync::Arc::as_ref).filter(|pod| !has_ended(pod)))
}

/// Sums what pods count against a quota: their number, and the requests of their containers.
fn pod_amounts<'a>(pods: impl IntoIterator<Item = &'a Value>) -> QuotaAmounts {
    let mut all = QuotaAmounts::new();
    let mut add = |name: String, amount: i64| all.entry(name).or_insert(Milli(0)).0 += amount;
    for pod in pods {
        add("pods".to_owned(), 1000);
        add("count/pods".to_owned(), 1000);
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            for (name, quantity) in container["resources"]["requests"].as_object().into_iter().flatten() {
                let amount = quantity.as_str().and_then(|text| text.parse::<Milli>().ok()).unwrap_or(Milli(0));
                add(format!("requests.{name}"), amount.0);
            }
        }
    }
    all
}

fn hard_limits(quota: &Value) -> QuotaAmounts {
    let hard = quota["spec"]["hard"].as_object().into_iter().flatten();
    hard.filter_map(|(name, amount)| Some((name.clone(), amount.as_str()?.parse().ok()?))).collect()
}

fn format_amounts<'a>(amounts: impl Iterator<Item = (&'a String, Option<&'a Milli>)>) -> String {
    let all = amounts.map(|(name, amount)| format!("{name}={}", amount.copied().unwrap_or(Milli(0))));
    all.collect::<Vec<_>>().join(",")
}

fn update_quota_usage(
    cluster: &SimCluster,
    quota: &Value,
    used: &QuotaAmounts,
    more: &QuotaAmounts,
) -> Result<(), StatusError> {
    let (namespace, name) = (metadata_text(quota, "namespace"), metadata_text(quota, "name"));
    let status = quota_status(quota, used, more);
    let manager = FieldManager::update_status("kube-apiserver");
    cluster.update(manager, &QUOTA, &namespace, &name, |object| object["status"] = status).map(drop)
}

fn quota_status(quota: &Value, used: &QuotaAmounts, more: &QuotaAmounts) -> Value {
    let amount = |amounts: &QuotaAmounts, name: &String| amounts.get(name).map_or(0, |amount| amount.0);
    let used: BTreeMap<String, String> = hard_limits(quota)
        .into_keys()
        .map(|name| {
            let sum = Milli(amount(used, &name) + amount(more, &name)).to_string();
            (name, sum)
        })
        .collect();
    json!({"hard": quota["spec"]["hard"], "used": used})
}
