//! The informers' event handlers: which items a change enqueues.

use serde_json::Value;

use super::context::ControllerContext;
use super::resource_claim;
use super::work_queue::WorkKind;
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};
use crate::sim::cluster::{ObjectChange, WatchEventType, metadata_text};
use crate::sim::objects::kinds::{
    API_SERVICE, DEPLOYMENT, HPA, NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, REPLICA_SET, RESOURCE_CLAIM, SERVICE,
    STATEFUL_SET,
};
use crate::sim::objects::{labels, owner, state};
use crate::units::HumanDuration;

/// The kinds whose existing objects are handled when the controllers start or have missed changes, in this order.
pub(super) const LISTED_KINDS: [ResourceKind; 11] = [
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    POD,
    SERVICE,
    PERSISTENT_VOLUME_CLAIM,
    RESOURCE_CLAIM,
    API_SERVICE,
    SCALED_OBJECT,
    HPA,
    NAMESPACE,
];

/// Enqueues the items that a change concerns.
pub(super) fn enqueue_items(context: &mut ControllerContext, change: &ObjectChange) {
    let (resource, object, before) = (change.group_resource.as_str(), &*change.object, change.previous.as_deref());
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    let is_deleted = change.event_type == WatchEventType::Deleted;
    let spec_changed = before.is_none_or(|before| before["spec"] != object["spec"]);
    match resource {
        "pods" => return enqueue_for_pod(context, is_deleted, object, before),
        "deployments.apps" if !is_deleted => context.enqueue(WorkKind::Deployment, &namespace, &name),
        "statefulsets.apps" if !is_deleted => context.enqueue(WorkKind::StatefulSet, &namespace, &name),
        "replicasets.apps" => {
            if !is_deleted && spec_changed {
                context.enqueue(WorkKind::ReplicaSet, &namespace, &name);
            }
            enqueue_owner(context, object);
        }
        "services" if !is_deleted && spec_changed => {
            context.enqueue(WorkKind::EndpointSlice, &namespace, &name);
            if object["spec"]["type"] == "LoadBalancer" {
                let after = context.jittered(context.config.load_balancer_delay);
                context.enqueue_after(WorkKind::LoadBalancer, &namespace, &name, after);
            }
        }
        "services" | "endpointslices.discovery.k8s.io" => enqueue_api_services(context, object),
        "apiservices.apiregistration.k8s.io" if !is_deleted && spec_changed => {
            context.enqueue(WorkKind::ApiService, "", &name)
        }
        "persistentvolumeclaims" if before.is_none() => {
            let after = context.jittered(context.config.volume_binding);
            context.enqueue_after(WorkKind::Volume, &namespace, &name, after);
        }
        "persistentvolumeclaims" => enqueue_unscheduled(context),
        "resourceclaims.resource.k8s.io" => enqueue_for_claim(context, is_deleted, object, before),
        "nodes" if spec_changed || change.event_type != WatchEventType::Modified => enqueue_unscheduled(context),
        "scaledobjects.keda.sh" if !is_deleted && (spec_changed || state::is_deleting(object)) => {
            context.enqueue(WorkKind::ScaledObject, &namespace, &name);
        }
        // Its controller creates it again.
        "horizontalpodautoscalers.autoscaling" if is_deleted => enqueue_owner(context, object),
        "horizontalpodautoscalers.autoscaling" if spec_changed => enqueue_hpa(context, object, before),
        _ => {}
    }
    if !object["metadata"]["deletionTimestamp"].is_null() && !is_deleted {
        let kind = if resource == "namespaces" { WorkKind::Namespace } else { WorkKind::ForegroundDeletion };
        context.enqueue(kind, if resource == "namespaces" { "" } else { &namespace }, &name);
    }
}

/// A new claim and one that is to go are checked for their pods; devices that become free may do for another pod.
fn enqueue_for_claim(context: &mut ControllerContext, is_deleted: bool, claim: &Value, before: Option<&Value>) {
    let is_allocated = |claim: &Value| !claim["status"]["allocation"].is_null();
    if before.is_some_and(is_allocated) && (is_deleted || !is_allocated(claim)) {
        enqueue_unscheduled(context);
    }
    let needs_check = before.is_none_or(|before| state::is_deleting(claim) && !state::is_deleting(before));
    if needs_check && !is_deleted {
        let (namespace, name) = (metadata_text(claim, "namespace"), metadata_text(claim, "name"));
        context.enqueue(WorkKind::ResourceClaim, &namespace, &name);
    }
}

fn enqueue_for_pod(context: &mut ControllerContext, is_deleted: bool, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    enqueue_owner(context, object);
    enqueue_services(context, is_deleted, object, before);
    if is_deleted {
        resource_claim::enqueue_claims_of(context, object);
        return enqueue_unscheduled(context);
    }
    let null = Value::Null;
    let before = before.unwrap_or(&null);
    let is_newly_set = |pointer: &str| {
        !object.pointer(pointer).unwrap_or(&null).is_null() && before.pointer(pointer).is_none_or(Value::is_null)
    };
    if before.is_null() && object["spec"]["nodeName"].is_null() {
        let after = context.jittered(context.config.scheduling_delay);
        context.enqueue_after(WorkKind::Scheduler, &namespace, &name, after);
    }
    if before.is_null() && resource_claim::lacks_claims(object) {
        context.enqueue(WorkKind::PodClaims, &namespace, &name);
    }
    if is_newly_set("/status/resourceClaimStatuses") && object["spec"]["nodeName"].is_null() {
        context.enqueue(WorkKind::Scheduler, &namespace, &name);
    }
    if is_newly_set("/spec/nodeName") || is_newly_set("/metadata/deletionTimestamp") {
        context.enqueue(WorkKind::Kubelet, &namespace, &name);
    }
}

/// Enqueues the controller of a changed object.
fn enqueue_owner(context: &mut ControllerContext, object: &Value) {
    let Some(owner) = owner::controller_of(object) else { return };
    let kind = match owner["kind"].as_str() {
        Some("Deployment") => WorkKind::Deployment,
        Some("ReplicaSet") => WorkKind::ReplicaSet,
        Some("StatefulSet") => WorkKind::StatefulSet,
        Some("ScaledObject") => WorkKind::ScaledObject,
        _ => return,
    };
    context.enqueue(kind, &metadata_text(object, "namespace"), owner["name"].as_str().unwrap_or_default());
}

/// Enqueues the Services that select a pod, if a change of the pod affects its endpoint.
fn enqueue_services(context: &mut ControllerContext, is_deleted: bool, pod: &Value, before: Option<&Value>) {
    let endpoint_state = |pod: &Value| {
        let ready = crate::sim::objects::condition::is_condition_true(pod, "Ready");
        (ready, pod["status"]["podIP"].clone(), pod["metadata"]["deletionTimestamp"].clone())
    };
    if !is_deleted && before.is_some_and(|before| endpoint_state(before) == endpoint_state(pod)) {
        return;
    }
    for service in context.cluster.list(&SERVICE, Some(&metadata_text(pod, "namespace"))) {
        if labels::has_labels(&service["spec"]["selector"], &pod["metadata"]["labels"]) {
            context.enqueue(
                WorkKind::EndpointSlice,
                &metadata_text(&service, "namespace"),
                &metadata_text(&service, "name"),
            );
        }
    }
}

fn enqueue_api_services(context: &mut ControllerContext, object: &Value) {
    let service = object["metadata"]["labels"]["kubernetes.io/service-name"].as_str().map(str::to_owned);
    let (namespace, service) =
        (metadata_text(object, "namespace"), service.unwrap_or_else(|| metadata_text(object, "name")));
    for one in context.cluster.list(&API_SERVICE, None) {
        let service_ref = &one["spec"]["service"];
        if service_ref["namespace"] == namespace.as_str() && service_ref["name"] == service.as_str() {
            context.enqueue(WorkKind::ApiService, "", &metadata_text(&one, "name"));
        }
    }
}

/// Enqueues all pods without a node.
fn enqueue_unscheduled(context: &mut ControllerContext) {
    for pod in context.cluster.list(&POD, None) {
        if pod["spec"]["nodeName"].is_null() {
            let after = context.jittered(context.config.scheduling_delay);
            context.enqueue_after(
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
fn enqueue_hpa(context: &mut ControllerContext, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
    if before.is_some() {
        return context.enqueue(WorkKind::Hpa, &namespace, &name);
    }
    let after = HumanDuration::from_ms(context.cluster.random_below(context.config.hpa_controller.sync_period.ms()));
    context.enqueue_after(WorkKind::Hpa, &namespace, &name, after);
}
