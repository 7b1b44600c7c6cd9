//! The HPA as the checks read it.

use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, MetricStatus, MetricValueStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::digest::digest;
use crate::record::observation::{Condition, HpaMetric, HpaSeen};
use crate::units::Milli;

/// Reduces an HPA.
pub(super) fn seen(hpa: &HorizontalPodAutoscaler) -> HpaSeen {
    let meta = &hpa.metadata;
    let status = hpa.status.clone().unwrap_or_default();
    HpaSeen {
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        created: meta.creation_timestamp.as_ref().map(|time| time.0),
        generation: meta.generation,
        observed_generation: status.observed_generation,
        spec_digest: digest(&hpa.spec),
        min: hpa.spec.min_replicas.unwrap_or(1),
        max: hpa.spec.max_replicas,
        current: status.current_replicas,
        desired: status.desired_replicas,
        last_scale: status.last_scale_time.map(|time| time.0),
        conditions: status.conditions.into_iter().flatten().map(condition).collect(),
        metrics: status.current_metrics.into_iter().flatten().map(metric).collect(),
    }
}

fn condition(condition: HorizontalPodAutoscalerCondition) -> Condition {
    Condition {
        kind: condition.type_,
        status: condition.status,
        reason: condition.reason.unwrap_or_default(),
        message: condition.message.unwrap_or_default(),
        since: condition.last_transition_time.map(|time| time.0),
    }
}

/// An entry of currentMetrics; a metric that failed leaves an empty one at its index.
fn metric(entry: MetricStatus) -> HpaMetric {
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
    HpaMetric { kind: entry.type_, name, value: milli(current.value), average: milli(current.average_value) }
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
            seen(&served()),
            HpaSeen {
                name: "ollama".into(),
                uid: "u1".into(),
                created: time("2026-08-22T10:00:00Z"),
                generation: Some(2),
                observed_generation: Some(2),
                spec_digest: digest(&served().spec),
                min: 2,
                max: 3,
                current: Some(2),
                desired: 3,
                last_scale: time("2026-08-22T10:05:00Z"),
                conditions: vec![Condition {
                    kind: "AbleToScale".into(),
                    status: "True".into(),
                    reason: "SucceededRescale".into(),
                    message: "the HPA controller was able to update the target scale to 3".into(),
                    since: time("2026-08-22T10:00:15Z"),
                }],
                metrics: vec![
                    HpaMetric { kind: "Pods".into(), name: "gpu".into(), value: None, average: Some(Milli(98_500)) },
                    HpaMetric::default(),
                    HpaMetric {
                        kind: "Object".into(),
                        name: "q".into(),
                        value: Some(Milli(5000)),
                        // What 1.37.2 shows at zero replicas (kubernetes#140956).
                        average: Some(Milli(i64::MIN)),
                    },
                ],
            }
        );
    }

    #[test]
    fn an_edited_spec_has_another_digest_and_a_new_status_has_not() {
        let mut hpa = served();
        let before = seen(&hpa).spec_digest;
        hpa.status = None;
        assert_eq!(seen(&hpa).spec_digest, before);
        hpa.spec.max_replicas = 4;
        assert_ne!(seen(&hpa).spec_digest, before);
    }

    #[test]
    fn a_new_hpa_has_no_status_and_min_one() {
        let mut hpa = served();
        hpa.status = None;
        hpa.spec.min_replicas = None;
        let seen = seen(&hpa);
        assert_eq!((seen.min, seen.current, seen.desired, seen.conditions.len()), (1, None, 0, 0));
    }
}
