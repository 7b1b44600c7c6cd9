//! The permissions that a run needs, each with its purpose, in one table. `ci/rbac.yaml` grants exactly these for the
//! built-in scenario, and a test compares the two.
//!
//! The table leaves out what Kubernetes grants to every authenticated user: `/version`, discovery, and reviews of one's own
//! permissions (system:discovery, system:basic-user).

mod charts;
mod table;
#[cfg(test)]
mod tests;

pub(super) use charts::{find_kind, install_permissions};

use k8s_openapi::Resource as _;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, PersistentVolumeClaim, Pod, ResourceQuota, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::resource::v1::{DeviceClass, ResourceClaim, ResourceSlice};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::core::ApiResource;

use self::table::{PermissionTable, RbacResource, core_resource, group_resource, typed_resource};
use super::api_services::METRICS_APIS;
use crate::env::CLUSTER_NAMESPACE;
use crate::metrics::request;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::{Inventory, PermissionCheck, PermissionStage};
use crate::model::journal::ObjectRef;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::{EndpointType, IfExists, Scenario};
use crate::snapshot::{LEADER_LEASE_NAME, LEADER_LEASE_NAMESPACE};

/// The permissions for plan and run without the charts ([`install_permissions`]), if these namespaces are missing.
pub(super) fn run_permissions(scenario: &Scenario, missing: &[String]) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    add_read_permissions(scenario, &mut table);
    add_hop_permissions(scenario, &mut table);
    add_run_permissions(scenario, missing, &mut table);
    if !missing.is_empty() {
        let purpose = format!("create the missing namespaces ({}) and remove them", missing.join(", "));
        table.set_stage(PermissionStage::Install).add_required(
            "list watch create delete",
            typed_resource::<Namespace>(),
            &purpose,
        );
    }
    add_diagnostics_permissions(scenario, &mut table);
    table.into_permissions()
}

/// The permissions to count the free devices for the target's resource claims (DRA); none for a target without claims.
pub(super) fn claim_permissions(inventory: &Inventory) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    table.set_stage(PermissionStage::Read);
    if inventory.charts.values().any(|chart| !chart.target_claims.is_empty()) {
        let purpose = "count the free devices for the target's resource claims";
        table.add_optional("get", typed_resource::<DeviceClass>(), purpose);
        table.add_optional("list", typed_resource::<ResourceSlice>(), purpose);
        table.add_optional("list", typed_resource::<ResourceClaim>(), purpose);
    }
    table.into_permissions()
}

/// Why the content of a namespace is listed.
pub(super) const CONTENT_PURPOSE: &str = "check whether it contains foreign objects before it is deleted";

/// The permission to list every kind in a namespace that the run creates and removes.
pub(super) fn content_permission(namespace: &str) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    let on = group_resource("*", "*").in_namespace(namespace);
    table.set_stage(PermissionStage::Install).add_required("list", on, CONTENT_PURPOSE);
    table.into_permissions()
}

/// The same for an account that may list these kinds, and others not.
pub(super) fn content_permissions_by_kind(namespace: &str, kinds: &[ApiResource]) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    table.set_stage(PermissionStage::Install);
    for kind in kinds {
        table.add_required("list", group_resource(&kind.group, &kind.plural).in_namespace(namespace), CONTENT_PURPOSE);
    }
    table.into_permissions()
}

/// Reads before the first change.
fn add_read_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    table.set_stage(PermissionStage::Read);
    for namespace in scenario.namespaces() {
        table.add_required(
            "get",
            typed_resource::<Namespace>().named(&namespace),
            "check whether the namespace exists",
        );
    }
    table.add_optional(
        "get",
        typed_resource::<Namespace>().named(CLUSTER_NAMESPACE),
        "record which cluster it is, so that clean changes no other",
    );
    for name in METRICS_APIS {
        let on = typed_resource::<APIService>().named(name);
        table.add_required("get", on, "find the server of the metrics API");
    }
    table.add_required(
        "list watch",
        typed_resource::<Node>(),
        "read the accelerators of the nodes, and an address for the load",
    );
    table.add_optional("list", typed_resource::<Pod>(), "count the accelerators in use");
    for (name, release) in &scenario.releases {
        let on = typed_resource::<Secret>().in_namespace(scenario.release_namespace(name));
        // An adopted release may be known by its APIService alone.
        table.add(release.if_exists != IfExists::Adopt, "list", on, "check whether the release exists");
    }
    table.add_optional("list", typed_resource::<Service>(), "check whether a node port is in use");
    let quotas = typed_resource::<ResourceQuota>().in_namespace(&scenario.namespace);
    table.add_optional("list", quotas, "check whether a quota limits the pods");
}

/// The metric at the metrics API, as the HPA controller requests it, and at the other hops, which a PASS does not need.
fn add_hop_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    table.set_stage(PermissionStage::Read);
    if let Some(permission) =
        MetricUnderTest::from_scenario(scenario).map(|metric| request::required_permission(&metric))
    {
        let on = group_resource(permission.group, &permission.resource);
        let on = on.in_namespace(&scenario.namespace).named(&permission.name);
        table.add_required(permission.verb, on, "read the metric that the HPA controller reads");
    }
    if let Some(service) = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref()) {
        table.add_optional(
            "get",
            core_resource("services/proxy").in_namespace(&service.namespace),
            "read the raw samples of the store",
        );
    }
    if let Some(exporter) = &scenario.metric.exporter {
        table.add_optional(
            "list",
            typed_resource::<Pod>().in_namespace(&exporter.namespace),
            "find the exporter's pods",
        );
        table.add_optional(
            "get",
            core_resource("pods/proxy").in_namespace(&exporter.namespace),
            "read the exporter's metrics",
        );
    }
}

/// Changes and watches of the run in the target's namespace.
fn add_run_permissions(scenario: &Scenario, missing: &[String], table: &mut PermissionTable) {
    let own = |on: RbacResource<'static>| on.in_namespace(scenario.namespace.as_str());
    let target = ObjectRef::scale_target(scenario).plural;
    let hpas = own(typed_resource::<HorizontalPodAutoscaler>());
    table.set_stage(PermissionStage::Run);
    match scenario.hpa_source() {
        HpaSource::Applied => {
            table.add_required("get list watch create patch delete", hpas, "apply the HPA, watch it and remove it");
        }
        HpaSource::Adopted(_) => {
            table.add_required("get list watch", hpas, "read the HPA and watch it");
            let on = group_resource(SCALED_OBJECT.group, SCALED_OBJECT.plural).in_namespace(&scenario.namespace);
            table.add_optional("get", on, "read the ScaledObject of an HPA that KEDA has made");
        }
        HpaSource::ScaledObject => {
            table.add_required("get list watch", hpas, "read the HPA that KEDA creates, and watch it");
            let on = group_resource(SCALED_OBJECT.group, SCALED_OBJECT.plural).in_namespace(&scenario.namespace);
            table.add_required("get list watch create patch delete", on, "apply the ScaledObject and remove it");
        }
    }
    table.add_required(
        "get list watch",
        group_resource(Deployment::GROUP, &target).in_namespace(&scenario.namespace),
        "watch the target's replicas",
    );
    let leases = own(typed_resource::<Lease>());
    let purpose = "hold the Lease of the target, so that two runs do not disturb each other, renew and release it";
    table.add_required("get list watch create patch delete", leases, purpose);
    if scenario.hpa.spec.scale_target_ref.kind == StatefulSet::KIND && !missing.contains(&scenario.namespace) {
        let purpose = "delete the PersistentVolumeClaims created during the run, and wait until they are gone";
        table.add_required("list watch delete", own(typed_resource::<PersistentVolumeClaim>()), purpose);
    }
    table.add_required("list watch", own(typed_resource::<Pod>()), "watch the target's pods");
    table.add_required("get create", own(core_resource("pods/proxy")), "send a direct chat to each new pod");
    let claims = own(typed_resource::<ResourceClaim>());
    table.add_optional("get", claims, "read which devices the resource claims of the pods have");
    table.add_required(
        "list watch",
        own(typed_resource::<Event>()),
        "read the events of the HPA controller and the scheduler",
    );
    let leader = typed_resource::<Lease>().in_namespace(LEADER_LEASE_NAMESPACE).named(LEADER_LEASE_NAME);
    table.add_optional(
        "list watch",
        leader,
        "check whether the controller manager restarted, which loses its recommendations",
    );
    if scenario.endpoint.kind != EndpointType::Url {
        let purpose = "create the Service of the load, watch it and remove it";
        table.add_required("get list watch create patch delete", own(typed_resource::<Service>()), purpose);
        let slices = own(typed_resource::<EndpointSlice>());
        table.add_required("list watch", slices, "check which pods are endpoints of the Service");
    }
}

/// The permissions to restore the replicas of an existing target.
pub(super) fn scale_permissions(scenario: &Scenario) -> Vec<PermissionCheck> {
    let mut table = PermissionTable::default();
    let scale = format!("{}/scale", ObjectRef::scale_target(scenario).plural);
    let on = group_resource(Deployment::GROUP, &scale).in_namespace(&scenario.namespace);
    table.set_stage(PermissionStage::Run).add_required("patch", on, "restore the replicas of the existing target");
    table.into_permissions()
}

/// Diagnostics of a run that did not pass: optional, the evidence then has less detail.
fn add_diagnostics_permissions(scenario: &Scenario, table: &mut PermissionTable) {
    let purpose = "store objects and logs of a run that did not pass";
    let own = scenario.namespace.as_str();
    table.set_stage(PermissionStage::Run);
    for resource in
        [typed_resource::<Deployment>(), typed_resource::<StatefulSet>(), typed_resource::<PersistentVolumeClaim>()]
    {
        table.add_optional("list", resource.in_namespace(own), purpose);
    }
    for namespace in scenario.namespaces() {
        for resource in ["pods", "events", "pods/log"] {
            let verb = if resource == "pods/log" { "get" } else { "list" };
            table.add_optional(verb, core_resource(resource).in_namespace(&namespace), purpose);
        }
    }
}
