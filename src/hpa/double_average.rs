//! A metric that is averaged twice: it is an average over the pods, and with target type AverageValue the controller
//! divides it by the number of pods once more. It falls as pods are added although the load goes on. Desired replicas
//! then never exceed the metric's largest value divided by the target, and under some loads the replicas oscillate; more
//! load or another target value only hides it.

use super::Tolerance;
use crate::model::metric_under_test::MetricUnderTest;
use crate::units::Milli;

/// Number of loads to evaluate, up to the load that saturates maxReplicas pods.
const LOAD_STEPS: u32 = 400;

/// HPA passes after which replicas that still change are taken to oscillate.
const MAX_PASSES: u32 = 20;

/// How far a value at the larger size may exceed its share, in percent: the Service does not spread the load evenly.
const UNEVEN_PERCENT: i64 = 25;

/// Loads under which the replicas oscillate, if the metric is an average over the pods.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Oscillation {
    /// The lowest of these loads, as a sum over the pods.
    pub(crate) lowest_load: f64,
    /// The highest of these loads.
    pub(crate) highest_load: f64,
    /// One cycle of the replicas under the highest load.
    pub(crate) cycle: Vec<i32>,
}

/// A value of the metric at a number of pods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ValueAtSize {
    /// The value as the controller reports it.
    pub(crate) value: Milli,
    /// Number of pods.
    pub(crate) replicas: i32,
    /// The recommendation for this value.
    pub(crate) recommendation: i32,
}

impl MetricUnderTest {
    /// The target of a single value that the controller divides by the replicas: if that value is already an average
    /// over the pods, it is averaged twice.
    #[must_use]
    pub(crate) fn divided_target(&self) -> Option<Milli> {
        self.target_value.filter(|_| self.is_divided_by_replicas())
    }

    /// Whether two values under the same load show that the metric is averaged twice: at the fewer pods it recommends
    /// `expected` replicas, and at the more pods it has fallen with their number and recommends fewer.
    #[must_use]
    pub(crate) fn is_averaged_twice(&self, fewer_pods: ValueAtSize, more_pods: ValueAtSize, expected: i32) -> bool {
        let share = fewer_pods.value.0 * i64::from(fewer_pods.replicas) / i64::from(more_pods.replicas.max(1));
        self.divided_target().is_some()
            && fewer_pods.recommendation >= expected
            && more_pods.recommendation < expected
            && more_pods.value.0 * 100 <= share * (100 + UNEVEN_PERCENT)
    }

    /// The loads under which the replicas of an HPA oscillate, by the controller's own arithmetic, if the metric is an
    /// average over the pods. `sizes` are minReplicas and maxReplicas, `high` is the metric's largest value.
    #[must_use]
    pub(crate) fn find_oscillation(&self, tolerance: Tolerance, sizes: (i32, i32), high: f64) -> Option<Oscillation> {
        let full = high * f64::from(sizes.1);
        let loads = (1..=LOAD_STEPS).map(|step| full * f64::from(step) / f64::from(LOAD_STEPS));
        let found: Vec<(f64, Vec<i32>)> =
            loads.filter_map(|load| Some((load, self.oscillation_cycle(tolerance, sizes, load, high)?))).collect();
        let ((lowest_load, _), (highest_load, cycle)) = (found.first()?, found.last()?);
        Some(Oscillation { lowest_load: *lowest_load, highest_load: *highest_load, cycle: cycle.clone() })
    }

    /// One cycle of the replicas under a constant load that all pods share; `None` if the replicas converge.
    fn oscillation_cycle(&self, tolerance: Tolerance, sizes: (i32, i32), load: f64, high: f64) -> Option<Vec<i32>> {
        let (min, max) = sizes;
        let next = |replicas: i32| {
            let average = (load / f64::from(replicas)).min(high);
            self.desired_replicas(tolerance, replicas, average).map(|desired| desired.clamp(min, max))
        };
        let mut replicas = min;
        for _ in 0..MAX_PASSES {
            replicas = next(replicas)?;
        }
        let (start, mut cycle) = (replicas, vec![replicas]);
        for _ in 0..MAX_PASSES {
            replicas = next(replicas)?;
            cycle.push(replicas);
            if replicas == start {
                break;
            }
        }
        // Start the cycle with its fewest replicas.
        cycle.pop();
        let lowest = cycle.iter().enumerate().min_by_key(|(_, replicas)| **replicas).map_or(0, |(n, _)| n);
        cycle.rotate_left(lowest);
        cycle.extend(cycle.first().copied());
        (cycle.len() > 2).then_some(cycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scenario::Scenario;

    fn recipe(target: &str) -> MetricUnderTest {
        let mut scenario: Scenario = serde_saphyr::from_str(include_str!("../../scenarios/suse-ai.yaml")).unwrap();
        let metric = scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
        metric.target = serde_json::from_str(target).unwrap();
        MetricUnderTest::from_scenario(&scenario).unwrap()
    }

    const AVERAGE: &str = r#"{"type":"AverageValue","averageValue":"70"}"#;
    const VALUE: &str = r#"{"type":"Value","value":"70"}"#;

    #[test]
    fn the_recipe_oscillates_under_one_to_two_pods_of_load() {
        let metric = recipe(AVERAGE);
        let found = metric.find_oscillation(metric.tolerance(0.1), (1, 3), 100.0).unwrap();
        // From above 77, which is within the tolerance of 70, up to 140, where the recommendation for two pods is still
        // one.
        let (low, top) = (found.lowest_load, found.highest_load);
        assert!((77.0..78.5).contains(&low) && (138.0..=140.0).contains(&top), "{low} to {top}");
        assert_eq!(found.cycle, [1, 2, 1]);
    }

    #[test]
    fn a_value_that_is_not_divided_converges() {
        let metric = recipe(VALUE);
        assert_eq!(metric.find_oscillation(metric.tolerance(0.1), (1, 3), 100.0), None);
    }

    #[test]
    fn a_value_that_falls_with_the_number_of_pods_is_averaged_twice() {
        let at = |value: i64, replicas, recommendation| ValueAtSize { value: Milli(value), replicas, recommendation };
        let alone = at(100_000, 1, 2);
        let metric = recipe(AVERAGE);
        assert!(metric.is_averaged_twice(alone, at(50_000, 2, 1), 2));
        assert!(metric.is_averaged_twice(alone, at(62_500, 2, 1), 2), "a quarter above its share");
        assert!(!metric.is_averaged_twice(alone, at(62_501, 2, 1), 2));
        assert!(!metric.is_averaged_twice(alone, at(50_000, 2, 2), 2), "it still recommends two");
        assert!(!metric.is_averaged_twice(at(70_000, 1, 1), at(35_000, 2, 1), 2), "it never recommended two");
        assert!(!recipe(VALUE).is_averaged_twice(alone, at(50_000, 2, 1), 2), "the controller does not divide it");
    }
}
