//! What helm needs, release by release: its own records, the objects that the chart renders, and as much as the
//! chart's roles grant, because nobody may give what he does not hold.

use super::table::{PermissionTable, core_resource, group_resource};
use crate::model::inventory::{ChartSummary, Inventory, PermissionCheck, PermissionStage};
use crate::model::resource_kind::ResourceKind;
use crate::model::scenario::Scenario;
use crate::plan::changes;

/// helm 4 watches what it deletes until it is gone; helm 3 asks.
const OBJECT_VERBS: &str = "get list watch create patch delete";

/// In the whole cluster and in somebody else's namespace the rights to change an object are asked for by its name.
/// `create`, `list` and `watch` know no names.
const NAMED_VERBS: &str = "get patch delete";
const UNNAMED_VERBS: &str = "list watch create";

/// The rights to install these releases and to remove them.
pub(in crate::plan) fn install_permissions<'a>(
    scenario: &Scenario,
    inventory: &Inventory,
    releases: impl Iterator<Item = &'a String>,
) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    for name in releases {
        let Some(release) = scenario.releases.get(name) else { continue };
        let namespace = release.namespace.as_ref().unwrap_or(&scenario.namespace);
        table.set_part(PermissionStage::Install);
        let why = "keep helm's record of a release";
        table.add_required("get list create update delete", core_resource("secrets").in_namespace(namespace), why);
        if let Some(chart) = inventory.charts.get(name) {
            add_object_permissions(scenario, name, chart, &mut table);
            add_granted_permissions(chart, &mut table);
            add_lookup_permissions(chart, &mut table);
        }
    }
    table.into_permissions()
}

fn add_object_permissions(scenario: &Scenario, release: &str, chart: &ChartSummary, table: &mut PermissionTable) {
    let ours = changes::scenario_namespaces(scenario);
    for object in &chart.objects {
        // A kind that is not served cannot be granted either; the plan warns of it.
        let Some(resource) = &object.plural else { continue };
        let on = group_resource(object.group(), resource).in_namespace(object.namespace.as_deref().unwrap_or_default());
        let why = format!("make the objects of release {release} and remove them");
        if object.namespace.as_ref().is_some_and(|namespace| ours.contains(namespace)) {
            table.add_required(OBJECT_VERBS, on, &why);
        } else {
            table.add_required(UNNAMED_VERBS, on, &why);
            table.add_required(NAMED_VERBS, on.named(&object.name), &why);
        }
    }
}

/// What the chart's objects name is looked for.
fn add_lookup_permissions(chart: &ChartSummary, table: &mut PermissionTable) {
    table.set_part(PermissionStage::Read);
    for need in &chart.required_objects {
        let why = format!("see whether {} {} exists, which {} needs", need.kind, need.name, need.required_by);
        let Some(kind) = find_kind(&need.kind) else { continue };
        let verb = if need.name.is_empty() { "list" } else { "get" };
        let on = group_resource(kind.group, kind.plural).in_namespace(need.namespace.as_deref().unwrap_or_default());
        table.add_optional(verb, on.named(&need.name), &why);
    }
}

/// The kinds that are needed.
pub(in crate::plan) fn find_kind(kind: &str) -> Option<ResourceKind> {
    const KINDS: [ResourceKind; 4] = [
        ResourceKind::new("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
        ResourceKind::new("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
        ResourceKind::new("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
        ResourceKind::new("", "v1", "Secret", "secrets"),
    ];
    KINDS.into_iter().find(|one| one.kind == kind)
}

fn add_granted_permissions(chart: &ChartSummary, table: &mut PermissionTable) {
    for grant in &chart.grants {
        let on =
            group_resource(&grant.group, &grant.resource).in_namespace(grant.namespace.as_deref().unwrap_or_default());
        table.add_required(&grant.verb, on.named(&grant.resource_name), &format!("give {} the same", grant.role));
    }
    for binding in &chart.bound_roles {
        let kind = format!("{}s", binding.kind.to_lowercase());
        let on = group_resource("rbac.authorization.k8s.io", &kind)
            .in_namespace(binding.namespace.as_deref().unwrap_or_default());
        table.add_required("bind", on.named(&binding.role), "let the chart bind this role to its own account");
    }
}
