//! How far the policies of one direction let a size go in one pass.

use std::time::Duration;

use super::integer::to_i32;
use super::{LogSlot, PolicyType, ScaleEvents, ScalingPolicy, ScalingRules, SelectPolicy};

/// The largest size that the scale-up rules allow from `current_replicas` with these changes of size behind it.
///
/// It is the bare limit: it may lie below the current size (changes have used it up), to which [`super::behavior()`]
/// then raises it, and `maxReplicas` is not in it. Changes exactly as old as a period no longer count.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `calculateScaleUpLimitWithScalingRules`;
/// SCHEMA, behavior step 2.
pub fn rate_limit_up(current_replicas: i32, rules: &ScalingRules, events: &ScaleEvents) -> i32 {
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

/// The smallest size that the scale-down rules allow from `current_replicas` with these changes of size behind it.
///
/// It is the bare limit: it may lie above the current size, to which [`super::behavior()`] then lowers it, and
/// `minReplicas` is not in it. Percent truncates, noise included: 80 % down of 10 gives 1.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `calculateScaleDownLimitWithBehaviors`;
/// SCHEMA, behavior step 2.
pub fn rate_limit_down(current_replicas: i32, rules: &ScalingRules, events: &ScaleEvents) -> i32 {
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

/// The size at the start of a policy's period, as far as the controller's own changes tell.
fn period_start(current_replicas: i32, policy: &ScalingPolicy, events: &ScaleEvents) -> i32 {
    let changed = |log| sum_younger(log, policy.period());
    current_replicas.wrapping_sub(changed(&events.ups)).wrapping_add(changed(&events.downs))
}

fn sum_younger(log: &[LogSlot], period: Duration) -> i32 {
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
    fn percent_down_truncates_with_the_noise_of_doubles() {
        let down = |value| rate_limit_down(10, &percent(value), &ScaleEvents::default());
        assert_eq!((down(25), down(80), down(90)), (7, 1, 0));
    }

    #[test]
    fn percent_up_rounds_up_with_the_noise_of_doubles() {
        assert_eq!(rate_limit_up(50, &percent(10), &ScaleEvents::default()), 56);
    }

    #[test]
    fn a_change_counts_until_it_is_as_old_as_the_period() {
        let rules = Behavior::defaulted(None, None).scale_up;
        let limit = |age| {
            let ups = vec![LogSlot { age: Duration::from_secs(age), count: 4 }];
            rate_limit_up(5, &rules, &ScaleEvents { ups, downs: Vec::new() })
        };
        assert_eq!((limit(14), limit(15)), (5, 10));
    }
}
