//! The informers' event handlers: which items a change enqueues.

use serde_json::Value;

use super::manager::ControllerManager;
use super::work_queue::WorkKind;
use super::{garbage_collector, injections};
use crate::sim::cluster::{ObjectChange, WatchEventType, metadata_text};
use crate::sim::config::InjectionTrigger;
use crate::sim::objects::kinds::{
    API_SERVICE, DEPLOYMENT, HPA, NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, REPLICA_SET, SERVICE, STATEFUL_SET,
};
use crate::sim::objects::{labels, owner};
use crate::units::HumanDuration;

/// Handles all existing objects as added, when the controllers start or have missed changes.
pub(super) fn handle_existing(manager: &mut ControllerManager) {
    for kind in
        [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, POD, SERVICE, PERSISTENT_VOLUME_CLAIM, API_SERVICE, HPA, NAMESPACE]
    {
        for object in manager.cluster.list(&kind, None) {
            let resource = crate::sim::cluster::group_resource(&kind);
            dispatch(manager, &resource, WatchEventType::Added, &object, None);
        }
    }
}

pub(super) fn handle_change(manager: &mut ControllerManager, change: &ObjectChange) {
    dispatch(manager, &change.group_resource, change.event_type, &change.object, change.previous.as_deref());
}

fn dispatch(
    manager: &mut ControllerManager,
    resource: &str,
    event_type: WatchEventType,
    object: &Value,
    before: Option<&Value>,
) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    let is_deleted = event_type == WatchEventType::Deleted;
    let spec_changed = before.is_none_or(|before| before["spec"] != object["spec"]);
    match resource {
        "pods" => return handle_pod(manager, is_deleted, object, before),
        "deployments.apps" if !is_deleted => manager.enqueue(WorkKind::Deployment, &namespace, &name),
        "statefulsets.apps" if !is_deleted => manager.enqueue(WorkKind::StatefulSet, &namespace, &name),
        "replicasets.apps" => {
            if !is_deleted && spec_changed {
                manager.enqueue(WorkKind::ReplicaSet, &namespace, &name);
            }
            enqueue_owner(manager, object);
        }
        "services" if !is_deleted && spec_changed => {
            manager.enqueue(WorkKind::EndpointSlice, &namespace, &name);
            if object["spec"]["type"] == "LoadBalancer" {
                let after = manager.jittered(manager.config.load_balancer_delay);
                manager.enqueue_after(WorkKind::LoadBalancer, &namespace, &name, after);
            }
        }
        "services" | "endpointslices.discovery.k8s.io" => enqueue_api_services(manager, object),
        "apiservices.apiregistration.k8s.io" if !is_deleted && spec_changed => {
            manager.enqueue(WorkKind::ApiService, "", &name)
        }
        "persistentvolumeclaims" if before.is_none() => {
            let after = manager.jittered(manager.config.volume_binding);
            manager.enqueue_after(WorkKind::Volume, &namespace, &name, after);
        }
        "persistentvolumeclaims" => enqueue_unscheduled(manager),
        "nodes" if spec_changed || event_type != WatchEventType::Modified => enqueue_unscheduled(manager),
        "horizontalpodautoscalers.autoscaling" if !is_deleted && spec_changed => handle_hpa(manager, object, before),
        _ => {}
    }
    if !object["metadata"]["deletionTimestamp"].is_null() && !is_deleted {
        let kind = if resource == "namespaces" { WorkKind::Namespace } else { WorkKind::ForegroundDeletion };
        manager.enqueue(kind, if resource == "namespaces" { "" } else { &namespace }, &name);
    }
    if is_deleted {
        garbage_collector::delete_dependents(manager, object);
    } else {
        injections::trigger_on_scale(manager, resource, object, before);
    }
}

fn handle_pod(manager: &mut ControllerManager, is_deleted: bool, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    enqueue_owner(manager, object);
    enqueue_services(manager, is_deleted, object, before);
    if is_deleted {
        manager.kubelet_state.forget_pod(object);
        garbage_collector::delete_dependents(manager, object);
        return enqueue_unscheduled(manager);
    }
    let null = Value::Null;
    let before = before.unwrap_or(&null);
    let is_newly_set = |pointer: &str| {
        !object.pointer(pointer).unwrap_or(&null).is_null() && before.pointer(pointer).is_none_or(Value::is_null)
    };
    if before.is_null() && object["spec"]["nodeName"].is_null() {
        let after = manager.jittered(manager.config.scheduling_delay);
        manager.enqueue_after(WorkKind::Scheduler, &namespace, &name, after);
    }
    if is_newly_set("/spec/nodeName") || is_newly_set("/metadata/deletionTimestamp") {
        manager.enqueue(WorkKind::Kubelet, &namespace, &name);
    }
}

/// Enqueues the controller of a changed object.
fn enqueue_owner(manager: &mut ControllerManager, object: &Value) {
    let Some(owner) = owner::controller_of(object) else { return };
    let kind = match owner["kind"].as_str() {
        Some("Deployment") => WorkKind::Deployment,
        Some("ReplicaSet") => WorkKind::ReplicaSet,
        Some("StatefulSet") => WorkKind::StatefulSet,
        _ => return,
    };
    manager.enqueue(kind, &metadata_text(object, "namespace"), owner["name"].as_str().unwrap_or_default());
}

/// Enqueues the Services that select a pod, if a change of the pod affects its endpoint.
fn enqueue_services(manager: &mut ControllerManager, is_deleted: bool, pod: &Value, before: Option<&Value>) {
    let endpoint_state = |pod: &Value| {
        let ready = crate::sim::objects::condition::is_condition_true(pod, "Ready");
        (ready, pod["status"]["podIP"].clone(), pod["metadata"]["deletionTimestamp"].clone())
    };
    if !is_deleted && before.is_some_and(|before| endpoint_state(before) == endpoint_state(pod)) {
        return;
    }
    for service in manager.cluster.list(&SERVICE, Some(&metadata_text(pod, "namespace"))) {
        if labels::has_labels(&service["spec"]["selector"], &pod["metadata"]["labels"]) {
            manager.enqueue(
                WorkKind::EndpointSlice,
                &metadata_text(&service, "namespace"),
                &metadata_text(&service, "name"),
            );
        }
    }
}

fn enqueue_api_services(manager: &mut ControllerManager, object: &Value) {
    let service = object["metadata"]["labels"]["kubernetes.io/service-name"].as_str().map(str::to_owned);
    let (namespace, service) =
        (metadata_text(object, "namespace"), service.unwrap_or_else(|| metadata_text(object, "name")));
    for one in manager.cluster.list(&API_SERVICE, None) {
        let service_ref = &one["spec"]["service"];
        if service_ref["namespace"] == namespace.as_str() && service_ref["name"] == service.as_str() {
            manager.enqueue(WorkKind::ApiService, "", &metadata_text(&one, "name"));
        }
    }
}

/// Enqueues all pods without a node.
fn enqueue_unscheduled(manager: &mut ControllerManager) {
    for pod in manager.cluster.list(&POD, None) {
        if pod["spec"]["nodeName"].is_null() {
            let after = manager.jittered(manager.config.scheduling_delay);
            manager.enqueue_after(
                WorkKind::Scheduler,
                &metadata_text(&pod, "namespace"),
                &metadata_text(&pod, "name"),
                after,
            );
        }
    }
}

/// Enqueues an HPA. The first pass is at a random time within a sync period (Kubernetes 1.37 makes it at once, older
/// releases after a full period); a change of the spec is handled at once.
fn handle_hpa(manager: &mut ControllerManager, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    if before.is_some() {
        return manager.enqueue(WorkKind::Hpa, &namespace, &name);
    }
    let after = HumanDuration::from_ms(manager.cluster.random_below(manager.config.hpa_controller.sync_period.ms()));
    manager.enqueue_after(WorkKind::Hpa, &namespace, &name, after);
    injections::trigger(manager, InjectionTrigger::HpaCreated);
}
