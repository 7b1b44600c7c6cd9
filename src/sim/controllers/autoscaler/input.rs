//! What a pass reads.

use std::sync::Arc;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::{Memory, metrics, target};
use crate::hpa::{
    ControllerFlags, HpaNames, HpaSpec, PodPhase, PodSelector, PodState, ReconcileInput, Scale, behavior_of,
};
use crate::metrics::selector;
use crate::sim::cluster::{Refusal, text};
use crate::sim::controllers::kinds::{HPA, POD};
use crate::sim::controllers::manager::Manager;
use crate::sim::controllers::{condition, labels, pods};

/// All that a pass reads, or why the simulation does not know this HPA.
pub(super) fn of(manager: &Manager, hpa: &Value, memory: &Memory) -> Result<ReconcileInput, String> {
    let spec: HorizontalPodAutoscalerSpec =
        serde_json::from_value(hpa["spec"].clone()).map_err(|why| format!("its spec cannot be read: {why}"))?;
    let namespace = text(hpa, "namespace");
    let setting = &manager.setting.autoscaler;
    let of = &spec.scale_target_ref;
    let found = scaled(manager, hpa).ok_or_else(|| not_found(&of.kind, &of.name));
    let matching = found.as_ref().map(|found| selected(manager, &namespace, found)).unwrap_or_default();
    let scale = found.as_ref().map(|found| scale(found)).map_err(Clone::clone);
    let pods = match &scale {
        Ok(Scale { selector: PodSelector::Parsed(selector), .. }) => selector.as_str(),
        _ => "",
    };
    let metrics = metrics::read(manager, &spec, &namespace, pods)?;
    Ok(ReconcileInput {
        names: HpaNames {
            namespace: namespace.clone(),
            hpa: text(hpa, "name"),
            target_kind: of.kind.clone(),
            target_name: of.name.clone(),
        },
        spec: HpaSpec {
            min_replicas: spec.min_replicas,
            max_replicas: spec.max_replicas,
            behavior: behavior_of(&spec),
            metrics,
        },
        status: memory.status.clone(),
        flags: ControllerFlags {
            tolerance: setting.tolerance,
            downscale_stabilization: setting.downscale_stabilization.duration(),
        },
        competing_hpa: rival(manager, hpa, &matching),
        pods: matching.iter().map(|pod| state(pod)).collect(),
        scale,
        put_failures: Vec::new(),
        logs: memory.logs.clone(),
    })
}

fn not_found(kind: &str, name: &str) -> String {
    match kind {
        "Deployment" => format!("deployments.apps \"{name}\" not found"),
        "StatefulSet" => format!("statefulsets.apps \"{name}\" not found"),
        other => {
            Refusal::new(501, "NotSimulated", format!("the simulated platform does not know a scale of {other}"))
                .message
        }
    }
}

fn scaled(manager: &Manager, hpa: &Value) -> Option<Arc<Value>> {
    let (kind, name) = target(hpa)?;
    manager.cluster.get(&kind, &text(hpa, "namespace"), &name)
}

fn scale(target: &Value) -> Scale {
    let number = |value: &Value, default: i32| value.as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(default);
    let selector = serde_json::from_value::<LabelSelector>(target["spec"]["selector"].clone());
    let selector = selector.map(|selector| selector::text(&selector)).unwrap_or_default();
    Scale {
        spec_replicas: number(&target["spec"]["replicas"], 1),
        status_replicas: number(&target["status"]["replicas"], 0),
        selector: if selector.is_empty() { PodSelector::Missing } else { PodSelector::Parsed(selector) },
    }
}

fn selected(manager: &Manager, namespace: &str, target: &Value) -> Vec<Arc<Value>> {
    let mut all = manager.cluster.list(&POD, Some(namespace));
    all.retain(|pod| labels::matches(&target["spec"]["selector"], pod));
    all
}

fn state(pod: &Value) -> PodState {
    let phase = match pod["status"]["phase"].as_str() {
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some("Unknown") => PodPhase::Unknown,
        _ => PodPhase::Pending,
    };
    let (ready, deleting) = (condition::holds(pod, "Ready"), pods::is_deleting(pod));
    PodState { name: text(pod, "name"), phase, ready, deleting }
}

/// Another HPA of the namespace whose target selects one of these pods.
fn rival(manager: &Manager, hpa: &Value, pods: &[Arc<Value>]) -> Option<String> {
    let others = manager.cluster.list(&HPA, Some(&text(hpa, "namespace")));
    let shares = |other: &&Arc<Value>| {
        other["metadata"]["uid"] != hpa["metadata"]["uid"]
            && scaled(manager, other)
                .is_some_and(|target| pods.iter().any(|pod| labels::matches(&target["spec"]["selector"], pod)))
    };
    others.iter().find(shares).map(|other| format!("{}/{}", text(other, "namespace"), text(other, "name")))
}
