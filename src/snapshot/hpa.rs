//! Reduces an HPA to what the checks read.

use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, MetricStatus, MetricValueStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::digest::digest;
use crate::model::observation::{HpaMetricStatus, HpaSnapshot, ObjectCondition};
use crate::units::Milli;

/// Reduces an HPA.
#[must_use]
pub(crate) fn snapshot_hpa(hpa: &HorizontalPodAutoscaler) -> HpaSnapshot {
    let meta = &hpa.metadata;
    let status = hpa.status.clone().unwrap_or_default();
    HpaSnapshot {
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        created: meta.creation_timestamp.as_ref().map(|time| time.0),
        generation: meta.generation,
        observed_generation: status.observed_generation,
        spec_digest: digest(&hpa.spec),
        spec: Some(Box::new(hpa.spec.clone())),
        min_replicas: hpa.spec.min_replicas.unwrap_or(1),
        max_replicas: hpa.spec.max_replicas,
        current_replicas: status.current_replicas,
        desired_replicas: status.desired_replicas,
        last_scale_time: status.last_scale_time.map(|time| time.0),
        conditions: status.conditions.into_iter().flatten().map(condition).collect(),
        current_metrics: status.current_metrics.into_iter().flatten().map(current_metric).collect(),
    }
}

fn condition(condition: HorizontalPodAutoscalerCondition) -> ObjectCondition {
    ObjectCondition {
        kind: condition.type_,
        status: condition.status,
        reason: condition.reason.unwrap_or_default(),
        message: condition.message.unwrap_or_default(),
        last_transition_time: condition.last_transition_time.map(|time| time.0),
    }
}

/// An entry of currentMetrics; a metric that failed leaves an empty one at its index.
fn current_metric(entry: MetricStatus) -> HpaMetricStatus {
    let (name, current) = if let Some(pods) = entry.pods {
        (pods.metric.name, pods.current)
    } else if let Some(object) = entry.object {
        (object.metric.name, object.current)
    } else if let Some(external) = entry.external {
        (external.metric.name, external.current)
    } else if let Some(resource) = entry.resource {
        (resource.name, resource.current)
    } else if let Some(resource) = entry.container_resource {
        (resource.name, resource.current)
    } else {
        (String::new(), MetricValueStatus::default())
    };
    let milli = |quantity: Option<Quantity>| quantity.and_then(|quantity| quantity.0.parse::<Milli>().ok());
    HpaMetricStatus {
        kind: entry.type_,
        name,
        value: milli(current.value),
        average_value: milli(current.average_value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn served() -> HorizontalPodAutoscaler {
        serde_json::from_value(json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "ollama", "namespace": "ai", "uid": "u1", "generation": 2,
                "creationTimestamp": "2026-08-22T10:00:00Z", "resourceVersion": "17"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ollama"},
                "minReplicas": 2, "maxReplicas": 3,
                "metrics": [{"type": "Pods", "pods": {"metric": {"name": "gpu"},
                    "target": {"type": "AverageValue", "averageValue": "70"}}}]},
            "status": {"observedGeneration": 2, "currentReplicas": 2, "desiredReplicas": 3,
                "lastScaleTime": "2026-08-22T10:05:00Z",
                "conditions": [{"type": "AbleToScale", "status": "True", "reason": "SucceededRescale",
                    "message": "the HPA controller was able to update the target scale to 3",
                    "lastTransitionTime": "2026-08-22T10:00:15Z"}],
                "currentMetrics": [
                    {"type": "Pods", "pods": {"metric": {"name": "gpu"}, "current": {"averageValue": "98500m"}}},
                    {"type": ""},
                    {"type": "Object", "object": {"metric": {"name": "q"}, "describedObject":
                        {"kind": "Namespace", "name": "ai"}, "current":
                        {"value": "5", "averageValue": "-9223372036854775808m"}}}]}
        }))
        .unwrap()
    }

    #[test]
    fn spec_and_status_are_kept_with_their_times() {
        let time = |text: &str| text.parse().ok();
        assert_eq!(
            snapshot_hpa(&served()),
            HpaSnapshot {
                name: "ollama".into(),
                uid: "u1".into(),
                created: time("2026-08-22T10:00:00Z"),
                generation: Some(2),
                observed_generation: Some(2),
                spec_digest: digest(&served().spec),
                spec: Some(Box::new(served().spec)),
                min_replicas: 2,
                max_replicas: 3,
                current_replicas: Some(2),
                desired_replicas: 3,
                last_scale_time: time("2026-08-22T10:05:00Z"),
                conditions: vec![ObjectCondition {
                    kind: "AbleToScale".into(),
                    status: "True".into(),
                    reason: "SucceededRescale".into(),
                    message: "the HPA controller was able to update the target scale to 3".into(),
                    last_transition_time: time("2026-08-22T10:00:15Z"),
                }],
                current_metrics: vec![
                    HpaMetricStatus {
                        kind: "Pods".into(),
                        name: "gpu".into(),
                        value: None,
                        average_value: Some(Milli(98_500))
                    },
                    HpaMetricStatus::default(),
                    HpaMetricStatus {
                        kind: "Object".into(),
                        name: "q".into(),
                        value: Some(Milli(5000)),
                        // What Kubernetes 1.37.2 shows at zero replicas (kubernetes#140956).
                        average_value: Some(Milli(i64::MIN)),
                    },
                ],
            }
        );
    }

    #[test]
    fn a_changed_spec_changes_the_digest_and_a_new_status_does_not() {
        let mut hpa = served();
        let before = snapshot_hpa(&hpa).spec_digest;
        hpa.status = None;
        assert_eq!(snapshot_hpa(&hpa).spec_digest, before);
        hpa.spec.max_replicas = 4;
        assert_ne!(snapshot_hpa(&hpa).spec_digest, before);
    }

    #[test]
    fn a_new_hpa_has_no_status_and_min_one() {
        let mut hpa = served();
        hpa.status = None;
        hpa.spec.min_replicas = None;
        let snapshot = snapshot_hpa(&hpa);
        assert_eq!(
            (snapshot.min_replicas, snapshot.current_replicas, snapshot.desired_replicas, snapshot.conditions.len()),
            (1, None, 0, 0)
        );
    }
}
