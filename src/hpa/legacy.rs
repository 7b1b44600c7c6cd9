//! From a proposal to the desired replicas when `spec.behavior` is not set.

use super::integer::to_i32;
use super::log::record;
use super::size::upper_bound;
use super::{Limit, Size, Sizing, Stabilization};

/// Stabilizes a scale-down by the controller's flag, then limits the result. The result may exceed the current replicas
/// although the proposal does not. A recommendation exactly as old as the window still counts.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `normalizeDesiredReplicas`; SCHEMA.md,
/// legacy.
pub fn legacy(sizing: &Sizing<'_>) -> Size {
    let window = sizing.downscale_stabilization;
    let recent = sizing.recommendations.iter().filter(|slot| slot.age <= window);
    let stabilized = recent.map(|slot| slot.count).fold(sizing.proposal, i32::max);
    let stabilization = if stabilized == sizing.proposal { Stabilization::None } else { Stabilization::Down };
    let rate_limit = legacy_rate_limit(sizing.current_replicas);
    let (desired, limit) = apply_limits(sizing, rate_limit, stabilized);
    let mut recommendations = sizing.recommendations.to_vec();
    record(&mut recommendations, sizing.proposal, window);
    Size {
        stabilized_replicas: stabilized,
        rate_limit: Some(rate_limit),
        desired_replicas: desired,
        stabilization,
        limit,
        recommendations,
    }
}

/// The largest replica count that one pass allows without `spec.behavior`: twice the current one, at least 4.
/// Scale-down has no limit.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/horizontal.go`, `calculateScaleUpLimit`; SCHEMA.md, legacy
/// step 2. A doubled count that does not fit 32 bits gives `i32::MIN`.
pub(crate) fn legacy_rate_limit(current_replicas: i32) -> i32 {
    to_i32((2.0 * f64::from(current_replicas)).max(4.0))
}

fn apply_limits(sizing: &Sizing<'_>, rate_limit: i32, stabilized: i32) -> (i32, Limit) {
    let bound = upper_bound(rate_limit, sizing.max_replicas);
    if stabilized < sizing.min_replicas {
        (sizing.min_replicas, Limit::TooFewReplicas)
    } else if stabilized > bound.replicas {
        (bound.replicas, bound.limit)
    } else {
        (stabilized, Limit::WithinRange)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hpa::LogSlot;

    fn size_with_recommendation(age_seconds: u64) -> Size {
        let recommendations = [LogSlot { age: Duration::from_secs(age_seconds), count: 5 }];
        legacy(&Sizing {
            current_replicas: 5,
            proposal: 1,
            min_replicas: 1,
            max_replicas: 10,
            downscale_stabilization: Duration::from_secs(300),
            recommendations: &recommendations,
        })
    }

    #[test]
    fn an_exactly_window_old_recommendation_still_counts() {
        let result =
            |age| (size_with_recommendation(age).desired_replicas, size_with_recommendation(age).stabilization);
        assert_eq!(result(300), (5, Stabilization::Down));
        assert_eq!(result(301), (1, Stabilization::None));
    }

    #[test]
    fn one_pass_at_most_doubles_the_replicas_and_always_allows_four() {
        assert_eq!([1, 2, 3, 5, 1 << 30].map(legacy_rate_limit), [4, 4, 6, 10, i32::MIN]);
    }
}
