//! Which replicas the metric can reach, and whether the cluster has accelerators for them.

use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::plan::AcceleratorCapacity;
use crate::model::scenario::Scenario;

/// The replicas that the HPA reaches from minReplicas on while each series of the metric has its largest value; only
/// minReplicas if the range is not stated. This is the controller's own arithmetic, so it finds a target that can never be
/// reached before any accelerator hour is spent (for an average of 0..100 with averageValue 70, desired replicas are 2 at
/// most).
pub(super) fn reachable_replicas(scenario: &Scenario, metric: Option<&MetricUnderTest>) -> Vec<i32> {
    let spec = &scenario.hpa.spec;
    let min = spec.min_replicas.unwrap_or(1);
    let (Some([_, high]), Some(metric)) = (scenario.metric.value_range(), metric) else { return vec![min] };
    let tolerance = metric.tolerance(scenario.assumptions.tolerance);
    let mut reachable = vec![min];
    while let Some(next) = reachable.last().and_then(|replicas| metric.desired_replicas(tolerance, *replicas, high)) {
        let next = next.min(spec.max_replicas);
        if reachable.last().is_none_or(|replicas| next <= *replicas) {
            break;
        }
        reachable.push(next);
    }
    reachable
}

/// Accelerators that maxReplicas pods need, and free accelerators on Ready nodes.
pub(super) fn accelerator_capacity(scenario: &Scenario, inventory: &Inventory) -> AcceleratorCapacity {
    let rendered = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref());
    let request = rendered.and_then(|all| all.iter().find(|(name, _)| scenario.is_accelerator(name)));
    let Some((resource, count)) = request else { return AcceleratorCapacity::default() };
    let allocatable: i64 =
        inventory.nodes.iter().filter(|node| node.ready).filter_map(|n| n.allocatable.get(resource)).sum();
    let used = inventory.accelerators_used.as_ref().map(|used| used.get(resource).copied().unwrap_or(0));
    AcceleratorCapacity {
        resource: Some(resource.clone()),
        needed: count * i64::from(scenario.hpa.spec.max_replicas),
        free: used.filter(|_| !inventory.nodes.is_empty()).map(|used| allocatable - used),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(metric: &str, max: i32, range: [f64; 2]) -> Vec<i32> {
        let spec = format!(
            r#"{{"scaleTargetRef":{{"apiVersion":"apps/v1","kind":"Deployment","name":"x"}},"maxReplicas":{max},"metrics":[{metric}]}}"#
        );
        let mut scenario = Scenario::default();
        scenario.hpa.spec = serde_json::from_str(&spec).unwrap();
        scenario.metric.range = Some(range);
        reachable_replicas(&scenario, MetricUnderTest::from_scenario(&scenario).as_ref())
    }

    const OBJECT: &str = r#"{"type":"Object","object":{"describedObject":{"kind":"Namespace","name":"n","apiVersion":"v1"},
        "metric":{"name":"gpu"},"target":TARGET}}"#;

    #[test]
    fn the_published_recipe_never_reaches_three() {
        // An average of 0..100 with AverageValue 70: ceil(100/70) = 2 desired replicas, from 3 it scales down again.
        let average = OBJECT.replace("TARGET", r#"{"type":"AverageValue","averageValue":"70"}"#);
        assert_eq!(reachable(&average, 3, [0.0, 100.0]), [1, 2]);
        let value = OBJECT.replace("TARGET", r#"{"type":"Value","value":"70"}"#);
        assert_eq!(reachable(&value, 3, [0.0, 100.0]), [1, 2, 3]);
    }

    #[test]
    fn a_ratio_against_a_percent_target_reaches_nothing() {
        let pods =
            r#"{"type":"Pods","pods":{"metric":{"name":"gpu"},"target":{"type":"AverageValue","averageValue":"70"}}}"#;
        assert_eq!(reachable(pods, 4, [0.0, 1.0]), [1]);
        assert_eq!(reachable(pods, 4, [0.0, 100.0]), [1, 2, 3, 4]);
    }
}
