//! Injections: interference by other users and failures of the cluster during a run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::ControllerContext;
use super::hpa_controller::HpaController;
use super::kubelet::Kubelets;
use super::work_queue::WorkKind;
use super::{lease, node_lifecycle, pods};
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};
use crate::sim::cluster::{FieldManager, ObjectChange, metadata_text};
use crate::sim::config::{InjectionAction, InjectionTrigger};
use crate::sim::objects::claims::{self, ClaimableDevice};
use crate::sim::objects::kinds::{DEPLOYMENT, HPA, NODE, POD, RESOURCE_CLAIM, STATEFUL_SET};
use crate::sim::objects::{condition, labels, owner, resources, state};
use crate::units::HumanDuration;

const KUBECTL: &str = "kubectl";

/// The triggers that have occurred.
#[derive(Debug, Default)]
pub(super) struct InjectionTriggers(Vec<InjectionTrigger>);

impl InjectionTriggers {
    /// Schedules the injections of a trigger, at its first occurrence.
    pub(super) fn trigger(&mut self, context: &mut ControllerContext, trigger: InjectionTrigger) {
        if self.0.contains(&trigger) {
            return;
        }
        self.0.push(trigger);
        for (number, injection) in context.config.injections.clone().iter().enumerate() {
            if injection.time.trigger == trigger {
                context.enqueue_after(WorkKind::Injection, "", &number.to_string(), injection.time.after);
            }
        }
    }

    /// Triggers on the creation of an HPA, and on the first scale-up or scale-down of the target.
    pub(super) fn trigger_on_change(&mut self, context: &mut ControllerContext, change: &ObjectChange) {
        match (change.group_resource.as_str(), &change.previous) {
            ("horizontalpodautoscalers.autoscaling", None) => self.trigger(context, InjectionTrigger::HpaCreated),
            ("deployments.apps" | "statefulsets.apps", Some(before)) => {
                if let Some(trigger) = scale_trigger(context, before, &change.object) {
                    self.trigger(context, trigger);
                }
            }
            _ => {}
        }
    }
}

/// The trigger that a change of a workload is, if the workload is the HPA's target and its size changes.
fn scale_trigger(context: &ControllerContext, before: &Value, object: &Value) -> Option<InjectionTrigger> {
    let replicas = |object: &Value| object["spec"]["replicas"].as_i64().unwrap_or(1);
    if replicas(object) == replicas(before) {
        return None;
    }
    hpa_target(context).filter(|(_, target)| target["metadata"]["uid"] == object["metadata"]["uid"])?;
    let is_scale_up = replicas(object) > replicas(before);
    Some(if is_scale_up { InjectionTrigger::FirstScaleUp } else { InjectionTrigger::FirstScaleDown })
}

/// The scale target of the first HPA.
fn hpa_target(context: &ControllerContext) -> Option<(ResourceKind, Arc<Value>)> {
    let hpa = context.cluster.list(&HPA, None).into_iter().next()?;
    let target_ref = &hpa["spec"]["scaleTargetRef"];
    let kind = [DEPLOYMENT, STATEFUL_SET].into_iter().find(|kind| target_ref["kind"] == kind.kind)?;
    let target = context.cluster.get(&kind, &metadata_text(&hpa, "namespace"), target_ref["name"].as_str()?)?;
    Some((kind, target))
}

/// Carries out an injection, by its index in the configuration.
pub(super) fn inject(
    context: &mut ControllerContext,
    kubelets: &mut Kubelets,
    hpa_controller: &mut HpaController,
    number: &str,
) {
    let Some(injection) = number.parse::<usize>().ok().and_then(|n| context.config.injections.get(n)).copied() else {
        return;
    };
    match injection.action {
        InjectionAction::PatchScale(by) => resize_target(context, by, FieldManager::update_scale(KUBECTL)),
        InjectionAction::PatchWorkload(by) => resize_target(context, by, FieldManager::update(KUBECTL)),
        InjectionAction::SecondHpa => create_second_hpa(context),
        InjectionAction::SecondScaledObject => create_second_scaled_object(context),
        InjectionAction::ManagerRestart => restart_manager(context, hpa_controller),
        InjectionAction::KubeletRestart(duration) => {
            for pod in accelerator_pods(context).into_iter().filter(|pod| condition::is_condition_true(pod, "Ready")) {
                kubelets.simulate_restart(context, &pod, duration);
            }
        }
        InjectionAction::NodeLost => lose_node(context),
        InjectionAction::NodeDrained(duration) => drain_node(context, duration),
        InjectionAction::TenantPods(count) => create_tenant_pods(context, count),
    }
}

fn resize_target(context: &ControllerContext, by: i32, field_manager: FieldManager<'_>) {
    let Some((kind, target)) = hpa_target(context) else { return };
    // Cannot fail: the target has just been read.
    let _ = context.cluster.update(
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

fn create_second_hpa(context: &ControllerContext) {
    let Some(first) = context.cluster.list(&HPA, None).into_iter().next() else { return };
    let second = json!({"metadata": {"name": "competing-hpa", "namespace": first["metadata"]["namespace"]},
        "spec": first["spec"]});
    // Cannot fail: no other object has this name.
    let _ = context.cluster.create(FieldManager::update(KUBECTL), &HPA, second);
}

fn create_second_scaled_object(context: &ControllerContext) {
    let Some(first) = context.cluster.list(&SCALED_OBJECT, None).into_iter().next() else { return };
    let second = json!({"metadata": {"name": "competing", "namespace": first["metadata"]["namespace"]},
        "spec": first["spec"]});
    // Cannot fail: no other object has this name.
    let _ = context.cluster.create(FieldManager::update(KUBECTL), &SCALED_OBJECT, second);
}

fn restart_manager(context: &mut ControllerContext, hpa_controller: &mut HpaController) {
    context.manager_restarts += 1;
    hpa_controller.reset_logs();
    lease::renew(context);
    for hpa in context.cluster.list(&HPA, None) {
        context.enqueue(WorkKind::Hpa, &metadata_text(&hpa, "namespace"), &metadata_text(&hpa, "name"));
    }
}

/// The target's pods with accelerators, the newest first.
fn accelerator_pods(context: &ControllerContext) -> Vec<Arc<Value>> {
    let Some((_, target)) = hpa_target(context) else { return Vec::new() };
    let mut all = context.cluster.list(&POD, Some(&metadata_text(&target, "namespace")));
    let selector = &target["spec"]["selector"];
    all.retain(|pod| labels::matches(selector, pod) && resources::requests_device(pod));
    all.retain(|pod| state::is_active(pod) && !pod["spec"]["nodeName"].is_null());
    all.sort_by_key(|pod| std::cmp::Reverse(metadata_text(pod, "creationTimestamp")));
    all
}

/// The node of the target's newest pod with an accelerator.
fn newest_node(context: &ControllerContext) -> Option<String> {
    Some(accelerator_pods(context).first()?["spec"]["nodeName"].as_str()?.to_owned())
}

fn lose_node(context: &mut ControllerContext) {
    if let Some(node) = newest_node(context) {
        node_lifecycle::mark_lost(context, &node);
    }
}

/// Evicts the pods of workloads; those without one stand for the pods of DaemonSets, which a drain leaves.
fn drain_node(context: &mut ControllerContext, duration: HumanDuration) {
    let Some(node) = newest_node(context) else { return };
    set_schedulable(context, &node, false);
    for pod in context.cluster.list(&POD, None) {
        if pod["spec"]["nodeName"] == node.as_str() && owner::controller_of(&pod).is_some() {
            pods::delete(&context.cluster, &pod);
        }
    }
    context.enqueue_after(WorkKind::Uncordon, "", &node, duration);
}

/// `kubectl cordon` and `kubectl uncordon`.
pub(super) fn set_schedulable(context: &ControllerContext, node: &str, is_schedulable: bool) {
    // Cannot fail: nodes stay.
    let _ = context.cluster.update(FieldManager::update(KUBECTL), &NODE, "", node, |node| {
        node["spec"]["unschedulable"] = if is_schedulable { Value::Null } else { json!(true) };
    });
}

/// Creates pods of another tenant, one per accelerator.
fn create_tenant_pods(context: &ControllerContext, count: usize) {
    let all = context.cluster.list(&POD, None);
    let nodes = context.cluster.list(&NODE, None);
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
        let _ = context.cluster.create(FieldManager::update(KUBECTL), &POD, pod);
    }
    create_tenant_claims(context, count);
}

/// Creates claims of another tenant, each with a free device that a DRA driver offers.
fn create_tenant_claims(context: &ControllerContext, count: usize) {
    let taken = claims::taken_devices(&context.cluster);
    let mut free = claims::claimable_devices(&context.cluster);
    free.retain(|device| !taken.contains(&device.name));
    for (number, ClaimableDevice { name: (driver, pool, device), .. }) in free.into_iter().take(count).enumerate() {
        let result = json!({"request": "gpu", "driver": driver, "pool": pool, "device": device});
        let claim = json!({"metadata": {"name": format!("training-{number}"), "namespace": "default"}, "spec": {},
            "status": {"allocation": {"devices": {"results": [result]}}}});
        // Cannot fail: no other object has this name.
        let _ = context.cluster.create(FieldManager::update(KUBECTL), &RESOURCE_CLAIM, claim);
    }
}
