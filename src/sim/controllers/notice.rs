//! Which change concerns whom: the informers' event handlers.

use serde_json::Value;

use super::kinds::{API_SERVICE, CLAIM, DEPLOYMENT, HPA, NAMESPACE, POD, REPLICA_SET, SERVICE, STATEFUL_SET};
use super::manager::Manager;
use super::queue::Duty;
use super::setting::Moment;
use super::{garbage, labels, mishaps, pods};
use crate::sim::cluster::{Became, Change, text};
use crate::units::Span;

/// What stands is looked at as if it had just been made: when the controllers start, or have missed changes.
pub(super) fn standing(manager: &mut Manager) {
    for kind in [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, POD, SERVICE, CLAIM, API_SERVICE, HPA, NAMESPACE] {
        for object in manager.cluster.list(&kind, None) {
            let resource = crate::sim::cluster::resource(&kind);
            dispatch(manager, &resource, Became::Added, &object, None);
        }
    }
}

/// One change.
pub(super) fn change(manager: &mut Manager, change: &Change) {
    dispatch(manager, &change.resource, change.became, &change.object, change.before.as_deref());
}

fn dispatch(manager: &mut Manager, resource: &str, became: Became, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (text(object, "namespace"), text(object, "name"));
    let gone = became == Became::Deleted;
    let is_asked = before.is_none_or(|before| before["spec"] != object["spec"]);
    match resource {
        "pods" => return pod(manager, gone, object, before),
        "deployments.apps" if !gone => manager.soon(Duty::Deployment, &namespace, &name),
        "statefulsets.apps" if !gone => manager.soon(Duty::StatefulSet, &namespace, &name),
        "replicasets.apps" => {
            if !gone && is_asked {
                manager.soon(Duty::ReplicaSet, &namespace, &name);
            }
            owner(manager, object);
        }
        "services" if !gone && is_asked => {
            manager.soon(Duty::Endpoints, &namespace, &name);
            if object["spec"]["type"] == "LoadBalancer" {
                let after = manager.around(manager.setting.balancer);
                manager.plan(Duty::Balancer, &namespace, &name, after);
            }
        }
        "services" | "endpointslices.discovery.k8s.io" => api_services(manager, object),
        "apiservices.apiregistration.k8s.io" if !gone && is_asked => manager.soon(Duty::ApiService, "", &name),
        "persistentvolumeclaims" if before.is_none() => {
            let after = manager.around(manager.setting.volume);
            manager.plan(Duty::Volume, &namespace, &name, after);
        }
        "persistentvolumeclaims" => unscheduled(manager),
        "nodes" if is_asked || became != Became::Modified => unscheduled(manager),
        "horizontalpodautoscalers.autoscaling" if !gone && is_asked => autoscaler(manager, object, before),
        _ => {}
    }
    if !object["metadata"]["deletionTimestamp"].is_null() && !gone {
        let duty = if resource == "namespaces" { Duty::Namespace } else { Duty::Foreground };
        manager.soon(duty, if resource == "namespaces" { "" } else { &namespace }, &name);
    }
    if gone {
        garbage::orphaned(manager, object);
    } else {
        mishaps::watch(manager, resource, object, before);
    }
}

fn pod(manager: &mut Manager, gone: bool, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (text(object, "namespace"), text(object, "name"));
    owner(manager, object);
    services_of(manager, gone, object, before);
    if gone {
        manager.kubelet.forget(object);
        garbage::orphaned(manager, object);
        return unscheduled(manager);
    }
    let null = Value::Null;
    let before = before.unwrap_or(&null);
    let is_new = |pointer: &str| {
        !object.pointer(pointer).unwrap_or(&null).is_null() && before.pointer(pointer).is_none_or(Value::is_null)
    };
    if before.is_null() && object["spec"]["nodeName"].is_null() {
        let after = manager.around(manager.setting.schedule);
        manager.plan(Duty::Schedule, &namespace, &name, after);
    }
    if is_new("/spec/nodeName") || is_new("/metadata/deletionTimestamp") {
        manager.soon(Duty::Kubelet, &namespace, &name);
    }
}

/// The owner of an object that has changed looks after it.
fn owner(manager: &mut Manager, object: &Value) {
    let Some(owner) = pods::controller_of(object) else { return };
    let duty = match owner["kind"].as_str() {
        Some("Deployment") => Duty::Deployment,
        Some("ReplicaSet") => Duty::ReplicaSet,
        Some("StatefulSet") => Duty::StatefulSet,
        _ => return,
    };
    manager.soon(duty, &text(object, "namespace"), owner["name"].as_str().unwrap_or_default());
}

/// The Services that select a pod, now or before, where it has changed in what endpoints tell of it.
fn services_of(manager: &mut Manager, gone: bool, pod: &Value, before: Option<&Value>) {
    let told = |pod: &Value| {
        let ready = super::condition::holds(pod, "Ready");
        (ready, pod["status"]["podIP"].clone(), pod["metadata"]["deletionTimestamp"].clone())
    };
    if !gone && before.is_some_and(|before| told(before) == told(pod)) {
        return;
    }
    for service in manager.cluster.list(&SERVICE, Some(&text(pod, "namespace"))) {
        if labels::is_within(&service["spec"]["selector"], &pod["metadata"]["labels"]) {
            manager.soon(Duty::Endpoints, &text(&service, "namespace"), &text(&service, "name"));
        }
    }
}

fn api_services(manager: &mut Manager, object: &Value) {
    let service = object["metadata"]["labels"]["kubernetes.io/service-name"].as_str().map(str::to_owned);
    let (namespace, service) = (text(object, "namespace"), service.unwrap_or_else(|| text(object, "name")));
    for one in manager.cluster.list(&API_SERVICE, None) {
        let of = &one["spec"]["service"];
        if of["namespace"] == namespace.as_str() && of["name"] == service.as_str() {
            manager.soon(Duty::ApiService, "", &text(&one, "name"));
        }
    }
}

/// Pods that wait for room are tried again.
fn unscheduled(manager: &mut Manager) {
    for pod in manager.cluster.list(&POD, None) {
        if pod["spec"]["nodeName"].is_null() {
            let after = manager.around(manager.setting.schedule);
            manager.plan(Duty::Schedule, &text(&pod, "namespace"), &text(&pod, "name"), after);
        }
    }
}

/// A new HPA is first looked at somewhere within a period (1.37 at once, older releases after a whole one); one whose
/// spec has changed at once.
fn autoscaler(manager: &mut Manager, object: &Value, before: Option<&Value>) {
    let (namespace, name) = (text(object, "namespace"), text(object, "name"));
    if before.is_some() {
        return manager.soon(Duty::Autoscaler, &namespace, &name);
    }
    let after = Span::from_ms(manager.cluster.chance(manager.setting.autoscaler.sync_period.ms()));
    manager.plan(Duty::Autoscaler, &namespace, &name, after);
    mishaps::reached(manager, Moment::AutoscalerMade);
}
