//! Preflight warnings about a metric that is averaged twice (see `hpa`'s `double_average`).

use crate::hpa::Oscillation;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// Warnings about a metric that cannot reach maxReplicas; none if it can.
pub(super) fn warnings(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let spec = &scenario.hpa.spec;
    let (max, top) = (spec.max_replicas, plan.reachable_replicas.last().copied().unwrap_or(1));
    let (Some([_, high]), true) = (scenario.metric.value_range(), top < max) else { return Vec::new() };
    let metric_and_target = plan.metric.as_ref().and_then(|metric| Some((metric, metric.divided_target()?)));
    let Some((metric, target)) = metric_and_target else {
        return vec![format!("maxReplicas {max} cannot be reached: the HPA's desired replicas are {top} at most")];
    };
    let mut all = vec![format!(
        "maxReplicas {max} cannot be reached: at {high}, the largest value of the metric, the HPA's desired replicas are {high} / {target}, rounded up: {top}, for any number of pods. AverageValue divides a value by the number of pods; a metric that is an average over the pods is then averaged twice. Use target type Value, or a metric that is a sum over the pods"
    )];
    let tolerance = metric.tolerance(scenario.assumptions.tolerance);
    let found = metric.find_oscillation(tolerance, (spec.min_replicas.unwrap_or(1), max), high);
    if let Some(Oscillation { lowest_load: low, highest_load: top, cycle }) = found {
        let cycle: Vec<String> = cycle.iter().map(ToString::to_string).collect();
        all.push(format!(
            "if the metric is an average over the pods, the replicas oscillate ({}) under a load of {low:.0} to {top:.0} in sum over the pods: each new pod lowers the average, and with it the desired replicas. The run is INCONCLUSIVE then; keep the load well above {top:.0}",
            cycle.join(" → ")
        ));
    }
    all
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
    fn a_value_that_is_not_divided_has_no_warning() {
        let fixed = scenario(r#"{"type":"Value","value":"70"}"#);
        let plan = crate::plan::plan(&fixed, &crate::model::inventory::Inventory::default(), "x");
        assert_eq!((warnings(&fixed, &plan), plan.reachable_replicas), (vec![], vec![1, 2, 3]));
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
