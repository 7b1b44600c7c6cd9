//! Reads what the preflight needs. Without permission a part stays empty, and the run itself finds its errors; only the target
//! must be readable.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota, Service};
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;

use super::{SurveyError, cluster_error, stores};
use crate::env::{api_for_kind, api_for_object};
use crate::model::inventory::{ExistingTarget, Inventory, PreflightFindings, QuotaHeadroom, RequiredObject};
use crate::model::journal::ObjectRef;
use crate::model::scenario::Scenario;
use crate::plan::permissions;
use crate::snapshot::replicas_managers;

/// Reads the findings; `installed` are the releases that will be installed.
pub(super) async fn read(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &Inventory,
    installed: &[&String],
) -> PreflightFindings {
    let services = Api::<Service>::all(client.clone()).list(&ListParams::default()).await.ok().map(|list| list.items);
    let of_charts =
        installed.iter().filter_map(|name| inventory.charts.get(*name)).flat_map(|chart| &chart.required_objects);
    let mut missing = Vec::new();
    for object in of_charts.cloned().chain(stores::required_services(scenario)) {
        let is_missing = if object.kind == RequiredObject::SERVICE {
            stores::is_missing(services.as_deref(), inventory, &object)
        } else {
            is_missing(client, &object).await
        };
        if is_missing {
            missing.push(object);
        }
    }
    PreflightFindings {
        used_node_ports: services.map(used_node_ports),
        missing_objects: missing,
        quotas: read_quotas(client, scenario).await,
        ..PreflightFindings::default()
    }
}

fn used_node_ports(services: Vec<Service>) -> BTreeMap<i32, String> {
    let mut all = BTreeMap::new();
    for service in services {
        let name = [service.metadata.namespace, service.metadata.name].map(Option::unwrap_or_default).join("/");
        for port in service.spec.and_then(|spec| spec.ports).into_iter().flatten().filter_map(|port| port.node_port) {
            all.insert(port, name.clone());
        }
    }
    all
}

/// True if the object was looked up and does not exist.
async fn is_missing(client: &kube::Client, required: &RequiredObject) -> bool {
    const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
    let Some(kind) = permissions::find_kind(&required.kind) else { return false };
    let api = api_for_kind(client, &kind, required.namespace.as_deref());
    if !required.name.is_empty() {
        return matches!(api.get_metadata_opt(&required.name).await, Ok(None));
    }
    let is_default = |object: kube::core::PartialObjectMeta<DynamicObject>| {
        object.metadata.annotations.is_some_and(|all| all.get(DEFAULT).is_some_and(|value| value == "true"))
    };
    let all = api.list_metadata(&ListParams::default()).await;
    all.is_ok_and(|all| !all.items.into_iter().any(is_default))
}

/// The target before the run. Not optional, unlike the rest: the clean-up restores its replicas.
pub(super) async fn read_target(
    client: &kube::Client,
    scenario: &Scenario,
) -> Result<Option<ExistingTarget>, SurveyError> {
    let target = ObjectRef::scale_target(scenario);
    let found = api_for_object(client, &target).get_opt(&target.name).await.map_err(cluster_error("the target"))?;
    Ok(found.map(to_existing_target))
}

fn to_existing_target(found: DynamicObject) -> ExistingTarget {
    let helm = found.metadata.managed_fields.iter().flatten().filter(|one| one.manager.as_deref() == Some("helm"));
    ExistingTarget {
        replicas: found.data["spec"]["replicas"].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(1),
        replicas_managers: replicas_managers(&found.metadata),
        server_side_applied: helm.into_iter().any(|entry| entry.operation.as_deref() == Some("Apply")),
    }
}

async fn read_quotas(client: &kube::Client, scenario: &Scenario) -> Vec<QuotaHeadroom> {
    let api: Api<ResourceQuota> = Api::namespaced(client.clone(), &scenario.namespace);
    let all = api.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let mut headrooms = Vec::new();
    for quota in all {
        let (name, status) = (quota.metadata.name.unwrap_or_default(), quota.status.unwrap_or_default());
        let used = status.used.unwrap_or_default();
        for (resource, hard) in status.hard.unwrap_or_default() {
            // Counts only: the CPU and memory that a pod requests are unknown here.
            let is_count = resource == "pods" || resource == "count/pods" || resource.contains("requests.");
            let number = |quantity: &k8s_openapi::apimachinery::pkg::api::resource::Quantity| quantity.0.parse::<i64>();
            if let (true, Ok(hard), Some(Ok(used))) = (is_count, number(&hard), used.get(&resource).map(number)) {
                headrooms.push(QuotaHeadroom { quota: name.clone(), resource, remaining: hard.saturating_sub(used) });
            }
        }
    }
    headrooms
}
