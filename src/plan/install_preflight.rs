//! What stands in the way of the first changes: what would make them fail refuses the run, what may is said.

use super::preflight::{conflicting_api_service, preflight_error};
use crate::model::inventory::{ExistingTarget, Inventory};
use crate::model::plan::PreflightProblem;
use crate::model::scenario::{EndpointType, IfExists, Scenario};
use crate::model::snapshot::ReplicasManager;

/// What would fail.
pub(super) fn errors(scenario: &Scenario, inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = node_port_errors(scenario, inventory);
    all.extend(apply_conflict(scenario, inventory));
    for need in inventory
        .preflight
        .missing_objects
        .iter()
        .filter(|need| ["RuntimeClass", "PriorityClass"].contains(&&*need.kind))
    {
        all.push(preflight_error(
            format!("{} {} does not exist: no pod of {} would be made", need.kind, need.name, need.required_by),
            "make it, or take the key out of the release's values",
        ));
    }
    for refused in &inventory.preflight.rejected_objects {
        // A release whose API another one serves is refused as a whole, with what to do about it.
        if refused.release.as_ref().is_some_and(|release| conflicting_api_service(inventory, release).is_some()) {
            continue;
        }
        all.push(preflight_error(
            format!("the API server would not take {}: {}", refused.object, refused.message),
            "tried with dryRun=All, which changes nothing; see that it is taken, then plan again",
        ));
    }
    all
}

/// A node port that somebody has, or that is asked for twice.
fn node_port_errors(scenario: &Scenario, inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut wanted: Vec<(String, i32)> = Vec::new();
    if let (EndpointType::NodePort | EndpointType::LoadBalancer, Some(port)) =
        (scenario.endpoint.kind, scenario.endpoint.node_port)
    {
        wanted.push(("the Service of the load (endpoint.nodePort)".to_owned(), i32::from(port)));
    }
    let new = |name: &&String| {
        !inventory.existing_releases.contains_key(*name) && !super::is_adopted(scenario, inventory, name)
    };
    for (name, chart) in scenario.releases.keys().filter(new).filter_map(|n| Some((n, inventory.charts.get(n)?))) {
        wanted.extend(
            chart.node_ports.iter().map(|(service, port)| (format!("Service {service} of release {name}"), *port)),
        );
    }
    let mut all = Vec::new();
    for (n, (who, port)) in wanted.iter().enumerate() {
        let owner = inventory.preflight.used_node_ports.as_ref().and_then(|all| all.get(port));
        let twice = wanted[..n].iter().find(|(_, other)| other == port).map(|(other, _)| other);
        if let Some(owner) =
            owner.map(|service| format!("Service {service} has it")).or(twice.map(|o| format!("{o} wants it too")))
        {
            all.push(preflight_error(
                format!("node port {port}, which {who} wants, is not free: {owner}"),
                "choose another one, or leave the number out and let the cluster choose",
            ));
        }
    }
    all
}

/// The release that renders the target and will be upgraded, with the size that it renders.
fn upgraded_release<'a>(scenario: &'a Scenario, inventory: &Inventory) -> Option<(&'a String, i32)> {
    let is_upgrade = |name: &str| inventory.existing_releases.contains_key(name);
    let upgraded = scenario.releases.iter().filter(|(name, r)| r.if_exists == IfExists::Upgrade && is_upgrade(name));
    upgraded.map(|(name, _)| name).find_map(|name| Some((name, inventory.charts.get(name)?.target_replicas?)))
}

fn replicas_owner(target: &ExistingTarget) -> Option<&ReplicasManager> {
    target.replicas_managers.iter().find(|writer| writer.manager != "helm")
}

/// helm 4 applies on the server's side, where a field that somebody else has set cannot be set to something else.
fn apply_conflict(scenario: &Scenario, inventory: &Inventory) -> Option<PreflightProblem> {
    let (release, rendered) = upgraded_release(scenario, inventory)?;
    let target = inventory.preflight.target.as_ref()?;
    let writer = replicas_owner(target).filter(|_| target.replicas != rendered)?;
    if !target.server_side_applied || !inventory.helm_version.starts_with("v4") {
        return None;
    }
    let by =
        if writer.subresource.is_empty() { String::new() } else { format!(", subresource {}", writer.subresource) };
    let reference = &scenario.hpa.spec.scale_target_ref;
    Some(preflight_error(
        format!(
            "helm {} cannot upgrade release {release}: its chart sets spec.replicas of {} {} to {rendered}, and {}{by} has set it to {} and owns the field",
            inventory.helm_version, reference.kind, reference.name, writer.manager, target.replicas
        ),
        &format!(
            "remove the HPA that scales it and run `kubectl -n {} scale {}/{} --replicas={rendered}`; or use values with which the chart renders no replicas; or set ifExists: adopt for {release}",
            scenario.namespace,
            reference.kind.to_lowercase(),
            reference.name
        ),
    ))
}

/// What may fail, or what a reader should know.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let mut all = Vec::new();
    let (foresight, max) = (&inventory.preflight, scenario.hpa.spec.max_replicas);
    if let Some((release, rendered)) = upgraded_release(scenario, inventory)
        && let Some(target) = foresight.target.as_ref().filter(|target| target.replicas != rendered)
        && apply_conflict(scenario, inventory).is_none()
    {
        all.push(format!(
            "the upgrade of release {release} sets the target's size from {} to {rendered}, and no rollback brings that back",
            target.replicas
        ));
    }
    for need in &foresight.missing_objects {
        match need.kind.as_str() {
            "StorageClass" if need.name.is_empty() => all.push(format!(
                "{} names no StorageClass and the cluster has no default one: its volume stays unbound unless a fitting one is there",
                need.required_by
            )),
            "StorageClass" => all.push(format!(
                "StorageClass {} does not exist: the volume of {} stays unbound unless one of that class is there",
                need.name, need.required_by
            )),
            "Secret" => all.push(format!(
                "Secret {}/{} does not exist, with which {} pulls its image: only a public image can be pulled",
                need.namespace.as_deref().unwrap_or_default(),
                need.name,
                need.required_by
            )),
            _ => {}
        }
    }
    for room in &foresight.quotas {
        let extended = room.resource.strip_prefix("requests.");
        let is_ours = extended.is_none_or(|name| scenario.accelerator.matches(name));
        let standing = foresight.target.as_ref().map_or(0, |target| target.replicas);
        if is_ours && room.remaining < i64::from(max - standing) {
            all.push(format!(
                "ResourceQuota {} leaves {} of {}: {max} replicas may not fit, which is INCONCLUSIVE",
                room.quota, room.remaining, room.resource
            ));
        }
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
