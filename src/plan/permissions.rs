//! The rights that a run needs, each with what it is for: one table. `ci/rbac.yaml` grants exactly these for the
//! built-in scenario, and a test holds the two together.
//!
//! Left out is what Kubernetes gives to everybody who is known to it: `/version`, discovery, and asking for one's own
//! rights (system:discovery, system:basic-user).

mod charts;
mod table;
#[cfg(test)]
mod tests;

pub(super) use charts::{find_kind, install_permissions};

use self::table::{PermissionTable, RbacResource, core_resource, group_resource};
use super::changes;
use super::survey::METRICS_APIS;
use crate::metrics::request;
use crate::model::inventory::{PermissionCheck, PermissionStage};
use crate::model::journal::ObjectRef;
use crate::model::resource_kind::PROTECTED_KINDS;
use crate::model::scenario::{EndpointType, IfExists, Scenario};

/// The rights of plan and run themselves, when these namespaces are missing. Charts come on top: [`installing`].
pub(super) fn run_permissions(scenario: &Scenario, missing: &[String]) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    add_read_permissions(scenario, &mut table);
    add_hop_permissions(scenario, &mut table);
    add_run_permissions(scenario, missing, &mut table);
    if !missing.is_empty() {
        let why = format!("make the missing namespaces ({}) and remove them", missing.join(", "));
        table.set_part(PermissionStage::Install).add_required(
            "list watch create delete",
            core_resource("namespaces"),
            &why,
        );
        for namespace in missing {
            for kind in PROTECTED_KINDS {
                let on = group_resource(kind.group, kind.plural).in_namespace(namespace);
                table.add_required("list", on, "see whether it holds another's by then");
            }
        }
    }
    add_diagnostics_permissions(scenario, &mut table);
    table.into_permissions()
}

/// What is read before the first change.
fn add_read_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    table.set_part(PermissionStage::Read);
    for namespace in changes::scenario_namespaces(scenario) {
        table.add_required("get", core_resource("namespaces").named(&namespace), "see whether the namespace exists");
    }
    for name in METRICS_APIS {
        let on = group_resource("apiregistration.k8s.io", "apiservices").named(name);
        table.add_required("get", on, "see who serves the metrics API");
    }
    table.add_required(
        "list watch",
        core_resource("nodes"),
        "see the accelerators of the nodes, and an address for the load",
    );
    table.add_optional("list", core_resource("pods"), "count the accelerators that others use");
    for release in scenario.releases.values() {
        let on = core_resource("secrets").in_namespace(release.namespace.as_ref().unwrap_or(&scenario.namespace));
        // What is adopted may be known by the APIService that it serves.
        table.add(release.if_exists != IfExists::Adopt, "list", on, "see whether helm has the release");
    }
    table.add_optional("list", core_resource("services"), "see whether a node port is in use");
    let quotas = core_resource("resourcequotas").in_namespace(&scenario.namespace);
    table.add_optional("list", quotas, "see whether a quota leaves room for the pods");
}

/// The metric at the metrics API, as the HPA controller asks for it, and at the hops behind it, which a PASS can do
/// without.
fn add_hop_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    table.set_part(PermissionStage::Read);
    if let Some(right) = scenario.hpa.spec.metrics.iter().flatten().find_map(request::required_permission) {
        let on = group_resource(right.group, &right.resource).in_namespace(&scenario.namespace).named(&right.name);
        table.add_required(right.verb, on, "read what the HPA controller reads");
    }
    if let Some(service) = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref()) {
        table.add_optional(
            "get",
            core_resource("services/proxy").in_namespace(&service.namespace),
            "read the raw samples of the store",
        );
    }
    if let Some(exporter) = &scenario.metric.exporter {
        table.add_optional("list", core_resource("pods").in_namespace(&exporter.namespace), "find the exporter's pods");
        table.add_optional(
            "get",
            core_resource("pods/proxy").in_namespace(&exporter.namespace),
            "read the exporter's own text",
        );
    }
}

/// What the run does in the target's namespace.
fn add_run_permissions(scenario: &Scenario, missing: &[String], table: &mut PermissionTable) {
    let own = |on: RbacResource<'static>| on.in_namespace(scenario.namespace.as_str());
    let target = ObjectRef::scale_target(scenario).plural;
    let hpas = own(group_resource("autoscaling", "horizontalpodautoscalers"));
    table.set_part(PermissionStage::Run);
    table.add_required("get list watch create patch delete", hpas, "apply the HPA, watch it and remove it");
    table.add_required(
        "get list watch",
        group_resource("apps", &target).in_namespace(&scenario.namespace),
        "watch the target's size",
    );
    let leases = own(group_resource("coordination.k8s.io", "leases"));
    let why = "claim the target, so that two runs do not disturb each other, renew the claim and give it back";
    table.add_required("get list watch create patch delete", leases, why);
    if scenario.hpa.spec.scale_target_ref.kind == "StatefulSet" && !missing.contains(&scenario.namespace) {
        let why = "remove the volume claims that came with the run, and see that they are gone";
        table.add_required("list watch delete", own(core_resource("persistentvolumeclaims")), why);
    }
    table.add_required("list watch", own(core_resource("pods")), "watch the target's pods");
    table.add_required("get create", own(core_resource("pods/proxy")), "send a chat to each new pod by itself");
    table.add_required("list watch", own(core_resource("events")), "read the controller's and the scheduler's reasons");
    let leader =
        group_resource("coordination.k8s.io", "leases").in_namespace("kube-system").named("kube-controller-manager");
    table.add_optional(
        "list watch",
        leader,
        "see whether the controller manager began anew, which forgets what it did",
    );
    if scenario.endpoint.kind != EndpointType::Url {
        let why = "make the Service of the load, watch it and remove it";
        table.add_required("get list watch create patch delete", own(core_resource("services")), why);
        let slices = own(group_resource("discovery.k8s.io", "endpointslices"));
        table.add_required("list watch", slices, "see which pods the Service reaches");
    }
}

/// A target that stands already keeps its size in the end.
pub(super) fn scale_permissions(scenario: &Scenario) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    let scale = format!("{}/scale", ObjectRef::scale_target(scenario).plural);
    let on = group_resource("apps", &scale).in_namespace(&scenario.namespace);
    table.set_part(PermissionStage::Run).add_required(
        "patch",
        on,
        "set the target, which stands already, back to its size",
    );
    table.into_permissions()
}

/// What is kept of a run that did not pass. Without it the evidence says less.
fn add_diagnostics_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    let why = "keep objects and logs of a run that did not pass";
    let own = scenario.namespace.as_str();
    table.set_part(PermissionStage::Run);
    for other in [
        group_resource("apps", "deployments"),
        group_resource("apps", "statefulsets"),
        core_resource("persistentvolumeclaims"),
    ] {
        table.add_optional("list", other.in_namespace(own), why);
    }
    for namespace in changes::scenario_namespaces(scenario) {
        for resource in ["pods", "events", "pods/log"] {
            let verb = if resource == "pods/log" { "get" } else { "list" };
            table.add_optional(verb, core_resource(resource).in_namespace(&namespace), why);
        }
    }
}
