//! The input of a pass.

use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::metrics::{self, MetricsClient};
use super::state::HpaControllerState;
use crate::hpa::{
    ControllerFlags, HpaNames, HpaSpec, PodPhase, PodSelector, PodState, ReconcileInput, ScaleSubresource,
    behavior_from_spec,
};
use crate::metrics::selector;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{StatusError, metadata_text};
use crate::sim::controllers::context::ControllerContext;
use crate::sim::objects::kinds::{DEPLOYMENT, HPA, POD, STATEFUL_SET};
use crate::sim::objects::{condition, labels, state};

/// Reads the input of a pass, or returns why the simulator does not support the HPA.
pub(super) fn read_input(
    context: &ControllerContext,
    client: &MetricsClient,
    hpa: &Value,
    state: &HpaControllerState,
) -> Result<ReconcileInput, String> {
    let spec: HorizontalPodAutoscalerSpec =
        serde_json::from_value(hpa["spec"].clone()).map_err(|error| format!("cannot parse the HPA's spec: {error}"))?;
    let namespace = metadata_text(hpa, "namespace");
    let config = &context.config.hpa_controller;
    let target_ref = &spec.scale_target_ref;
    let target = find_target(context, hpa).ok_or_else(|| target_not_found(&target_ref.kind, &target_ref.name));
    let matching_pods = target.as_ref().map(|target| selected_pods(context, &namespace, target)).unwrap_or_default();
    let scale = target.as_ref().map(|target| read_scale(target)).map_err(Clone::clone);
    let pods = match &scale {
        Ok(ScaleSubresource { selector: PodSelector::Parsed(selector), .. }) => selector.as_str(),
        _ => "",
    };
    let metrics = metrics::read_metrics(client, &spec, &namespace, pods)?;
    Ok(ReconcileInput {
        names: HpaNames {
            namespace: namespace.clone(),
            hpa: metadata_text(hpa, "name"),
            target_kind: target_ref.kind.clone(),
            target_name: target_ref.name.clone(),
        },
        spec: HpaSpec {
            min_replicas: spec.min_replicas,
            max_replicas: spec.max_replicas,
            behavior: behavior_from_spec(&spec),
            metrics,
        },
        status: state.status.clone(),
        flags: ControllerFlags {
            tolerance: config.tolerance,
            downscale_stabilization: config.downscale_stabilization.to_std(),
        },
        competing_hpa: find_competing_hpa(context, hpa, &matching_pods),
        pods: matching_pods.iter().map(|pod| pod_state(pod)).collect(),
        scale,
        put_failures: Vec::new(),
        logs: state.logs.clone(),
    })
}

fn target_not_found(kind: &str, name: &str) -> String {
    match kind {
        "Deployment" => format!("deployments.apps \"{name}\" not found"),
        "StatefulSet" => format!("statefulsets.apps \"{name}\" not found"),
        other => {
            StatusError::new(501, "NotSimulated", format!("the simulator does not support a scale of {other}")).message
        }
    }
}

/// Kind and name of an HPA's target, if the simulator supports its kind.
pub(super) fn scale_target_ref(hpa: &Value) -> Option<(ResourceKind, String)> {
    let target_ref = &hpa["spec"]["scaleTargetRef"];
    let known = [DEPLOYMENT, STATEFUL_SET];
    let kind = known.into_iter().find(|kind| target_ref["kind"] == kind.kind)?;
    Some((kind, target_ref["name"].as_str()?.to_owned()))
}

fn find_target(context: &ControllerContext, hpa: &Value) -> Option<Arc<Value>> {
    let (kind, name) = scale_target_ref(hpa)?;
    context.cluster.get(&kind, &metadata_text(hpa, "namespace"), &name)
}

fn read_scale(target: &Value) -> ScaleSubresource {
    let number = |value: &Value, default: i32| value.as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(default);
    let selector = serde_json::from_value::<LabelSelector>(target["spec"]["selector"].clone());
    let selector = selector.map(|selector| selector::format_selector(&selector)).unwrap_or_default();
    ScaleSubresource {
        spec_replicas: number(&target["spec"]["replicas"], 1),
        status_replicas: number(&target["status"]["replicas"], 0),
        selector: if selector.is_empty() { PodSelector::Missing } else { PodSelector::Parsed(selector) },
    }
}

fn selected_pods(context: &ControllerContext, namespace: &str, target: &Value) -> Vec<Arc<Value>> {
    let mut all = context.cluster.list(&POD, Some(namespace));
    all.retain(|pod| labels::matches(&target["spec"]["selector"], pod));
    all
}

fn pod_state(pod: &Value) -> PodState {
    let phase = match pod["status"]["phase"].as_str() {
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some("Unknown") => PodPhase::Unknown,
        _ => PodPhase::Pending,
    };
    let (ready, deleting) = (condition::is_condition_true(pod, "Ready"), state::is_deleting(pod));
    PodState { name: metadata_text(pod, "name"), phase, ready, deleting }
}

/// Finds another HPA of the namespace whose target selects one of these pods.
fn find_competing_hpa(context: &ControllerContext, hpa: &Value, pods: &[Arc<Value>]) -> Option<String> {
    let others = context.cluster.list(&HPA, Some(&metadata_text(hpa, "namespace")));
    let shares = |other: &&Arc<Value>| {
        other["metadata"]["uid"] != hpa["metadata"]["uid"]
            && find_target(context, other)
                .is_some_and(|target| pods.iter().any(|pod| labels::matches(&target["spec"]["selector"], pod)))
    };
    others
        .iter()
        .find(shares)
        .map(|other| format!("{}/{}", metadata_text(other, "namespace"), metadata_text(other, "name")))
}
