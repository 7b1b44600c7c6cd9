//! A proposal becomes a size where `spec.behavior` is set.

use std::time::Duration;

use super::log::record;
use super::size::{lower_bound, upper_bound};
use super::{Behavior, Limit, ScaleEvents, Size, Sizing, Stabilization, rate_limit_down, rate_limit_up};

/// Stabilizes a proposal over both windows, then limits it by rate and bounds. A stabilized size equal to the current
/// one is never limited. A recommendation exactly as old as its window no longer counts.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `normalizeDesiredReplicasWithBehaviors`;
/// SCHEMA, behavior.
pub fn behavior(sizing: &Sizing<'_>, rules: &Behavior, events: &ScaleEvents) -> Size {
    let up_window = rules.scale_up.window(Duration::ZERO);
    // The controller turns its flag into whole seconds here, and only here.
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
    let (rate_limit, desired, limit) = limited(sizing, rules, events, stabilized);
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

/// SCHEMA, behavior step 1: the current size, moved only as far as every recommendation of the windows agrees to.
fn stabilize(sizing: &Sizing<'_>, up_window: Duration, down_window: Duration) -> i32 {
    let younger = |window| {
        let counts = sizing.recommendations.iter().filter(move |slot| slot.age < window);
        counts.map(|slot| slot.count)
    };
    let up = younger(up_window).fold(sizing.proposal, i32::min);
    let down = younger(down_window).fold(sizing.proposal, i32::max);
    sizing.current_replicas.max(up).min(down)
}

/// SCHEMA, behavior steps 2 and 3.
fn limited(sizing: &Sizing<'_>, rules: &Behavior, events: &ScaleEvents, stabilized: i32) -> (Option<i32>, i32, Limit) {
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

    fn after(age_seconds: u64) -> Size {
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
        assert_eq!((after(299).desired_replicas, after(299).stabilization), (5, Stabilization::Down));
        assert_eq!((after(300).desired_replicas, after(300).stabilization), (1, Stabilization::None));
    }
}
