//! A metric that is averaged twice: it is an average over the pods, and with target type AverageValue the controller divides
//! it by the number of pods once more. Desired replicas then never exceed the metric's largest value divided by the target,
//! and under some loads the replicas oscillate. Both are found with the controller's own arithmetic.

use super::capacity;
use crate::hpa;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;
use crate::units::Milli;

/// Number of loads to evaluate, up to the load that saturates maxReplicas pods.
const LOAD_STEPS: u32 = 400;

/// HPA passes after which replicas that still change are taken to oscillate.
const MAX_PASSES: u32 = 20;

/// Warnings about a metric that cannot reach maxReplicas; none if it can.
pub(super) fn warnings(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let (max, top) = (scenario.hpa.spec.max_replicas, plan.reachable_replicas.last().copied().unwrap_or(1));
    let (Some([_, high]), true) = (scenario.metric.value_range(), top < max) else { return Vec::new() };
    let Some(target) = average_value_target(scenario) else {
        return vec![format!("maxReplicas {max} cannot be reached: the HPA's desired replicas are {top} at most")];
    };
    let mut all = vec![format!(
        "maxReplicas {max} cannot be reached: at {high}, the largest value of the metric, the HPA's desired replicas are {high} / {target}, rounded up: {top}, for any number of pods. AverageValue divides a value by the number of pods; a metric that is an average over the pods is then averaged twice. Use target type Value, or a metric that is a sum over the pods"
    )];
    if let Some((low, top, cycle)) = find_oscillation(scenario, high) {
        let cycle: Vec<String> = cycle.iter().map(ToString::to_string).collect();
        all.push(format!(
            "if the metric is an average over the pods, the replicas oscillate ({}) under a load of {low:.0} to {top:.0} in sum over the pods: each new pod lowers the average, and with it the desired replicas. The run is INCONCLUSIVE then; keep the load well above {top:.0}",
            cycle.join(" → ")
        ));
    }
    all
}

/// The target of a metric with a single value that the controller divides by the number of pods.
fn average_value_target(scenario: &Scenario) -> Option<Milli> {
    hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])?.divided_target_milli().map(Milli)
}

/// Lowest and highest load, as a sum over the pods, under which the replicas oscillate, and one cycle of them.
fn find_oscillation(scenario: &Scenario, high: f64) -> Option<(f64, f64, Vec<i32>)> {
    let full = high * f64::from(scenario.hpa.spec.max_replicas);
    let loads = (1..=LOAD_STEPS).map(|step| full * f64::from(step) / f64::from(LOAD_STEPS));
    let found: Vec<(f64, Vec<i32>)> =
        loads.filter_map(|load| Some((load, oscillation_cycle(scenario, load, high)?))).collect();
    let ((low, _), (top, cycle)) = (found.first()?, found.last()?);
    Some((*low, *top, cycle.clone()))
}

/// One cycle of the replicas under a constant load that all pods share; `None` if the replicas converge.
fn oscillation_cycle(scenario: &Scenario, load: f64, high: f64) -> Option<Vec<i32>> {
    let spec = &scenario.hpa.spec;
    let min = spec.min_replicas.unwrap_or(1);
    let next = |replicas: i32| {
        let average = (load / f64::from(replicas)).min(high);
        let desired = capacity::desired_replicas(scenario, replicas, average);
        desired.map(|desired| desired.clamp(min, spec.max_replicas))
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
    fn the_recipe_oscillates_under_one_to_two_pods_of_load() {
        let recipe = scenario(r#"{"type":"AverageValue","averageValue":"70"}"#);
        let (low, top, cycle) = find_oscillation(&recipe, 100.0).unwrap();
        // From above 77, which is within the tolerance of 70, up to 140, where the recommendation for two pods is still
        // one.
        assert!((77.0..78.5).contains(&low) && (138.0..=140.0).contains(&top), "{low} to {top}");
        assert_eq!(cycle, [1, 2, 1]);
    }

    #[test]
    fn a_value_that_is_not_divided_converges() {
        let fixed = scenario(r#"{"type":"Value","value":"70"}"#);
        assert!(find_oscillation(&fixed, 100.0).is_none());
        let plan = crate::plan::plan(&fixed, &crate::model::inventory::Inventory::default(), "x");
        assert_eq!(
            (plan.reachable_replicas, warnings(&fixed, &Plan { reachable_replicas: vec![1, 2, 3], ..Plan::default() })),
            (vec![1, 2, 3], vec![])
        );
    }

    #[test]
    fn the_plan_says_why_three_replicas_are_never_reached() {
        let recipe = scenario(r#"{"type":"AverageValue","averageValue":"70"}"#);
        let plan = crate::plan::plan(&recipe, &crate::model::inventory::Inventory::default(), "x");
        assert_eq!(plan.reachable_replicas, [1, 2]);
        let warnings = plan.warnings.join("\n");
        for text in ["maxReplicas 3 cannot be reached", "100 / 70, rounded up: 2", "1 → 2 → 1", "77 to 140"] {
            assert!(warnings.contains(text), "{text}: {warnings}");
        }
    }
}
