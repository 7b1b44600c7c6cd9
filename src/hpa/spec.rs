//! Conversions from an autoscaling/v2 spec and pod snapshots to the inputs of the HPA model.

use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{
    Behavior, GivenRules, LogSlot, PodPhase, PodState, PolicyType, ScaleEvents, ScalingPolicy, SelectPolicy, Tolerance,
    rate_limit_down, rate_limit_up,
};
use crate::model::metric_under_test::StatedTolerance;
use crate::model::observation::PodSnapshot;
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// `spec.behavior` with the API server's defaults; `None` if it is not set and the legacy algorithm applies.
#[must_use]
pub(crate) fn behavior_from_spec(spec: &HorizontalPodAutoscalerSpec) -> Option<Behavior> {
    let behavior = spec.behavior.as_ref()?;
    let given = |rules: &Option<HPAScalingRules>| rules.as_ref().map(given_rules);
    Some(Behavior::defaulted(given(&behavior.scale_up), given(&behavior.scale_down)))
}

/// The tolerance that `spec.behavior` states.
pub(super) fn stated_tolerance(spec: &HorizontalPodAutoscalerSpec) -> StatedTolerance {
    let side = |rules: Option<&HPAScalingRules>| milli(rules?.tolerance.as_ref()).map(Milli);
    let behavior = spec.behavior.as_ref();
    StatedTolerance {
        up: side(behavior.and_then(|b| b.scale_up.as_ref())),
        down: side(behavior.and_then(|b| b.scale_down.as_ref())),
    }
}

/// The state of a pod that the HPA model reads.
#[must_use]
pub(crate) fn pod_state_from_snapshot(pod: &PodSnapshot) -> PodState {
    let phase = match pod.phase.as_str() {
        "Running" => PodPhase::Running,
        "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        "Unknown" => PodPhase::Unknown,
        _ => PodPhase::Pending,
    };
    PodState { name: pod.name.clone(), phase, ready: pod.ready, deleting: pod.deleting }
}

fn given_rules(rules: &HPAScalingRules) -> GivenRules {
    let policies = rules.policies.as_ref().map(|policies| {
        let convert = |policy: &k8s_openapi::api::autoscaling::v2::HPAScalingPolicy| ScalingPolicy {
            kind: if policy.type_ == "Percent" { PolicyType::Percent } else { PolicyType::Pods },
            value: policy.value,
            period_seconds: policy.period_seconds,
        };
        policies.iter().map(convert).collect()
    });
    GivenRules {
        stabilization_window_seconds: rules.stabilization_window_seconds,
        select_policy: rules.select_policy.as_deref().map(|policy| match policy {
            "Min" => SelectPolicy::Min,
            "Disabled" => SelectPolicy::Disabled,
            _ => SelectPolicy::Max,
        }),
        policies,
        tolerance: milli(rules.tolerance.as_ref()).map(Tolerance::side_from_milli),
    }
}

pub(super) fn milli(quantity: Option<&Quantity>) -> Option<i64> {
    quantity?.0.parse::<Milli>().ok().map(|milli| milli.0)
}

/// The times that `spec.behavior` of an HPA sets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BehaviorTimes {
    /// `scaleDown.stabilizationWindowSeconds`, milliseconds; `None` if it is not set.
    pub(crate) down_window_ms: Option<u64>,
    /// `scaleUp.stabilizationWindowSeconds`, milliseconds.
    pub(crate) up_window_ms: u64,
    /// Time that the scaling policies need from minReplicas up to the expected replicas, milliseconds.
    pub(crate) up_rate_ms: u64,
    /// Time that the scaling policies need from maxReplicas down to minReplicas, milliseconds.
    pub(crate) down_rate_ms: u64,
}

/// The longest `periodSeconds` of the policies in `spec.behavior`, milliseconds: for so long a change of size counts against
/// later ones. 0 without a behavior, where no change does.
#[must_use]
pub(crate) fn longest_policy_period_ms(spec: &HorizontalPodAutoscalerSpec) -> u64 {
    let behavior = behavior_from_spec(spec);
    let rules = behavior.iter().flat_map(|behavior| [&behavior.scale_up, &behavior.scale_down]);
    let seconds = rules.flat_map(|rules| &rules.policies).map(|policy| policy.period_seconds).max();
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0) * 1000
}

/// The times that a scenario's `spec.behavior` sets.
#[must_use]
pub(crate) fn behavior_times(scenario: &Scenario) -> BehaviorTimes {
    let spec = &scenario.hpa.spec;
    let behavior = behavior_from_spec(spec);
    let window_ms = |rules: fn(&Behavior) -> &super::ScalingRules| {
        let seconds = rules(behavior.as_ref()?).stabilization_window_seconds?;
        Some(u64::try_from(seconds).unwrap_or(0) * 1000)
    };
    let expect = scenario.expect.replicas.unwrap_or(spec.min_replicas.unwrap_or(1) + 1);
    let (up, down) = rate_delay(spec, expect, scenario.assumptions.sync_period.to_std());
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    BehaviorTimes {
        down_window_ms: window_ms(|behavior| &behavior.scale_down),
        // The legacy algorithm has no scale-up stabilization.
        up_window_ms: window_ms(|behavior| &behavior.scale_up).unwrap_or(0),
        up_rate_ms: ms(up),
        down_rate_ms: ms(down),
    }
}

/// The shortest time that the rate limits allow from minReplicas up to `expect`, and from maxReplicas down to
/// minReplicas, with one pass per `sync`. At most an hour, which is longer than any run.
fn rate_delay(spec: &HorizontalPodAutoscalerSpec, expect: i32, sync: Duration) -> (Duration, Duration) {
    let min = spec.min_replicas.unwrap_or(1);
    let Some(behavior) = behavior_from_spec(spec) else {
        let up = scaling_time(min, expect, sync, |replicas, _| super::legacy_rate_limit(replicas));
        return (up, Duration::ZERO);
    };
    let events = |log: &[LogSlot], up: bool| {
        let (ups, downs) = if up { (log.to_vec(), Vec::new()) } else { (Vec::new(), log.to_vec()) };
        ScaleEvents { ups, downs }
    };
    let up = scaling_time(min, expect, sync, |replicas, log| {
        rate_limit_up(replicas, &behavior.scale_up, &events(log, true))
    });
    let down = scaling_time(spec.max_replicas, min, sync, |replicas, log| {
        rate_limit_down(replicas, &behavior.scale_down, &events(log, false))
    });
    (up, down)
}

/// Time from the first pass until `goal`, when each pass scales as far as `limit` allows.
fn scaling_time(start: i32, goal: i32, sync: Duration, limit: impl Fn(i32, &[LogSlot]) -> i32) -> Duration {
    const MAX_TIME: Duration = Duration::from_secs(3600);
    let sync = sync.max(Duration::from_secs(1));
    let (mut replicas, mut elapsed, mut log) = (start, Duration::ZERO, Vec::<LogSlot>::new());
    while replicas != goal && elapsed < MAX_TIME {
        let limit = limit(replicas, &log);
        let next = if goal > start { limit.clamp(replicas, goal) } else { limit.clamp(goal, replicas) };
        if next != replicas {
            log.push(LogSlot { age: Duration::ZERO, count: (next - replicas).abs() });
            replicas = next;
        }
        if replicas != goal {
            elapsed += sync;
            log.iter_mut().for_each(|event| event.age += sync);
        }
    }
    elapsed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> HorizontalPodAutoscalerSpec {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn one_pod_a_minute_delays_a_scale_up_by_four_by_three_minutes() {
        let spec = spec(
            r#"{"scaleTargetRef":{"kind":"Deployment","name":"x"},"minReplicas":1,"maxReplicas":5,"behavior":
               {"scaleUp":{"policies":[{"type":"Pods","value":1,"periodSeconds":60}]}}}"#,
        );
        let (up, down) = rate_delay(&spec, 5, Duration::from_secs(15));
        assert_eq!((up.as_secs(), down.as_secs()), (180, 0));
    }

    #[test]
    fn the_legacy_limit_lets_one_become_four_at_once() {
        let spec = spec(r#"{"scaleTargetRef":{"kind":"Deployment","name":"x"},"maxReplicas":9}"#);
        assert_eq!(rate_delay(&spec, 4, Duration::from_secs(15)).0.as_secs(), 0);
        assert_eq!(rate_delay(&spec, 9, Duration::from_secs(15)).0.as_secs(), 30);
    }
}
