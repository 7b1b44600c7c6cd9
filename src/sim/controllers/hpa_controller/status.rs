//! Writes the HPA's status.

use serde_json::{Value, json};

use crate::hpa::{ReconcileInput, ReconcileOutput, ReportedValue};
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::controllers::context::{CONTROLLER_MANAGER, ControllerContext};
use crate::sim::controllers::event;
use crate::sim::objects::condition;
use crate::sim::objects::kinds::HPA;
use crate::units::Milli;

/// Writes the status of a pass.
pub(super) fn write_status(context: &ControllerContext, hpa: &Value, input: &ReconcileInput, out: &ReconcileOutput) {
    let now = context.cluster.now();
    let current: Vec<_> =
        out.status.current_metrics.iter().enumerate().map(|(n, one)| current_metric(hpa, n, one)).collect();
    update_status(context, hpa, |status, generation| {
        status["currentReplicas"] = json!(out.status.current_replicas);
        status["desiredReplicas"] = json!(out.status.desired_replicas);
        status["currentMetrics"] = if current.is_empty() { Value::Null } else { json!(current) };
        if input.scale.is_ok() {
            status["observedGeneration"] = generation;
        }
        if out.scale_written.is_some() {
            status["lastScaleTime"] = json!(now);
        }
        for one in &out.status.conditions {
            let (kind, condition_status) = (format!("{:?}", one.kind), format!("{:?}", one.status));
            condition::set(status, &now, &kind, &condition_status, &one.reason, &one.message);
        }
    });
}

/// Reports in condition and event that the simulator does not support the HPA.
pub(super) fn write_not_simulated(context: &ControllerContext, hpa: &Value, message: &str) {
    let now = context.cluster.now();
    update_status(context, hpa, |status, _| {
        condition::set(status, &now, "ScalingActive", "False", "NotSimulated", message);
    });
    event::record(&context.cluster, "horizontal-pod-autoscaler", hpa, ("Warning", "NotSimulated"), message);
}

fn update_status(context: &ControllerContext, hpa: &Value, edit: impl FnOnce(&mut Value, Value)) {
    let (namespace, name) = (metadata_text(hpa, "namespace"), metadata_text(hpa, "name"));
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(FieldManager::update_status(CONTROLLER_MANAGER), &HPA, &namespace, &name, |hpa| {
        let generation = hpa["metadata"]["generation"].clone();
        edit(&mut hpa["status"], generation);
    });
}

/// An entry of currentMetrics; empty for a metric that failed.
fn current_metric(hpa: &Value, number: usize, current: &Option<crate::hpa::CurrentMetric>) -> Value {
    let Some(current) = current else { return json!({"type": ""}) };
    let spec = &hpa["spec"]["metrics"][number];
    let kind = format!("{:?}", current.kind);
    let field = kind.to_lowercase();
    let value = match current.reported {
        ReportedValue::Value(milli) => json!({"value": format_quantity(milli)}),
        ReportedValue::AverageValue(milli) => json!({"averageValue": format_quantity(milli)}),
    };
    let mut entry = json!({"metric": spec[&field]["metric"], "current": value});
    if !spec[&field]["describedObject"].is_null() {
        entry["describedObject"] = spec[&field]["describedObject"].clone();
    }
    let mut metric_status = json!({"type": kind});
    metric_status[field] = entry;
    metric_status
}

/// Formats thousandths as a Kubernetes quantity.
fn format_quantity(milli: i64) -> String {
    if milli % 1000 == 0 { Milli(milli).to_string() } else { format!("{milli}m") }
}
