//! What stands in the way of the first changes. Everything here is optional: what cannot be read is left empty, and what
//! then goes wrong is found by the run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota, Service};
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;

use super::{SurveyError, cluster_error};
use crate::env::{api_for_kind, api_for_object};
use crate::model::inventory::{ExistingTarget, Inventory, PreflightFindings, QuotaHeadroom, RequiredObject};
use crate::model::journal::ObjectRef;
use crate::model::scenario::Scenario;
use crate::model::snapshot::ReplicasManager;
use crate::plan::permissions;

/// Looks ahead; `installed` are the releases that will be installed.
pub(super) async fn read(
    client: &kube::Client,
    scenario: &Scenario,
    inventory: &Inventory,
    installed: &[&String],
) -> PreflightFindings {
    let needs =
        installed.iter().filter_map(|name| inventory.charts.get(*name)).flat_map(|chart| &chart.required_objects);
    let mut absent = Vec::new();
    for need in needs {
        if is_absent(client, need).await {
            absent.push(need.clone());
        }
    }
    PreflightFindings {
        used_node_ports: read_node_ports(client).await,
        missing_objects: absent,
        quotas: read_quotas(client, scenario).await,
        ..PreflightFindings::default()
    }
}

async fn read_node_ports(client: &kube::Client) -> Option<BTreeMap<i32, String>> {
    let services = Api::<Service>::all(client.clone()).list(&ListParams::default()).await.ok()?;
    let mut all = BTreeMap::new();
    for service in services {
        let name = [service.metadata.namespace, service.metadata.name].map(Option::unwrap_or_default).join("/");
        for port in service.spec.and_then(|spec| spec.ports).into_iter().flatten().filter_map(|port| port.node_port) {
            all.insert(port, name.clone());
        }
    }
    Some(all)
}

/// True when it was looked for and is not there.
async fn is_absent(client: &kube::Client, need: &RequiredObject) -> bool {
    const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
    let Some(kind) = permissions::find_kind(&need.kind) else { return false };
    let api = api_for_kind(client, &kind, need.namespace.as_deref());
    if !need.name.is_empty() {
        return matches!(api.get_metadata_opt(&need.name).await, Ok(None));
    }
    let is_default = |object: kube::core::PartialObjectMeta<DynamicObject>| {
        object.metadata.annotations.is_some_and(|all| all.get(DEFAULT).is_some_and(|value| value == "true"))
    };
    let all = api.list_metadata(&ListParams::default()).await;
    all.is_ok_and(|all| !all.items.into_iter().any(is_default))
}

/// The target as it stands. Not optional as the rest is: by it the clean-up knows which size to set back.
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
        replicas_managers: ReplicasManager::from_metadata(&found.metadata),
        server_side_applied: helm.into_iter().any(|entry| entry.operation.as_deref() == Some("Apply")),
    }
}

async fn read_quotas(client: &kube::Client, scenario: &Scenario) -> Vec<QuotaHeadroom> {
    let api: Api<ResourceQuota> = Api::namespaced(client.clone(), &scenario.namespace);
    let all = api.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let mut rooms = Vec::new();
    for quota in all {
        let (name, status) = (quota.metadata.name.unwrap_or_default(), quota.status.unwrap_or_default());
        let used = status.used.unwrap_or_default();
        for (resource, hard) in status.hard.unwrap_or_default() {
            // Counts only: of processors and memory nobody knows here what a pod will ask for.
            let counted = resource == "pods" || resource == "count/pods" || resource.contains("requests.");
            let number = |quantity: &k8s_openapi::apimachinery::pkg::api::resource::Quantity| quantity.0.parse::<i64>();
            if let (true, Ok(hard), Some(Ok(used))) = (counted, number(&hard), used.get(&resource).map(number)) {
                rooms.push(QuotaHeadroom { quota: name.clone(), resource, remaining: hard - used });
            }
        }
    }
    rooms
}
