//! From an autoscaling/v2 spec, and readings of its metric, to what the arithmetic takes.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{
    Behavior, DescribedObjectRef, ExternalMetric, GivenRules, LogSlot, MetricInput, MetricTargetSpec, ObjectMetric,
    PodPhase, PodState, PodsMetric, PolicyType, ScaleEvents, ScalingPolicy, SelectPolicy, TargetType, Tolerance,
    rate_limit_down, rate_limit_up,
};
use crate::model::observation::PodSnapshot;
use crate::model::plan::BehaviorTimes;
use crate::model::reading::MetricSample;
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// The metric of a spec with what the metrics API served for it. `None` when the spec holds no usable metric, which a
/// checked scenario never does.
#[must_use]
pub fn metric_from_spec(
    spec: &HorizontalPodAutoscalerSpec,
    namespace: &str,
    samples: &[MetricSample],
) -> Option<MetricInput> {
    let metric: &MetricSpec = spec.metrics.as_ref()?.first()?;
    let values = || samples.iter().filter_map(|sample| sample.value.map(|value| value.0));
    if let Some(pods) = &metric.pods {
        let samples_milli = samples.iter().filter_map(|s| Some((s.object.clone()?, s.value?.0))).collect();
        return Some(MetricInput::Pods {
            metric: PodsMetric { name: pods.metric.name.clone() },
            target_average_value_milli: milli(pods.target.average_value.as_ref())?,
            samples_milli: Ok(samples_milli),
        });
    }
    if let Some(object) = &metric.object {
        let described = &object.described_object;
        return Some(MetricInput::Object {
            metric: ObjectMetric {
                name: object.metric.name.clone(),
                selector: labels(object.metric.selector.as_ref()),
                object: DescribedObjectRef {
                    kind: described.kind.clone(),
                    namespace: namespace.to_owned(),
                    name: described.name.clone(),
                },
            },
            target: target_from_spec(&object.target),
            value_milli: values().next().ok_or_else(|| "no value".to_owned()),
        });
    }
    let external = metric.external.as_ref()?;
    Some(MetricInput::External {
        metric: ExternalMetric {
            name: external.metric.name.clone(),
            namespace: namespace.to_owned(),
            selector: labels(external.metric.selector.as_ref()),
        },
        target: target_from_spec(&external.target),
        values_milli: Ok(values().collect()),
    })
}

/// `spec.behavior` with the API server's defaults; `None` when the spec states none and the legacy rules apply.
#[must_use]
pub fn behavior_from_spec(spec: &HorizontalPodAutoscalerSpec) -> Option<Behavior> {
    let behavior = spec.behavior.as_ref()?;
    let given = |rules: &Option<HPAScalingRules>| rules.as_ref().map(given_rules);
    Some(Behavior::defaulted(given(&behavior.scale_up), given(&behavior.scale_down)))
}

/// The tolerance of a spec, a ratio; `flag` is the controller's.
#[must_use]
pub fn tolerance_from_spec(spec: &HorizontalPodAutoscalerSpec, flag: f64) -> Tolerance {
    Tolerance::new(flag, behavior_from_spec(spec).as_ref())
}

/// A pod as the controller's arithmetic sees it.
#[must_use]
pub fn pod_state_from_snapshot(pod: &PodSnapshot) -> PodState {
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
        let one = |policy: &k8s_openapi::api::autoscaling::v2::HPAScalingPolicy| ScalingPolicy {
            kind: if policy.type_ == "Percent" { PolicyType::Percent } else { PolicyType::Pods },
            value: policy.value,
            period_seconds: policy.period_seconds,
        };
        policies.iter().map(one).collect()
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

fn target_from_spec(target: &MetricTarget) -> MetricTargetSpec {
    MetricTargetSpec {
        kind: if target.type_ == "Value" { TargetType::Value } else { TargetType::AverageValue },
        value_milli: milli(target.value.as_ref()),
        average_value_milli: milli(target.average_value.as_ref()),
    }
}

fn milli(quantity: Option<&Quantity>) -> Option<i64> {
    quantity?.0.parse::<Milli>().ok().map(|milli| milli.0)
}

fn labels(selector: Option<&LabelSelector>) -> Option<BTreeMap<String, String>> {
    selector?.match_labels.clone()
}

/// What the spec of a scenario says about time.
#[must_use]
pub fn behavior_times(scenario: &Scenario) -> BehaviorTimes {
    let spec = &scenario.hpa.spec;
    let behavior = behavior_from_spec(spec);
    let stated = |rules: fn(&Behavior) -> &super::ScalingRules| {
        let seconds = rules(behavior.as_ref()?).stabilization_window_seconds?;
        Some(u64::try_from(seconds).unwrap_or(0) * 1000)
    };
    let expect = scenario.expect.replicas.unwrap_or(spec.min_replicas.unwrap_or(1) + 1);
    let (up, down) = rate_delay(spec, expect, scenario.assumptions.sync_period.to_std());
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    BehaviorTimes {
        down_window_ms: stated(|behavior| &behavior.scale_down),
        // The legacy rules hold no rise back.
        up_window_ms: stated(|behavior| &behavior.scale_up).unwrap_or(0),
        up_rate_ms: ms(up),
        down_rate_ms: ms(down),
    }
}

/// How long the spec's rate limits hold a size back at least: upwards from min to `expect`, and downwards from max to
/// min, when a pass comes each `sync`. An hour at most; more is as good as never.
fn rate_delay(spec: &HorizontalPodAutoscalerSpec, expect: i32, sync: Duration) -> (Duration, Duration) {
    let min = spec.min_replicas.unwrap_or(1);
    let Some(behavior) = behavior_from_spec(spec) else {
        let up = delay(min, expect, sync, |size, _| super::legacy_rate_limit(size));
        return (up, Duration::ZERO);
    };
    let events = |log: &[LogSlot], up: bool| {
        let (ups, downs) = if up { (log.to_vec(), Vec::new()) } else { (Vec::new(), log.to_vec()) };
        ScaleEvents { ups, downs }
    };
    let up = delay(min, expect, sync, |size, log| rate_limit_up(size, &behavior.scale_up, &events(log, true)));
    let down = delay(spec.max_replicas, min, sync, |size, log| {
        rate_limit_down(size, &behavior.scale_down, &events(log, false))
    });
    (up, down)
}

/// Time from the first pass until `goal`, when each pass goes as far as `limit` lets it.
fn delay(start: i32, goal: i32, sync: Duration, limit: impl Fn(i32, &[LogSlot]) -> i32) -> Duration {
    const NEVER: Duration = Duration::from_secs(3600);
    let sync = sync.max(Duration::from_secs(1));
    let (mut size, mut waited, mut log) = (start, Duration::ZERO, Vec::<LogSlot>::new());
    while size != goal && waited < NEVER {
        let reach = limit(size, &log);
        let next = if goal > start { reach.clamp(size, goal) } else { reach.clamp(goal, size) };
        if next != size {
            log.push(LogSlot { age: Duration::ZERO, count: (next - size).abs() });
            size = next;
        }
        if size != goal {
            waited += sync;
            log.iter_mut().for_each(|event| event.age += sync);
        }
    }
    waited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> HorizontalPodAutoscalerSpec {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn one_pod_a_minute_delays_a_rise_by_four_by_three_minutes() {
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
