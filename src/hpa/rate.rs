//! Rate limits: the replica count that the scaling policies of one direction allow in one pass.

use std::time::Duration;

use super::integer::to_i32;
use super::{LogSlot, PolicyType, ScaleEvents, ScalingPolicy, ScalingRules, SelectPolicy};

/// The largest replica count that the scale-up rules allow from `current_replicas` after the scale events.
///
/// This is the limit of the policies alone, without `maxReplicas`. It may be below the current replicas, if earlier
/// events have exhausted the policies; [`super::behavior()`] then raises it to them. Events exactly as old as a period
/// no longer count.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `calculateScaleUpLimitWithScalingRules`;
/// SCHEMA.md, behavior step 2.
pub(crate) fn rate_limit_up(current_replicas: i32, rules: &ScalingRules, events: &ScaleEvents) -> i32 {
    let limits = rules.policies.iter().map(|policy| {
        let start = period_start(current_replicas, policy, events);
        match policy.kind {
            PolicyType::Pods => start.wrapping_add(policy.value),
            PolicyType::Percent => to_i32((f64::from(start) * (1.0 + f64::from(policy.value) / 100.0)).ceil()),
        }
    });
    match rules.select_policy {
        SelectPolicy::Max => limits.max().unwrap_or(i32::MIN),
        SelectPolicy::Min => limits.min().unwrap_or(i32::MAX),
        SelectPolicy::Disabled => current_replicas,
    }
}

/// The smallest replica count that the scale-down rules allow from `current_replicas` after the scale events.
///
/// This is the limit of the policies alone, without `minReplicas`. It may be above the current replicas;
/// [`super::behavior()`] then lowers it to them. Percent truncates, rounding noise included: 80 % down from 10 gives 1.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `calculateScaleDownLimitWithBehaviors`;
/// SCHEMA.md, behavior step 2.
pub(crate) fn rate_limit_down(current_replicas: i32, rules: &ScalingRules, events: &ScaleEvents) -> i32 {
    let limits = rules.policies.iter().map(|policy| {
        let start = period_start(current_replicas, policy, events);
        match policy.kind {
            PolicyType::Pods => start.wrapping_sub(policy.value),
            PolicyType::Percent => to_i32(f64::from(start) * (1.0 - f64::from(policy.value) / 100.0)),
        }
    });
    match rules.select_policy {
        SelectPolicy::Max => limits.min().unwrap_or(i32::MAX),
        SelectPolicy::Min => limits.max().unwrap_or(i32::MIN),
        SelectPolicy::Disabled => current_replicas,
    }
}

/// The replicas at the start of a policy's period, by the controller's own scale events.
fn period_start(current_replicas: i32, policy: &ScalingPolicy, events: &ScaleEvents) -> i32 {
    let change = |log| sum_within(log, policy.period());
    current_replicas.wrapping_sub(change(&events.ups)).wrapping_add(change(&events.downs))
}

fn sum_within(log: &[LogSlot], period: Duration) -> i32 {
    log.iter().filter(|slot| slot.age < period).fold(0, |sum, slot| sum.wrapping_add(slot.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::Behavior;

    fn percent(value: i32) -> ScalingRules {
        let policies = vec![ScalingPolicy { kind: PolicyType::Percent, value, period_seconds: 15 }];
        ScalingRules { policies, ..Behavior::defaulted(None, None).scale_down }
    }

    #[test]
    fn percent_down_truncates_with_the_rounding_noise_of_doubles() {
        let down = |value| rate_limit_down(10, &percent(value), &ScaleEvents::default());
        assert_eq!((down(25), down(80), down(90)), (7, 1, 0));
    }

    #[test]
    fn percent_up_rounds_up_with_the_rounding_noise_of_doubles() {
        assert_eq!(rate_limit_up(50, &percent(10), &ScaleEvents::default()), 56);
    }

    #[test]
    fn a_scale_event_counts_until_it_is_as_old_as_the_period() {
        let rules = Behavior::defaulted(None, None).scale_up;
        let limit = |age| {
            let ups = vec![LogSlot { age: Duration::from_secs(age), count: 4 }];
            rate_limit_up(5, &rules, &ScaleEvents { ups, downs: Vec::new() })
        };
        assert_eq!((limit(14), limit(15)), (5, 10));
    }
}
