//! From a proposal to the desired replicas when `spec.behavior` is set.

use std::time::Duration;

use super::log::record;
use super::size::{lower_bound, upper_bound};
use super::{Behavior, Limit, ScaleEvents, Size, Sizing, Stabilization, rate_limit_down, rate_limit_up};

/// Stabilizes a proposal over both windows, then limits it by scaling policies, `minReplicas` and `maxReplicas`. The
/// controller never limits a stabilized count that equals the current replicas. A recommendation exactly as old as its
/// window no longer counts.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `normalizeDesiredReplicasWithBehaviors`;
/// SCHEMA.md, behavior.
pub fn behavior(sizing: &Sizing<'_>, rules: &Behavior, events: &ScaleEvents) -> Size {
    let up_window = rules.scale_up.window(Duration::ZERO);
    // The controller truncates its flag to whole seconds here; the legacy algorithm does not.
    let flag = Duration::from_secs(sizing.downscale_stabilization.as_secs());
    let down_window = rules.scale_down.window(flag);
    let stabilized = stabilize(sizing, up_window, down_window);
    let stabilization = if stabilized == sizing.proposal {
        Stabilization::None
    } else if sizing.proposal >= sizing.current_replicas {
        Stabilization::Up
    } else {
        Stabilization::Down
    };
    let (rate_limit, desired, limit) = apply_limits(sizing, rules, events, stabilized);
    let mut recommendations = sizing.recommendations.to_vec();
    record(&mut recommendations, sizing.proposal, up_window.max(down_window));
    Size {
        stabilized_replicas: stabilized,
        rate_limit,
        desired_replicas: desired,
        stabilization,
        limit,
        recommendations,
    }
}

/// SCHEMA.md, behavior step 1: the current replicas, changed only as far as all recommendations in the windows allow.
fn stabilize(sizing: &Sizing<'_>, up_window: Duration, down_window: Duration) -> i32 {
    let recent = |window| {
        let slots = sizing.recommendations.iter().filter(move |slot| slot.age < window);
        slots.map(|slot| slot.count)
    };
    let up = recent(up_window).fold(sizing.proposal, i32::min);
    let down = recent(down_window).fold(sizing.proposal, i32::max);
    sizing.current_replicas.max(up).min(down)
}

/// SCHEMA.md, behavior steps 2 and 3.
fn apply_limits(
    sizing: &Sizing<'_>,
    rules: &Behavior,
    events: &ScaleEvents,
    stabilized: i32,
) -> (Option<i32>, i32, Limit) {
    let current = sizing.current_replicas;
    if stabilized > current {
        let rate = rate_limit_up(current, &rules.scale_up, events);
        let bound = upper_bound(rate.max(current), sizing.max_replicas);
        if stabilized > bound.replicas {
            return (Some(rate), bound.replicas, bound.limit);
        }
        (Some(rate), stabilized, Limit::WithinRange)
    } else if stabilized < current {
        let rate = rate_limit_down(current, &rules.scale_down, events);
        let bound = lower_bound(rate.min(current), sizing.min_replicas);
        if stabilized < bound.replicas {
            return (Some(rate), bound.replicas, bound.limit);
        }
        (Some(rate), stabilized, Limit::WithinRange)
    } else {
        (None, stabilized, Limit::WithinRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::LogSlot;

    fn size_with_recommendation(age_seconds: u64) -> Size {
        let recommendations = [LogSlot { age: Duration::from_secs(age_seconds), count: 5 }];
        let sizing = Sizing {
            current_replicas: 5,
            proposal: 1,
            min_replicas: 1,
            max_replicas: 10,
            downscale_stabilization: Duration::from_secs(300),
            recommendations: &recommendations,
        };
        behavior(&sizing, &Behavior::defaulted(None, None), &ScaleEvents::default())
    }

    #[test]
    fn an_exactly_window_old_recommendation_no_longer_counts() {
        let result =
            |age| (size_with_recommendation(age).desired_replicas, size_with_recommendation(age).stabilization);
        assert_eq!(result(299), (5, Stabilization::Down));
        assert_eq!(result(300), (1, Stabilization::None));
    }
}
