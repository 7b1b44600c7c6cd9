//! The health of a scaler of KEDA, and its fallback (kedacore/keda v2.21.0, pkg/fallback/fallback.go).

use serde_json::Value;

/// The state of a ScaledObject's scaler.
#[derive(Clone, Debug, Default)]
pub(super) struct ScalerHealth {
    /// Failed queries in a row.
    failures: u64,
    /// The condition Fallback of the ScaledObject.
    pub(super) is_fallback: bool,
    /// The last observation of the metrics server.
    pub(super) observed: Option<ScalerObservation>,
}

/// What an observation of a scaler gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ScalerObservation {
    /// The value of the query.
    Value(f64),
    /// The number that the fallback has in its place.
    Fallback(f64),
    /// Neither; the error of the query.
    Failed(String),
}

impl ScalerHealth {
    /// Records a query's value or error: after more errors in a row than its threshold the ScaledObject falls back, with
    /// `current_replicas` as the size of its target.
    pub(super) fn record(
        &mut self,
        result: Result<f64, String>,
        spec: &Value,
        current_replicas: f64,
    ) -> ScalerObservation {
        let fallback = &spec["fallback"];
        self.failures = if result.is_ok() { 0 } else { self.failures + 1 };
        let threshold = fallback["failureThreshold"].as_u64();
        self.is_fallback = threshold.is_some_and(|threshold| self.failures > threshold);
        let stated = fallback["replicas"].as_f64().filter(|_| self.is_fallback);
        let replicas = stated.map(|replicas| match fallback["behavior"].as_str() {
            Some("currentReplicas") => current_replicas,
            Some("currentReplicasIfHigher") => replicas.max(current_replicas),
            Some("currentReplicasIfLower") => replicas.min(current_replicas),
            _ => replicas,
        });
        let target = spec["triggers"][0]["metadata"]["threshold"].as_str().and_then(|text| text.parse::<f64>().ok());
        match (result, replicas.zip(target)) {
            (Ok(value), _) => ScalerObservation::Value(value),
            (Err(_), Some((replicas, target))) => ScalerObservation::Fallback(replicas * target),
            (Err(error), None) => ScalerObservation::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fallback_begins_after_more_failures_than_its_threshold_and_ends_with_a_value() {
        let spec = json!({"fallback": {"failureThreshold": 1, "replicas": 3}, "triggers": [{"metadata": {"threshold": "30"}}]});
        let mut health = ScalerHealth::default();
        let failed = || Err("no store".to_owned());
        assert_eq!(health.record(failed(), &spec, 1.0), ScalerObservation::Failed("no store".to_owned()));
        assert_eq!(health.record(failed(), &spec, 1.0), ScalerObservation::Fallback(90.0));
        assert!(health.is_fallback);
        assert_eq!(health.record(Ok(7.0), &spec, 1.0), ScalerObservation::Value(7.0));
        assert!(!health.is_fallback);
        let without = json!({"triggers": [{"metadata": {"threshold": "30"}}]});
        for _ in 0..9 {
            assert_eq!(health.record(failed(), &without, 1.0), ScalerObservation::Failed("no store".to_owned()));
        }
    }

    #[test]
    fn the_number_of_a_fallback_depends_on_its_behavior() {
        let number = |behavior: &str, current: f64| {
            let spec = json!({"fallback": {"failureThreshold": 0, "replicas": 2, "behavior": behavior},
                "triggers": [{"metadata": {"threshold": "30"}}]});
            ScalerHealth::default().record(Err("no store".to_owned()), &spec, current)
        };
        let expected = [
            ("static", 60.0, 60.0),
            ("currentReplicas", 30.0, 90.0),
            ("currentReplicasIfHigher", 60.0, 90.0),
            ("currentReplicasIfLower", 30.0, 60.0),
        ];
        for (behavior, at_1, at_3) in expected {
            let numbers = (number(behavior, 1.0), number(behavior, 3.0));
            assert_eq!(numbers, (ScalerObservation::Fallback(at_1), ScalerObservation::Fallback(at_3)), "{behavior}");
        }
    }
}
