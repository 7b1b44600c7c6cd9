//! A ScaledObject of KEDA.

use kube::core::DynamicObject;
use serde_json::Value;

use crate::model::observation::{ObjectCondition, ScaledObjectSnapshot};

/// Reduces a ScaledObject. KEDA sets no transition times; one that another version sets is left out, since the observation has its
/// time.
#[must_use]
pub(crate) fn snapshot_scaled_object(object: &DynamicObject) -> ScaledObjectSnapshot {
    let conditions = object.data["status"]["conditions"].as_array();
    ScaledObjectSnapshot {
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        conditions: conditions.into_iter().flatten().map(read_condition).collect(),
    }
}

fn read_condition(condition: &Value) -> ObjectCondition {
    let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
    ObjectCondition {
        kind: text("type"),
        status: text("status"),
        reason: text("reason"),
        message: text("message"),
        last_transition_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn snapshot(fallback: &str) -> ScaledObjectSnapshot {
        let object = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "llm", "namespace": "ai", "uid": "u1"}, "spec": {"triggers": []},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Fallback", "status": fallback,
                "reason": "FallbackExists", "message": "At least one trigger is falling back on this scaled object"}]}});
        snapshot_scaled_object(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn conditions_are_kept_and_tell_a_fallback() {
        let active = snapshot("True");
        let of_conditions: Vec<_> = active.conditions.iter().map(|one| (&*one.kind, &*one.reason)).collect();
        assert_eq!(of_conditions, [("Ready", ""), ("Fallback", "FallbackExists")]);
        assert_eq!((&*active.name, &*active.uid, active.is_falling_back()), ("llm", "u1", true));
        assert!(!snapshot("False").is_falling_back() && !snapshot("Unknown").is_falling_back());
        assert!(!ScaledObjectSnapshot::default().is_falling_back());
    }
}
