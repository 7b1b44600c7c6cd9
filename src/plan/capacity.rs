//! Which replicas the metric can reach, and whether the cluster has accelerators for them.

use std::collections::BTreeSet;

use super::claims;
use crate::model::inventory::Inventory;
use crate::model::metric_profile::MetricProfile;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::non_accelerators::non_accelerator_kind;
use crate::model::plan::AcceleratorCapacity;
use crate::model::scenario::Scenario;
use crate::model::shipped_profiles;

/// The replicas that the HPA reaches from minReplicas on while each series of the metric has its largest value; only
/// minReplicas if the range is not stated. This is the controller's own arithmetic, so it finds a target that can never be
/// reached before any accelerator hour is spent (for an average of 0..100 with averageValue 70, desired replicas are 2 at
/// most).
pub(super) fn reachable_replicas(scenario: &Scenario, metric: Option<&MetricUnderTest>) -> Vec<i32> {
    match (scenario.metric.value_range(), metric) {
        (Some([_, high]), Some(metric)) => reachable_with(scenario, metric, |_| high),
        _ => vec![scenario.hpa.spec.min_replicas.unwrap_or(1)],
    }
}

/// The replicas that the HPA reaches from minReplicas on while each series has the value that belongs to the number of
/// replicas.
pub(super) fn reachable_with(scenario: &Scenario, metric: &MetricUnderTest, value: impl Fn(i32) -> f64) -> Vec<i32> {
    let spec = &scenario.hpa.spec;
    let tolerance = metric.tolerance(scenario.assumptions.tolerance);
    let mut reachable = vec![spec.min_replicas.unwrap_or(1)];
    let desired = |replicas: i32| metric.desired_replicas(tolerance, replicas, value(replicas));
    while let Some(next) = reachable.last().and_then(|replicas| desired(*replicas)) {
        let next = next.min(spec.max_replicas);
        if reachable.last().is_none_or(|replicas| next <= *replicas) {
            break;
        }
        reachable.push(next);
    }
    reachable
}

/// Accelerators that maxReplicas pods need, and free accelerators on Ready nodes. Of several resources that a pod requests
/// the one counts of which the fewest are left: one resource cannot stand for another.
pub(super) fn accelerator_capacity(scenario: &Scenario, inventory: &Inventory) -> AcceleratorCapacity {
    let rendered = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref());
    let requests = rendered.into_iter().flatten().filter(|(name, count)| scenario.is_accelerator(name) && **count > 0);
    let capacities = requests.map(|(resource, count)| resource_capacity(scenario, inventory, resource, *count));
    // Where nothing could be read, the largest need.
    let scarcest = capacities.min_by_key(|one| one.free.unwrap_or(0).saturating_sub(one.needed));
    scarcest.or_else(|| claims::device_capacity(scenario, inventory)).unwrap_or_default()
}

fn resource_capacity(scenario: &Scenario, inventory: &Inventory, resource: &str, per_pod: i64) -> AcceleratorCapacity {
    let allocatable: i64 =
        inventory.nodes.iter().filter(|node| node.ready).filter_map(|n| n.allocatable.get(resource)).sum();
    let used = inventory.accelerators_used.as_ref().map(|used| used.get(resource).copied().unwrap_or(0));
    AcceleratorCapacity {
        resource: Some(resource.to_owned()),
        needed: per_pod.saturating_mul(i64::from(scenario.hpa.spec.max_replicas)),
        free: used.filter(|_| !inventory.nodes.is_empty()).map(|used| allocatable - used),
    }
}

/// What the Ready nodes offer instead of a resource of which none has a device: MIG instances under the names of their profiles,
/// shared devices under another name. Empty where a node offers the resource, or none offers anything else.
pub(super) fn describe_other_offers(inventory: &Inventory, resource: &str) -> String {
    let ready = inventory.nodes.iter().filter(|node| node.ready);
    let offered: BTreeSet<&str> = ready
        .flat_map(|node| &node.allocatable)
        .filter(|(_, count)| **count > 0)
        .map(|(name, _)| name.as_str())
        .collect();
    let others: Vec<&str> = offered.iter().copied().filter(|name| non_accelerator_kind(name).is_none()).collect();
    if offered.contains(resource) || others.is_empty() {
        return String::new();
    }
    format!(
        "; no Ready node offers {resource}, they offer {}: request it by the name that they have",
        others.join(", ")
    )
}

/// What the target's chart requests although none of it is an accelerator in this scenario; `None` where it renders an
/// accelerator, or no chart renders the target.
pub(super) fn describe_other_requests(scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let rendered = inventory.charts.values().find_map(|chart| chart.target_resources.as_ref())?;
    if rendered.keys().any(|name| scenario.is_accelerator(name)) {
        return None;
    }
    let of_claims = claims::describe_other_claims(scenario, inventory);
    let of_resource = |(name, count): (&String, &i64)| match non_accelerator_kind(name) {
        Some(kind) => format!("{name}={count}, which is {kind}"),
        None if scenario.accelerator_profile().is_some() => {
            format!("{name}={count}{}", describe_profiles(|profile| profile.lists_resource(name)))
        }
        None => format!("{name}={count}"),
    };
    let all: Vec<String> = rendered.iter().map(of_resource).chain(of_claims).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// The shipped profiles of which `is` is true, as a remedy: a scenario that extends another one has that one's profile. Empty
/// if there is none.
pub(super) fn describe_profiles(is: impl Fn(&MetricProfile) -> bool) -> String {
    let names: Vec<&str> = shipped_profiles::names_where(is).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(" (metric.profile: {} has it)", names.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::ChartSummary;
    use crate::model::observation::NodeSnapshot;

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

    fn capacity(accelerator: &str, target: &[(&str, i64)], node: &[(&str, i64)]) -> (Scenario, Inventory) {
        let counts = |all: &[(&str, i64)]| all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let chart = ChartSummary { target_resources: Some(counts(target)), ..ChartSummary::default() };
        let node = NodeSnapshot { ready: true, allocatable: counts(node), ..NodeSnapshot::default() };
        let accelerator = serde_json::from_value(accelerator.into()).unwrap();
        let mut scenario = Scenario { accelerator, ..Scenario::default() };
        scenario.hpa.spec.max_replicas = 3;
        let inventory = Inventory {
            nodes: vec![node],
            accelerators_used: Some(std::collections::BTreeMap::new()),
            charts: [("ollama".to_owned(), chart)].into(),
            ..Inventory::default()
        };
        (scenario, inventory)
    }

    #[test]
    fn capacity_is_that_of_the_scarcest_accelerator_and_of_no_other_resource() {
        let of = |accelerator: &str, target: &[(&str, i64)], node: &[(&str, i64)]| {
            let (scenario, inventory) = capacity(accelerator, target, node);
            let capacity = accelerator_capacity(&scenario, &inventory);
            (capacity.resource.unwrap_or_default(), capacity.needed, capacity.free)
        };
        let gpu = |needed, free| ("nvidia.com/gpu".to_owned(), needed, Some(free));
        let fuse = [("github.com/fuse", 1), ("nvidia.com/gpu", 1)];
        assert_eq!(of("auto", &fuse, &[("github.com/fuse", 300), ("nvidia.com/gpu", 1)]), gpu(3, 1));
        let unknown = [("a.example/chip", 1), ("nvidia.com/gpu", 2)];
        assert_eq!(of("auto", &unknown, &[("a.example/chip", 300), ("nvidia.com/gpu", 4)]), gpu(6, 4));
        let renamed = [("nvidia.com/gpu", 0), ("nvidia.com/gpu.shared", 8)];
        let shared = ("nvidia.com/gpu.shared".to_owned(), 3, Some(8));
        assert_eq!(of("auto", &[("nvidia.com/gpu.shared", 1)], &renamed), shared);
        assert_eq!(of("auto", &[("vpc.amazonaws.com/pod-eni", 1)], &[("vpc.amazonaws.com/pod-eni", 9)]).0, "");
        assert_eq!(of("nvidia.com/gpu", &[("nvidia.com/gpu.shared", 1)], &renamed).0, "");
    }

    #[test]
    fn what_is_offered_instead_of_a_missing_resource_is_named() {
        let offers = |node: &[(&str, i64)]| {
            let (_, inventory) = capacity("auto", &[("nvidia.com/gpu", 1)], node);
            describe_other_offers(&inventory, "nvidia.com/gpu")
        };
        let mixed = offers(&[("nvidia.com/gpu", 0), ("nvidia.com/mig-1g.10gb", 7), ("rdma/hca", 4)]);
        assert!(mixed.contains("offers nvidia.com/gpu, they offer nvidia.com/mig-1g.10gb:"), "{mixed}");
        assert_eq!(offers(&[("nvidia.com/gpu", 1), ("nvidia.com/mig-1g.10gb", 7)]), "");
        assert_eq!(offers(&[("nvidia.com/gpu", 0), ("rdma/hca", 4)]), "");
    }

    #[test]
    fn a_target_without_an_accelerator_is_described_by_what_it_requests() {
        let of = |accelerator: &str, target: &[(&str, i64)]| {
            let (scenario, inventory) = capacity(accelerator, target, &[]);
            describe_other_requests(&scenario, &inventory)
        };
        let shared = [("nvidia.com/gpu.shared", 1)];
        assert_eq!(of("nvidia.com/gpu", &shared).as_deref(), Some("nvidia.com/gpu.shared=1"));
        assert_eq!(of("auto", &shared), None);
        let network = of("auto", &[("vpc.amazonaws.com/pod-eni", 1)]);
        assert_eq!(network.as_deref(), Some("vpc.amazonaws.com/pod-eni=1, which is a network interface"));
        let (mut scenario, inventory) = capacity("auto", &[("amd.com/gpu", 1)], &[]);
        scenario.metric.profile = shipped_profiles::find("dcgm").ok();
        let amd = describe_other_requests(&scenario, &inventory);
        assert_eq!(amd.as_deref(), Some("amd.com/gpu=1 (metric.profile: amd has it)"));
    }
}
