//! Preflight of the installation: an expected failure is an error, a possible one a warning.

use super::adoption::is_adopted;
use super::api_services::conflicting_api_service;
use super::offline;
use super::preflight_error::preflight_error;
use crate::hpa;
use crate::model::inventory::{ExistingTarget, Inventory, RequiredObject};
use crate::model::plan::PreflightProblem;
use crate::model::scenario::{EndpointType, IfExists, Scenario};
use crate::model::snapshot::ReplicasManager;

/// Reasons for which the installation would fail, or for which no metric could arrive.
pub(super) fn errors(scenario: &Scenario, inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = node_port_errors(scenario, inventory);
    all.extend(apply_conflict(scenario, inventory));
    for missing in inventory
        .preflight
        .missing_objects
        .iter()
        .filter(|missing| ["RuntimeClass", "PriorityClass"].contains(&&*missing.kind))
    {
        all.push(preflight_error(
            format!(
                "{} {} does not exist: no pod of {} would be created",
                missing.kind, missing.name, missing.required_by
            ),
            "create it, or remove the key from the release's values",
        ));
    }
    let services = inventory.preflight.missing_objects.iter().filter(|missing| missing.kind == RequiredObject::SERVICE);
    for missing in services.filter(|missing| !missing.is_optional) {
        all.push(preflight_error(
            format!(
                "Service {}/{} does not exist: {} reads the metrics there, and without a store the HPA gets no metric",
                missing.namespace.as_deref().unwrap_or_default(),
                missing.name,
                missing.required_by
            ),
            "install the store, or correct the address",
        ));
    }
    for rejected in &inventory.preflight.rejected_objects {
        // A conflicting APIService is an error of its own, with a hint.
        if rejected.release.as_ref().is_some_and(|release| conflicting_api_service(inventory, release).is_some()) {
            continue;
        }
        all.push(preflight_error(
            format!("the API server rejects {} (dryRun=All): {}", rejected.object, rejected.message),
            "correct the object or the scenario, then plan again; dryRun=All changes nothing",
        ));
    }
    let changed = &inventory.preflight.hpa_differences;
    if !changed.is_empty() {
        all.push(preflight_error(
            format!(
                "the API server would store another HPA than the scenario's (dryRun=All), so the run could only be INCONCLUSIVE: {}",
                changed.join("; ")
            ),
            hpa::spec_difference_hint(changed),
        ));
    }
    all
}

/// The default of the API server's `--service-node-port-range`.
const NODE_PORTS: std::ops::RangeInclusive<i32> = 30_000..=32_767;

/// The node ports that the Services of the run request, with who requests each.
fn requested_node_ports(scenario: &Scenario, inventory: &Inventory) -> Vec<(String, i32)> {
    let mut requested: Vec<(String, i32)> = Vec::new();
    if let (EndpointType::NodePort | EndpointType::LoadBalancer, Some(port)) =
        (scenario.endpoint.kind, scenario.endpoint.node_port)
    {
        requested.push(("the Service of the load (endpoint.nodePort)".to_owned(), i32::from(port)));
    }
    let new =
        |name: &&String| !inventory.existing_releases.contains_key(*name) && !is_adopted(scenario, inventory, name);
    for (name, chart) in scenario.releases.keys().filter(new).filter_map(|n| Some((n, inventory.charts.get(n)?))) {
        requested.extend(
            chart.node_ports.iter().map(|(service, port)| (format!("Service {service} of release {name}"), *port)),
        );
    }
    requested
}

/// Node ports that another Service uses, or that are requested twice.
fn node_port_errors(scenario: &Scenario, inventory: &Inventory) -> Vec<PreflightProblem> {
    let requested = requested_node_ports(scenario, inventory);
    let mut all = Vec::new();
    for (n, (requester, port)) in requested.iter().enumerate() {
        let owner = inventory.preflight.used_node_ports.as_ref().and_then(|all| all.get(port));
        let other = requested[..n].iter().find(|(_, other)| other == port).map(|(other, _)| other);
        if let Some(owner) =
            owner.map(|service| format!("Service {service} uses it")).or(other.map(|o| format!("{o} requests it too")))
        {
            all.push(preflight_error(
                format!("node port {port}, requested by {requester}, is not free: {owner}"),
                "choose another port, or omit the number and let the cluster choose",
            ));
        }
    }
    all
}

/// The release that contains the target and will be upgraded, with the replicas that it renders.
fn upgraded_release<'a>(scenario: &'a Scenario, inventory: &Inventory) -> Option<(&'a String, i32)> {
    let is_upgrade = |name: &str| inventory.existing_releases.contains_key(name);
    let upgraded = scenario.releases.iter().filter(|(name, r)| r.if_exists == IfExists::Upgrade && is_upgrade(name));
    upgraded.map(|(name, _)| name).find_map(|name| Some((name, inventory.charts.get(name)?.target_replicas?)))
}

fn replicas_owner(target: &ExistingTarget) -> Option<&ReplicasManager> {
    target.replicas_managers.iter().find(|manager| manager.manager != "helm")
}

/// helm 4 uses server-side apply, which rejects another value for a field of another field manager.
fn apply_conflict(scenario: &Scenario, inventory: &Inventory) -> Option<PreflightProblem> {
    let (release, rendered) = upgraded_release(scenario, inventory)?;
    let target = inventory.preflight.target.as_ref()?;
    let manager = replicas_owner(target).filter(|_| target.replicas != rendered)?;
    if !target.server_side_applied || !inventory.helm_version.starts_with("v4") {
        return None;
    }
    let subresource = match manager.subresource.as_str() {
        "" => String::new(),
        subresource => format!(", subresource {subresource}"),
    };
    let reference = &scenario.hpa.spec.scale_target_ref;
    Some(preflight_error(
        format!(
            "helm {} cannot upgrade release {release}: its chart sets spec.replicas of {} {} to {rendered}, and {}{subresource} has set it to {} and owns the field",
            inventory.helm_version, reference.kind, reference.name, manager.manager, target.replicas
        ),
        &format!(
            "remove the HPA that scales it and run `kubectl -n {} scale {}/{} --replicas={rendered}`; or use values with which the chart renders no replicas; or set ifExists: adopt for {release}",
            scenario.namespace,
            reference.kind.to_lowercase(),
            reference.name
        ),
    ))
}

/// Node ports that only an API server with another range gives. No API serves the range of a cluster.
fn unusual_node_ports(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let unusual = requested_node_ports(scenario, inventory).into_iter().filter(|(_, port)| !NODE_PORTS.contains(port));
    let describe = |(requester, port)| {
        format!(
            "node port {port}, requested by {requester}, is outside of {} to {}, the default of the API server's \
             --service-node-port-range: unless that flag includes it, the Service is refused",
            NODE_PORTS.start(),
            NODE_PORTS.end()
        )
    };
    unusual.map(describe).collect()
}

/// What a missing object may prevent; `None` where it is an error.
fn missing_object_warning(missing: &RequiredObject) -> Option<String> {
    let namespace = missing.namespace.as_deref().unwrap_or_default();
    match missing.kind.as_str() {
        "StorageClass" if missing.name.is_empty() => Some(format!(
            "{} names no StorageClass and the cluster has no default: its volume stays unbound unless a matching PersistentVolume exists",
            missing.required_by
        )),
        "StorageClass" => Some(format!(
            "StorageClass {} does not exist: the volume of {} stays unbound unless a PersistentVolume of that class exists",
            missing.name, missing.required_by
        )),
        "Secret" => Some(format!(
            "Secret {namespace}/{} (imagePullSecrets of {}) does not exist: only a public image can be pulled",
            missing.name, missing.required_by
        )),
        RequiredObject::SERVICE if missing.is_optional => Some(format!(
            "Service {namespace}/{} ({}) does not exist: the run cannot read the metric in the store",
            missing.name, missing.required_by
        )),
        _ => None,
    }
}

/// Possible failures of the installation, and side effects.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let mut all = Vec::new();
    let (findings, max) = (&inventory.preflight, scenario.hpa.spec.max_replicas);
    if let Some((release, rendered)) = upgraded_release(scenario, inventory)
        && let Some(target) = findings.target.as_ref().filter(|target| target.replicas != rendered)
        && apply_conflict(scenario, inventory).is_none()
    {
        all.push(format!(
            "the upgrade of release {release} sets the target's replicas from {} to {rendered}, and a rollback does not restore them",
            target.replicas
        ));
    }
    all.extend(unusual_node_ports(scenario, inventory));
    all.extend(findings.missing_objects.iter().filter_map(missing_object_warning));
    for headroom in &findings.quotas {
        let extended = headroom.resource.strip_prefix("requests.");
        let is_ours = extended.is_none_or(|name| scenario.is_accelerator(name));
        let existing = findings.target.as_ref().map_or(0, |target| target.replicas);
        if is_ours && headroom.remaining < i64::from(max - existing) {
            all.push(format!(
                "ResourceQuota {} has {} of {} left: {max} replicas may not fit, which is INCONCLUSIVE",
                headroom.quota, headroom.remaining, headroom.resource
            ));
        }
    }
    for (name, chart) in inventory.charts.iter().filter(|(_, chart)| !chart.unused_values.is_empty()) {
        all.push(format!(
            "nothing in chart {} reads {} of release {name}: its values.yaml does not have the key, and it renders the same without it",
            chart.name,
            chart.unused_values.join(", ")
        ));
    }
    if !offline::has_cluster(inventory) {
        return all;
    }
    let unserved = inventory.charts.iter().flat_map(|(name, chart)| chart.objects.iter().map(move |one| (name, one)));
    for (name, object) in unserved.filter(|(_, object)| object.plural.is_none()) {
        all.push(format!(
            "the cluster does not serve {} of {}, which release {name} renders",
            object.kind, object.api_version
        ));
    }
    all
}

#[cfg(test)]
mod tests;
