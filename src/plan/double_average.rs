//! An average over the pods with target type AverageValue: the controller divides it by the number of pods once more.
//! Such a metric never asks for more than its largest value divided by the target, and under some loads its size swings
//! for ever. Both are found with the controller's own arithmetic.

use super::capacity;
use crate::hpa;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// Loads that are tried, up to that which fills maxReplicas pods.
const LOAD_STEPS: u32 = 400;

/// Passes after which a size that still moves is taken to move for ever.
const MAX_PASSES: u32 = 20;

/// What to say of it; nothing where the metric can ask for maxReplicas, or is no single value.
pub(super) fn warnings(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let (max, top) = (scenario.hpa.spec.max_replicas, plan.reachable_replicas.last().copied().unwrap_or(1));
    let (Some([_, high]), true) = (scenario.metric.range, top < max) else { return Vec::new() };
    let Some(target) = average_value_target(scenario) else {
        return vec![format!("maxReplicas {max} cannot be reached: the metric asks for {top} at most")];
    };
    let mut all = vec![format!(
        "maxReplicas {max} cannot be reached: at {high}, the largest value of the metric, it asks for {high} / {target}, rounded up: {top}, however many pods there are. AverageValue divides a value by the number of pods; a metric that is an average over the pods has been divided already. Use target type Value, or a metric that is a sum over the pods"
    )];
    if let Some((low, top, sizes)) = find_oscillation(scenario, high) {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        all.push(format!(
            "if the metric is an average over the pods, the size swings for ever ({}) under a load that is worth {low:.0} to {top:.0} in sum over the pods: each new pod lowers the average, which then asks for fewer. The run is INCONCLUSIVE then; keep the load well above {top:.0}",
            sizes.join(" → ")
        ));
    }
    all
}

/// The target of a single value that the controller divides by the number of pods.
fn average_value_target(scenario: &Scenario) -> Option<Milli> {
    hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])?.divided_target_milli().map(Milli)
}

/// The loads, as a sum over the pods, under which the size never comes to rest, and the sizes of one round.
fn find_oscillation(scenario: &Scenario, high: f64) -> Option<(f64, f64, Vec<i32>)> {
    let full = high * f64::from(scenario.hpa.spec.max_replicas);
    let loads = (1..=LOAD_STEPS).map(|step| full * f64::from(step) / f64::from(LOAD_STEPS));
    let found: Vec<(f64, Vec<i32>)> =
        loads.filter_map(|load| Some((load, oscillation_cycle(scenario, load, high)?))).collect();
    let ((low, _), (top, sizes)) = (found.first()?, found.last()?);
    Some((*low, *top, sizes.clone()))
}

/// The sizes of one round under a load that stays the same and is shared by all pods; nothing when the size comes to
/// rest.
fn oscillation_cycle(scenario: &Scenario, load: f64, high: f64) -> Option<Vec<i32>> {
    let spec = &scenario.hpa.spec;
    let min = spec.min_replicas.unwrap_or(1);
    let next = |size: i32| {
        let average = (load / f64::from(size)).min(high);
        capacity::desired_replicas(scenario, size, average).map(|asks| asks.clamp(min, spec.max_replicas))
    };
    let mut size = min;
    for _ in 0..MAX_PASSES {
        size = next(size)?;
    }
    let (start, mut sizes) = (size, vec![size]);
    for _ in 0..MAX_PASSES {
        size = next(size)?;
        sizes.push(size);
        if size == start {
            break;
        }
    }
    // From the smallest size on, as a reader expects it.
    sizes.pop();
    let smallest = sizes.iter().enumerate().min_by_key(|(_, size)| **size).map_or(0, |(n, _)| n);
    sizes.rotate_left(smallest);
    sizes.extend(sizes.first().copied());
    (sizes.len() > 2).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(target: &str) -> Scenario {
        let mut scenario: Scenario = serde_saphyr::from_str(include_str!("../../scenarios/suse-ai.yaml")).unwrap();
        let metric = scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
        metric.target = serde_json::from_str(target).unwrap();
        scenario
    }

    #[test]
    fn the_recipe_swings_between_one_and_two_pods_worth_of_load() {
        let recipe = scenario(r#"{"type":"AverageValue","averageValue":"70"}"#);
        let (low, top, sizes) = find_oscillation(&recipe, 100.0).unwrap();
        // By the formula: above 77, since 77 is within the tolerance of 70, and up to 140, where two pods still ask for
        // one (facts: pipeline.md D2).
        assert!((77.0..78.5).contains(&low) && (138.0..=140.0).contains(&top), "{low} to {top}");
        assert_eq!(sizes, [1, 2, 1]);
    }

    #[test]
    fn a_value_that_is_not_divided_comes_to_rest() {
        let mended = scenario(r#"{"type":"Value","value":"70"}"#);
        assert!(find_oscillation(&mended, 100.0).is_none());
        let plan = crate::plan::plan(&mended, &crate::model::inventory::Inventory::default(), "x");
        assert_eq!(
            (
                plan.reachable_replicas,
                warnings(&mended, &Plan { reachable_replicas: vec![1, 2, 3], ..Plan::default() })
            ),
            (vec![1, 2, 3], vec![])
        );
    }

    #[test]
    fn the_plan_says_why_a_third_replica_is_never_asked_for() {
        let recipe = scenario(r#"{"type":"AverageValue","averageValue":"70"}"#);
        let plan = crate::plan::plan(&recipe, &crate::model::inventory::Inventory::default(), "x");
        assert_eq!(plan.reachable_replicas, [1, 2]);
        let said = plan.warnings.join("\n");
        for words in ["maxReplicas 3 cannot be reached", "100 / 70, rounded up: 2", "1 → 2 → 1", "77 to 140"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
