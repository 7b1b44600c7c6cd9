//! The permissions that helm needs for each release: its own records, the objects of the chart, and all permissions that the
//! chart's roles grant, since Kubernetes allows granting only what one has.

use k8s_openapi::Resource as _;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::rbac::v1::Role;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;

use super::table::{PermissionTable, group_resource, typed_resource};
use crate::model::inventory::{ChartSummary, Inventory, PermissionCheck, PermissionStage};
use crate::model::resource_kind::ResourceKind;
use crate::model::scenario::Scenario;

/// helm 4 watches deleted objects until they are gone; helm 3 polls.
const OBJECT_VERBS: &str = "get list watch create patch delete";

/// Cluster-wide and in namespaces outside of the scenario, the permissions to change an object are restricted to its name.
/// RBAC cannot restrict `create`, `list` and `watch` to names.
const NAMED_VERBS: &str = "get patch delete";
const UNNAMED_VERBS: &str = "list watch create";

/// The permissions to install these releases and to remove them.
pub(in crate::plan) fn install_permissions<'a>(
    scenario: &Scenario,
    inventory: &Inventory,
    releases: impl Iterator<Item = &'a String>,
) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    for name in releases {
        if !scenario.releases.contains_key(name) {
            continue;
        }
        let namespace = scenario.release_namespace(name);
        table.set_stage(PermissionStage::Install);
        let purpose = "store helm's record of a release";
        table.add_required(
            "get list create update delete",
            typed_resource::<Secret>().in_namespace(namespace),
            purpose,
        );
        if let Some(chart) = inventory.charts.get(name) {
            add_object_permissions(scenario, name, chart, &mut table);
            add_granted_permissions(chart, &mut table);
            add_lookup_permissions(chart, &mut table);
        }
    }
    table.into_permissions()
}

fn add_object_permissions(scenario: &Scenario, release: &str, chart: &ChartSummary, table: &mut PermissionTable) {
    let namespaces = scenario.namespaces();
    for object in &chart.objects {
        // The plan warns of a kind that the cluster does not serve.
        let Some(resource) = &object.plural else { continue };
        let on = group_resource(object.group(), resource).in_namespace(object.namespace.as_deref().unwrap_or_default());
        let purpose = format!("create the objects of release {release} and remove them");
        if object.namespace.as_ref().is_some_and(|namespace| namespaces.contains(namespace)) {
            table.add_required(OBJECT_VERBS, on, &purpose);
        } else {
            table.add_required(UNNAMED_VERBS, on, &purpose);
            table.add_required(NAMED_VERBS, on.named(&object.name), &purpose);
        }
    }
}

/// The permissions to look up the objects that the chart requires.
fn add_lookup_permissions(chart: &ChartSummary, table: &mut PermissionTable) {
    table.set_stage(PermissionStage::Read);
    for required in &chart.required_objects {
        let purpose =
            format!("check whether {} {} exists, which {} needs", required.kind, required.name, required.required_by);
        let Some(kind) = find_kind(&required.kind) else { continue };
        let verb = if required.name.is_empty() { "list" } else { "get" };
        let on =
            group_resource(kind.group, kind.plural).in_namespace(required.namespace.as_deref().unwrap_or_default());
        table.add_optional(verb, on.named(&required.name), &purpose);
    }
}

/// The kind of a required object by its name.
pub(in crate::plan) fn find_kind(kind: &str) -> Option<ResourceKind> {
    const KINDS: [ResourceKind; 4] = [
        ResourceKind::from_type::<StorageClass>(),
        ResourceKind::from_type::<RuntimeClass>(),
        ResourceKind::from_type::<PriorityClass>(),
        ResourceKind::from_type::<Secret>(),
    ];
    KINDS.into_iter().find(|one| one.kind == kind)
}

fn add_granted_permissions(chart: &ChartSummary, table: &mut PermissionTable) {
    for grant in &chart.grants {
        let on =
            group_resource(&grant.group, &grant.resource).in_namespace(grant.namespace.as_deref().unwrap_or_default());
        table.add_required(
            &grant.verb,
            on.named(&grant.resource_name),
            &format!("grant {} the same permission", grant.role),
        );
    }
    for binding in &chart.bound_roles {
        let kind = format!("{}s", binding.kind.to_lowercase());
        let on = group_resource(Role::GROUP, &kind).in_namespace(binding.namespace.as_deref().unwrap_or_default());
        table.add_required("bind", on.named(&binding.role), "let the chart bind this role to its service account");
    }
}
