//! What stands in the way of the first changes: what would make them fail refuses the run, what may is said.

use super::refusals::{refusal, taken_api};
use crate::record::inventory::{Inventory, StandingTarget};
use crate::record::object::Writer;
use crate::record::plan::Refusal;
use crate::record::scenario::{IfExists, ReachBy, Scenario};

/// What would fail.
pub(super) fn refusals(scenario: &Scenario, inventory: &Inventory) -> Vec<Refusal> {
    let mut all = node_ports(scenario, inventory);
    all.extend(conflict(scenario, inventory));
    for need in
        inventory.foresight.absent.iter().filter(|need| ["RuntimeClass", "PriorityClass"].contains(&&*need.kind))
    {
        all.push(refusal(
            format!("{} {} does not exist: no pod of {} would be made", need.kind, need.name, need.by),
            "make it, or take the key out of the release's values",
        ));
    }
    for refused in &inventory.foresight.refused {
        // A release whose API another one serves is refused as a whole, with what to do about it.
        if refused.release.as_ref().is_some_and(|release| taken_api(inventory, release).is_some()) {
            continue;
        }
        all.push(refusal(
            format!("the API server would not take {}: {}", refused.object, refused.why),
            "tried with dryRun=All, which changes nothing; see that it is taken, then plan again",
        ));
    }
    all
}

/// A node port that somebody has, or that is asked for twice.
fn node_ports(scenario: &Scenario, inventory: &Inventory) -> Vec<Refusal> {
    let mut wanted: Vec<(String, i32)> = Vec::new();
    if let (ReachBy::NodePort | ReachBy::LoadBalancer, Some(port)) = (scenario.reach.by, scenario.reach.node_port) {
        wanted.push(("the Service of the load (reach.nodePort)".to_owned(), i32::from(port)));
    }
    let new = |name: &&String| !inventory.releases.contains_key(*name) && !super::is_adopted(scenario, inventory, name);
    for (name, chart) in scenario.releases.keys().filter(new).filter_map(|n| Some((n, inventory.charts.get(n)?))) {
        wanted.extend(
            chart.node_ports.iter().map(|(service, port)| (format!("Service {service} of release {name}"), *port)),
        );
    }
    let mut all = Vec::new();
    for (n, (who, port)) in wanted.iter().enumerate() {
        let owner = inventory.foresight.node_ports.as_ref().and_then(|all| all.get(port));
        let twice = wanted[..n].iter().find(|(_, other)| other == port).map(|(other, _)| other);
        if let Some(owner) =
            owner.map(|service| format!("Service {service} has it")).or(twice.map(|o| format!("{o} wants it too")))
        {
            all.push(refusal(
                format!("node port {port}, which {who} wants, is not free: {owner}"),
                "choose another one, or leave the number out and let the cluster choose",
            ));
        }
    }
    all
}

/// The release that renders the target and will be upgraded, with the size that it renders.
fn upgraded<'a>(scenario: &'a Scenario, inventory: &Inventory) -> Option<(&'a String, i32)> {
    let is_upgrade = |name: &str| inventory.releases.contains_key(name);
    let upgraded = scenario.releases.iter().filter(|(name, r)| r.if_exists == IfExists::Upgrade && is_upgrade(name));
    upgraded.map(|(name, _)| name).find_map(|name| Some((name, inventory.charts.get(name)?.target_replicas?)))
}

fn owner(target: &StandingTarget) -> Option<&Writer> {
    target.writers.iter().find(|writer| writer.manager != "helm")
}

/// helm 4 applies on the server's side, where a field that somebody else has set cannot be set to something else.
fn conflict(scenario: &Scenario, inventory: &Inventory) -> Option<Refusal> {
    let (release, rendered) = upgraded(scenario, inventory)?;
    let target = inventory.foresight.target.as_ref()?;
    let writer = owner(target).filter(|_| target.replicas != rendered)?;
    if !target.is_applied || !inventory.helm.starts_with("v4") {
        return None;
    }
    let by =
        if writer.subresource.is_empty() { String::new() } else { format!(", subresource {}", writer.subresource) };
    let reference = &scenario.hpa.spec.scale_target_ref;
    Some(refusal(
        format!(
            "helm {} cannot upgrade release {release}: its chart sets spec.replicas of {} {} to {rendered}, and {}{by} has set it to {} and owns the field",
            inventory.helm, reference.kind, reference.name, writer.manager, target.replicas
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
    let (foresight, max) = (&inventory.foresight, scenario.hpa.spec.max_replicas);
    if let Some((release, rendered)) = upgraded(scenario, inventory)
        && let Some(target) = foresight.target.as_ref().filter(|target| target.replicas != rendered)
        && conflict(scenario, inventory).is_none()
    {
        all.push(format!(
            "the upgrade of release {release} sets the target's size from {} to {rendered}, and no rollback brings that back",
            target.replicas
        ));
    }
    for need in &foresight.absent {
        match need.kind.as_str() {
            "StorageClass" if need.name.is_empty() => all.push(format!(
                "{} names no StorageClass and the cluster has no default one: its volume stays unbound unless a fitting one is there",
                need.by
            )),
            "StorageClass" => all.push(format!(
                "StorageClass {} does not exist: the volume of {} stays unbound unless one of that class is there",
                need.name, need.by
            )),
            "Secret" => all.push(format!(
                "Secret {}/{} does not exist, with which {} pulls its image: only a public image can be pulled",
                need.namespace.as_deref().unwrap_or_default(),
                need.name,
                need.by
            )),
            _ => {}
        }
    }
    for room in &foresight.quotas {
        let extended = room.resource.strip_prefix("requests.");
        let is_ours = extended.is_none_or(|name| scenario.accelerator.covers(name));
        let standing = foresight.target.as_ref().map_or(0, |target| target.replicas);
        if is_ours && room.room < i64::from(max - standing) {
            all.push(format!(
                "ResourceQuota {} leaves {} of {}: {max} replicas may not fit, which is INCONCLUSIVE",
                room.quota, room.room, room.resource
            ));
        }
    }
    let unserved = inventory.charts.iter().flat_map(|(name, chart)| chart.objects.iter().map(move |one| (name, one)));
    for (name, object) in unserved.filter(|(_, object)| object.resource.is_none()) {
        all.push(format!(
            "the cluster does not serve {} of {}, which release {name} renders",
            object.kind, object.api_version
        ));
    }
    all
}

#[cfg(test)]
mod tests;
