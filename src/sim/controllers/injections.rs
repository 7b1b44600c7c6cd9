//! What others do to the cluster in the middle of a run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::config::{InjectionAction, InjectionTrigger};
use super::kinds::{DEPLOYMENT, HPA, NODE, POD, STATEFUL_SET};
use super::manager::ControllerManager;
use super::work_queue::WorkKind;
use super::{condition, kubelet, lease, node_lifecycle, pods, scheduler};
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, metadata_text};

const KUBECTL: &str = "kubectl";

/// Which moments have been.
#[derive(Debug, Default)]
pub(super) struct InjectionState {
    triggered: Vec<InjectionTrigger>,
    /// How often the controller manager has started anew.
    pub(super) manager_restarts: u32,
}

/// A moment is reached, for the first time or again: what waits for its first time is planned.
pub(super) fn trigger(manager: &mut ControllerManager, moment: InjectionTrigger) {
    if manager.injection_state.triggered.contains(&moment) {
        return;
    }
    manager.injection_state.triggered.push(moment);
    for (number, mishap) in manager.config.injections.clone().iter().enumerate() {
        if mishap.time.trigger == moment {
            manager.enqueue_after(WorkKind::Injection, "", &number.to_string(), mishap.time.after);
        }
    }
}

/// Whether a change of the target's size is such a moment.
pub(super) fn trigger_on_scale(
    manager: &mut ControllerManager,
    resource: &str,
    object: &Value,
    before: Option<&Value>,
) {
    let Some(before) = before.filter(|_| matches!(resource, "deployments.apps" | "statefulsets.apps")) else { return };
    let size = |object: &Value| object["spec"]["replicas"].as_i64().unwrap_or(1);
    if size(object) == size(before)
        || hpa_target(manager).is_none_or(|(_, t)| t["metadata"]["uid"] != object["metadata"]["uid"])
    {
        return;
    }
    trigger(
        manager,
        if size(object) > size(before) { InjectionTrigger::FirstScaleUp } else { InjectionTrigger::FirstScaleDown },
    );
}

/// The target of the first HPA.
fn hpa_target(manager: &ControllerManager) -> Option<(ResourceKind, Arc<Value>)> {
    let hpa = manager.cluster.list(&HPA, None).into_iter().next()?;
    let of = &hpa["spec"]["scaleTargetRef"];
    let kind = [DEPLOYMENT, STATEFUL_SET].into_iter().find(|kind| of["kind"] == kind.kind)?;
    let found = manager.cluster.get(&kind, &metadata_text(&hpa, "namespace"), of["name"].as_str()?)?;
    Some((kind, found))
}

/// Lets a mishap happen.
pub(super) fn inject(manager: &mut ControllerManager, number: &str) {
    let Some(mishap) = number.parse::<usize>().ok().and_then(|n| manager.config.injections.get(n)).copied() else {
        return;
    };
    match mishap.action {
        InjectionAction::PatchScale(by) => resize_target(manager, by, FieldManager::update_scale(KUBECTL)),
        InjectionAction::PatchWorkload(by) => resize_target(manager, by, FieldManager::update(KUBECTL)),
        InjectionAction::SecondHpa => create_second_hpa(manager),
        InjectionAction::ManagerRestart => restart_manager(manager),
        InjectionAction::KubeletRestart(lasts) => {
            for pod in accelerator_pods(manager).into_iter().filter(|pod| condition::is_condition_true(pod, "Ready")) {
                kubelet::simulate_restart(manager, &pod, lasts);
            }
        }
        InjectionAction::NodeLost => lose_node(manager),
        InjectionAction::TenantPods(count) => create_tenant_pods(manager, count),
    }
}

fn resize_target(manager: &ControllerManager, by: i32, hand: FieldManager<'_>) {
    let Some((kind, target)) = hpa_target(manager) else { return };
    // It was there a moment ago.
    let _ = manager.cluster.update(
        hand,
        &kind,
        &metadata_text(&target, "namespace"),
        &metadata_text(&target, "name"),
        |target| {
            let size = target["spec"]["replicas"].as_i64().unwrap_or(1) + i64::from(by);
            // At none the autoscaler is off, which is another fault.
            target["spec"]["replicas"] = json!(size.max(1));
        },
    );
}

fn create_second_hpa(manager: &ControllerManager) {
    let Some(first) = manager.cluster.list(&HPA, None).into_iter().next() else { return };
    let rival = json!({"metadata": {"name": "somebody-elses", "namespace": first["metadata"]["namespace"]},
        "spec": first["spec"]});
    // Its name is nobody else's.
    let _ = manager.cluster.create(FieldManager::update(KUBECTL), &HPA, rival);
}

fn restart_manager(manager: &mut ControllerManager) {
    manager.injection_state.manager_restarts += 1;
    manager.hpa_states.values_mut().for_each(super::hpa_controller::HpaControllerState::reset_logs);
    lease::renew(manager);
    for hpa in manager.cluster.list(&HPA, None) {
        manager.enqueue(WorkKind::Hpa, &metadata_text(&hpa, "namespace"), &metadata_text(&hpa, "name"));
    }
}

/// Pods of the target that hold accelerators, the youngest first.
fn accelerator_pods(manager: &ControllerManager) -> Vec<Arc<Value>> {
    let Some((_, target)) = hpa_target(manager) else { return Vec::new() };
    let mut all = manager.cluster.list(&POD, Some(&metadata_text(&target, "namespace")));
    let selector = &target["spec"]["selector"];
    all.retain(|pod| super::labels::matches(selector, pod) && !scheduler::requested_resources(pod).is_empty());
    all.retain(|pod| pods::is_active(pod) && !pod["spec"]["nodeName"].is_null());
    all.sort_by_key(|pod| std::cmp::Reverse(metadata_text(pod, "creationTimestamp")));
    all
}

fn lose_node(manager: &mut ControllerManager) {
    let node = accelerator_pods(manager).first().map(|pod| pod["spec"]["nodeName"].clone());
    if let Some(node) = node.as_ref().and_then(Value::as_str) {
        node_lifecycle::mark_lost(manager, node);
    }
}

/// Another tenant's pods, one for each accelerator that they take.
fn create_tenant_pods(manager: &ControllerManager, count: usize) {
    let all = manager.cluster.list(&POD, None);
    let nodes = manager.cluster.list(&NODE, None);
    let free = nodes.iter().flat_map(|node| {
        let resources = scheduler::free_resources(node, &all).into_iter();
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
        // Its name is new.
        let _ = manager.cluster.create(FieldManager::update(KUBECTL), &POD, pod);
    }
}
