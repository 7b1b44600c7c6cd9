//! KEDA's operator, reduced to what a run can observe of it: it makes an HPA of each ScaledObject, creates it again when it is
//! deleted, and lets a ScaledObject go (kedacore/keda v2.21.0, controllers/keda/scaledobject_controller.go, hpa.go). Its scale loop
//! records events of a failing trigger and of the fallback (pkg/scaling/scale_handler.go, `checkScalers`): of the fallback only
//! where a round of the loop itself finds the change, which the metrics server often finds first. Below minReplicaCount 1 it would
//! write sizes itself; the simulator refuses that.

use serde_json::{Value, json};

use super::context::ControllerContext;
use super::event;
use super::work_queue::WorkKind;
use crate::hpa;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster};
use crate::sim::objects::keda::{FIELD_MANAGER, FINALIZER, OPERATOR};
use crate::sim::objects::kinds::{DEPLOYMENT, HPA, STATEFUL_SET};
use crate::sim::objects::{condition, owner, state};
use crate::sim::pipeline::ScalerCheck;
use crate::units::HumanDuration;

const VERSION: &str = "2.21.0";
/// Interval of its attempts while the target is missing, or while it hangs.
const RETRY_INTERVAL: HumanDuration = HumanDuration::from_secs(1);
/// Interval of its scale loop, unless the ScaledObject states `pollingInterval`, seconds.
const POLLING_INTERVAL_S: u64 = 30;

/// What the operator knows of its scalers.
pub(super) struct ScalerAccess {
    /// Whether the operator hangs.
    pub(super) is_away: Box<dyn Fn() -> bool + Send>,
    pub(super) check: Box<ScalerCheckFn>,
}

/// A round of the scale loop for a ScaledObject; true where its HPA asks for the metric.
type ScalerCheckFn = dyn Fn(&Value, bool) -> Option<ScalerCheck> + Send;

/// Reconciles a ScaledObject.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str, is_away: bool) {
    let Some(object) = context.cluster.get(&SCALED_OBJECT, namespace, name) else { return };
    let target = &object["spec"]["scaleTargetRef"];
    let kind = if target["kind"] == STATEFUL_SET.kind { STATEFUL_SET } else { DEPLOYMENT };
    let has_target = context.cluster.get(&kind, namespace, target["name"].as_str().unwrap_or_default()).is_some();
    if is_away || (!has_target && !state::is_deleting(&object)) {
        context.enqueue_after(WorkKind::ScaledObject, namespace, name, RETRY_INTERVAL);
    } else if state::is_deleting(&object) {
        finalize(context, &object, namespace, name);
    } else {
        reconcile(&context.cluster, namespace, name);
        if !context.is_queued(WorkKind::ScaleLoop, namespace, name) {
            context.enqueue_after(WorkKind::ScaleLoop, namespace, name, HumanDuration::default());
        }
    }
}

/// A round of the scale loop of a ScaledObject.
pub(super) fn check_scaler(context: &mut ControllerContext, namespace: &str, name: &str, scalers: &ScalerAccess) {
    let Some(object) = context.cluster.get(&SCALED_OBJECT, namespace, name).filter(|one| !state::is_deleting(one))
    else {
        return;
    };
    let hpa = context.cluster.get(&HPA, namespace, &hpa::scaled_object_hpa_name(name));
    let is_hpa_active = hpa.is_some_and(|hpa| condition::is_condition_true(&hpa, "ScalingActive"));
    let check = if (scalers.is_away)() { None } else { (scalers.check)(&object, is_hpa_active) };
    if let Some(ScalerCheck { was_fallback, is_fallback, error }) = check {
        let record = |kind, reason, message: &str| {
            event::record(&context.cluster, OPERATOR, &object, (kind, reason), message);
        };
        if let Some(error) = error {
            record("Warning", "KEDAScalerFailed", &error);
        }
        match (was_fallback, is_fallback) {
            (false, true) => {
                record("Normal", "ScaledObjectFallbackActivated", "ScaledObject fallback is active");
            }
            (true, false) => {
                record("Normal", "ScaledObjectFallbackDeactivated", "ScaledObject fallback is no longer active");
            }
            _ => {}
        }
    }
    let seconds = object["spec"]["pollingInterval"].as_u64().unwrap_or(POLLING_INTERVAL_S);
    context.enqueue_after(WorkKind::ScaleLoop, namespace, name, HumanDuration::from_secs(seconds.max(1)));
}

/// Writes finalizer and label of a ScaledObject, its HPA, and its status.
pub(super) fn reconcile(cluster: &SimCluster, namespace: &str, name: &str) {
    // The error is NotFound: the object is deleted.
    let Ok(object) = cluster.update(FieldManager::update(FIELD_MANAGER), &SCALED_OBJECT, namespace, name, |object| {
        object["metadata"]["finalizers"] = json!([FINALIZER]);
        object["metadata"]["labels"][hpa::SCALED_OBJECT_LABEL] = json!(name);
    }) else {
        return;
    };
    let hpa_name = hpa::scaled_object_hpa_name(name);
    let ready = create_hpa(cluster, &object, namespace, name);
    let now = cluster.now();
    let manager = FieldManager::update_status(FIELD_MANAGER);
    // The error is NotFound: the object is deleted.
    let _ = cluster.update(manager, &SCALED_OBJECT, namespace, name, |object| {
        let status = &mut object["status"];
        status["hpaName"] = json!(hpa_name);
        status["externalMetricNames"] = json!([hpa::SCALED_OBJECT_METRIC]);
        let (is_ready, reason, message) = match &ready {
            Ok(()) => {
                ("True", "ScaledObjectReady", "ScaledObject is defined correctly and is ready for scaling".to_owned())
            }
            Err(error) => ("False", "ScaledObjectCheckFailed", error.clone()),
        };
        condition::set(status, &now, "Ready", is_ready, reason, &message);
    });
}

/// Creates the HPA of a ScaledObject, unless it exists.
fn create_hpa(cluster: &SimCluster, object: &Value, namespace: &str, name: &str) -> Result<(), String> {
    let hpa_name = hpa::scaled_object_hpa_name(name);
    if cluster.get(&HPA, namespace, &hpa_name).is_some() {
        return Ok(());
    }
    let empty = serde_json::Map::new();
    let spec = hpa::scaled_object_hpa_spec(object["spec"].as_object().unwrap_or(&empty), name);
    let spec = spec.map_err(|problem| format!("{} {}", problem.field, problem.message))?;
    let mut labels = object["metadata"]["labels"].clone();
    labels["app.kubernetes.io/name"] = json!(hpa_name);
    labels["app.kubernetes.io/version"] = json!(VERSION);
    labels["app.kubernetes.io/part-of"] = json!(name);
    labels["app.kubernetes.io/managed-by"] = json!(OPERATOR);
    let metadata = json!({"name": hpa_name, "namespace": namespace, "labels": labels,
        "ownerReferences": [owner::owner_reference(object)]});
    let served = api::find_by_kind(&HPA.api_version(), HPA.kind);
    let served = served.ok_or_else(|| "the cluster serves no HPAs".to_owned())?;
    let hpa = json!({"metadata": metadata, "spec": spec});
    let created = api::create_object(cluster, FieldManager::update(FIELD_MANAGER), served, hpa, false);
    created.map(drop).map_err(|error| error.message)
}

/// Removes its finalizer; without another one the object is gone.
fn finalize(context: &ControllerContext, object: &Value, namespace: &str, name: &str) {
    let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.retain(|one| one != FINALIZER);
    if finalizers.is_empty() {
        context.cluster.remove(&SCALED_OBJECT, namespace, name);
        return;
    }
    // The error is NotFound: the object is deleted.
    let _ = context.cluster.update(FieldManager::update(FIELD_MANAGER), &SCALED_OBJECT, namespace, name, |object| {
        object["metadata"]["finalizers"] = json!(finalizers);
    });
}
