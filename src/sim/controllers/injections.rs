//! Injections: interference by other users and failures of the cluster during a run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::manager::ControllerManager;
use super::work_queue::WorkKind;
use super::{kubelet, lease, node_lifecycle};
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::config::{InjectionAction, InjectionTrigger};
use crate::sim::objects::kinds::{DEPLOYMENT, HPA, NODE, POD, STATEFUL_SET};
use crate::sim::objects::{condition, labels, resources, state};

const KUBECTL: &str = "kubectl";

/// The triggers that have occurred.
#[derive(Debug, Default)]
pub(super) struct InjectionState {
    triggered: Vec<InjectionTrigger>,
    /// Number of restarts of kube-controller-manager.
    pub(super) manager_restarts: u32,
}

/// Schedules the injections of a trigger, at its first occurrence.
pub(super) fn trigger(manager: &mut ControllerManager, trigger: InjectionTrigger) {
    if manager.injection_state.triggered.contains(&trigger) {
        return;
    }
    manager.injection_state.triggered.push(trigger);
    for (number, injection) in manager.config.injections.clone().iter().enumerate() {
        if injection.time.trigger == trigger {
            manager.enqueue_after(WorkKind::Injection, "", &number.to_string(), injection.time.after);
        }
    }
}

/// Triggers on the first scale-up or scale-down of the target.
pub(super) fn trigger_on_scale(
    manager: &mut ControllerManager,
    resource: &str,
    object: &Value,
    before: Option<&Value>,
) {
    let Some(before) = before.filter(|_| matches!(resource, "deployments.apps" | "statefulsets.apps")) else { return };
    let replicas = |object: &Value| object["spec"]["replicas"].as_i64().unwrap_or(1);
    if replicas(object) == replicas(before)
        || hpa_target(manager).is_none_or(|(_, t)| t["metadata"]["uid"] != object["metadata"]["uid"])
    {
        return;
    }
    trigger(
        manager,
        if replicas(object) > replicas(before) {
            InjectionTrigger::FirstScaleUp
        } else {
            InjectionTrigger::FirstScaleDown
        },
    );
}

/// The scale target of the first HPA.
fn hpa_target(manager: &ControllerManager) -> Option<(ResourceKind, Arc<Value>)> {
    let hpa = manager.cluster.list(&HPA, None).into_iter().next()?;
    let target_ref = &hpa["spec"]["scaleTargetRef"];
    let kind = [DEPLOYMENT, STATEFUL_SET].into_iter().find(|kind| target_ref["kind"] == kind.kind)?;
    let target = manager.cluster.get(&kind, &metadata_text(&hpa, "namespace"), target_ref["name"].as_str()?)?;
    Some((kind, target))
}

/// Carries out an injection, by its index in the configuration.
pub(super) fn inject(manager: &mut ControllerManager, number: &str) {
    let Some(injection) = number.parse::<usize>().ok().and_then(|n| manager.config.injections.get(n)).copied() else {
        return;
    };
    match injection.action {
        InjectionAction::PatchScale(by) => resize_target(manager, by, FieldManager::update_scale(KUBECTL)),
        InjectionAction::PatchWorkload(by) => resize_target(manager, by, FieldManager::update(KUBECTL)),
        InjectionAction::SecondHpa => create_second_hpa(manager),
        InjectionAction::ManagerRestart => restart_manager(manager),
        InjectionAction::KubeletRestart(duration) => {
            for pod in accelerator_pods(manager).into_iter().filter(|pod| condition::is_condition_true(pod, "Ready")) {
                kubelet::simulate_restart(manager, &pod, duration);
            }
        }
        InjectionAction::NodeLost => lose_node(manager),
        InjectionAction::TenantPods(count) => create_tenant_pods(manager, count),
    }
}

fn resize_target(manager: &ControllerManager, by: i32, field_manager: FieldManager<'_>) {
    let Some((kind, target)) = hpa_target(manager) else { return };
    // Cannot fail: the target has just been read.
    let _ = manager.cluster.update(
        field_manager,
        &kind,
        &metadata_text(&target, "namespace"),
        &metadata_text(&target, "name"),
        |target| {
            let replicas = target["spec"]["replicas"].as_i64().unwrap_or(1) + i64::from(by);
            // At 0 replicas the HPA is disabled, which is another fault.
            target["spec"]["replicas"] = json!(replicas.max(1));
        },
    );
}

fn create_second_hpa(manager: &ControllerManager) {
    let Some(first) = manager.cluster.list(&HPA, None).into_iter().next() else { return };
    let second = json!({"metadata": {"name": "competing-hpa", "namespace": first["metadata"]["namespace"]},
        "spec": first["spec"]});
    // Cannot fail: no other object has this name.
    let _ = manager.cluster.create(FieldManager::update(KUBECTL), &HPA, second);
}

fn restart_manager(manager: &mut ControllerManager) {
    manager.injection_state.manager_restarts += 1;
    manager.hpa_states.values_mut().for_each(super::hpa_controller::HpaControllerState::reset_logs);
    lease::renew(manager);
    for hpa in manager.cluster.list(&HPA, None) {
        manager.enqueue(WorkKind::Hpa, &metadata_text(&hpa, "namespace"), &metadata_text(&hpa, "name"));
    }
}

/// The target's pods with accelerators, the newest first.
fn accelerator_pods(manager: &ControllerManager) -> Vec<Arc<Value>> {
    let Some((_, target)) = hpa_target(manager) else { return Vec::new() };
    let mut all = manager.cluster.list(&POD, Some(&metadata_text(&target, "namespace")));
    let selector = &target["spec"]["selector"];
    all.retain(|pod| labels::matches(selector, pod) && !resources::requested_resources(pod).is_empty());
    all.retain(|pod| state::is_active(pod) && !pod["spec"]["nodeName"].is_null());
    all.sort_by_key(|pod| std::cmp::Reverse(metadata_text(pod, "creationTimestamp")));
    all
}

fn lose_node(manager: &mut ControllerManager) {
    let node = accelerator_pods(manager).first().map(|pod| pod["spec"]["nodeName"].clone());
    if let Some(node) = node.as_ref().and_then(Value::as_str) {
        node_lifecycle::mark_lost(manager, node);
    }
}

/// Creates pods of another tenant, one per accelerator.
fn create_tenant_pods(manager: &ControllerManager, count: usize) {
    let all = manager.cluster.list(&POD, None);
    let nodes = manager.cluster.list(&NODE, None);
    let free = nodes.iter().flat_map(|node| {
        let resources = resources::free_resources(node, &all).into_iter();
        resources.flat_map(move |(resource, left)| {
            (0..left.max(0)).map(move |_| (metadata_text(node, "name"), resource.clone()))
        })
    });
    for (number, (node, resource)) in free.take(count).enumerate() {
        let mut requests = json!({});
        requests[resource] = json!("1");
        let pod = json!({"metadata": {"name": format!("training-{number}"), "namespace": "default"},
            "spec": {"nodeName": node, "containers": [
                {"name": "main", "image": "training", "resources": {"requests": requests, "limits": requests}}]},
            "status": {"phase": "Pending"}});
        // Cannot fail: no other object has this name.
        let _ = manager.cluster.create(FieldManager::update(KUBECTL), &POD, pod);
    }
}
