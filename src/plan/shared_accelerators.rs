//! Preflight warnings about accelerators that the nodes' labels name as shared: what pods on them can show.

use super::capacity::reachable_with;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::node_info::SharedAccelerators;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// Warnings where the labels of a node that offers the target's resource state that its accelerators are shared; none for
/// pods of which each has an accelerator to itself.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Vec<String> {
    let Some(resource) = plan.accelerators.resource.as_deref() else { return Vec::new() };
    let Some((accelerators, shared)) = count_accelerators(inventory, resource) else { return Vec::new() };
    let SharedAccelerators { strategy, devices_per_accelerator, .. } = shared;
    let behind = match accelerators {
        1 => "the only accelerator".to_owned(),
        count => format!("the {count} accelerators"),
    };
    let mut all = vec![format!(
        "{behind} behind {resource} can be shared by {devices_per_accelerator} pods ({strategy}, by the nodes' labels): the exporter has to report each pod's own share. Where it copies the accelerator's value to each pod, no value shows which pod takes traffic, and ScaleUp/NewPodsServe will be INCONCLUSIVE"
    )];
    all.extend(copied_field(scenario));
    let range = scenario.metric.value_range();
    let (Some([_, high]), Some(metric)) = (range, plan.metric.as_ref()) else { return all };
    let top = reachable_by_shares(scenario, metric, high, accelerators);
    let expected = plan.expected_replicas;
    if top < expected && plan.reachable_replicas.last().is_some_and(|reachable| *reachable >= expected) {
        all.push(format!(
            "own shares of {behind} add up to {} at most, so that the HPA's desired replicas are {top} at most, and not {expected}, whatever the load: lower the target or expect.replicas",
            high * accelerators as f64
        ));
    }
    all
}

/// The fields of which dcgm-exporter 4.8 reads the share of each process, with `--kubernetes-virtual-gpus`
/// (internal/pkg/transformation/process_metrics.go, isPerProcessMetric).
const PER_PROCESS_FIELDS: [&str; 2] = ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"];

/// A warning of a field that dcgm-exporter copies to each pod of a shared accelerator, whatever its flags are.
fn copied_field(scenario: &Scenario) -> Option<String> {
    let is_copied = |name: &&str| name.starts_with("DCGM_FI_") && !PER_PROCESS_FIELDS.contains(name);
    let field = scenario.metric.series_names().into_iter().find(is_copied)?;
    Some(format!(
        "dcgm-exporter has a pod's own share of {} alone: {field} is the value of the whole accelerator for each pod that shares it, so that ScaleUp/NewPodsServe will be INCONCLUSIVE",
        PER_PROCESS_FIELDS.join(" and ")
    ))
}

/// The accelerators behind a resource on the Ready nodes, and how the first node that shares its own does it; `None` if no
/// node does. A device of a node without sharing counts as one accelerator.
fn count_accelerators(inventory: &Inventory, resource: &str) -> Option<(i64, SharedAccelerators)> {
    let (mut accelerators, mut first) = (0_i64, None);
    for (node, info) in inventory.nodes.iter().zip(&inventory.node_info).filter(|(node, _)| node.ready) {
        let devices = node.allocatable.get(resource).copied().filter(|devices| *devices > 0);
        let Some(devices) = devices else { continue };
        let shared = info.shared_accelerators(resource, devices);
        accelerators = accelerators.saturating_add(shared.as_ref().map_or(devices, |shared| shared.accelerators));
        first = first.or(shared);
    }
    first.map(|shared| (accelerators, shared))
}

/// The largest size that pods reach whose values are their own shares of this many accelerators: n pods show an average
/// of `high` as long as each has an accelerator to itself, and of `high` × accelerators / n from then on.
fn reachable_by_shares(scenario: &Scenario, metric: &MetricUnderTest, high: f64, accelerators: i64) -> i32 {
    let share = |replicas: i32| high * (accelerators as f64 / f64::from(replicas.max(1))).min(1.0);
    reachable_with(scenario, metric, share).last().copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::ChartSummary;
    use crate::model::node_info::NodeInfo;
    use crate::model::observation::NodeSnapshot;

    /// A node with four devices, shared as its labels say.
    fn node(labels: &[(&str, &str)]) -> (NodeSnapshot, NodeInfo) {
        let allocatable = [("nvidia.com/gpu".to_owned(), 4)].into();
        let accelerator_labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        (
            NodeSnapshot { name: "n".to_owned(), ready: true, allocatable },
            NodeInfo { accelerator_labels, ..NodeInfo::default() },
        )
    }

    const SLICED: &[(&str, &str)] = &[
        ("nvidia.com/gpu.sharing-strategy", "time-slicing"),
        ("nvidia.com/gpu.replicas", "4"),
        ("nvidia.com/gpu.count", "1"),
    ];

    /// The warnings about sharing of the built-in scenario with this target and expected size.
    fn warned(target: &str, expected: i32, nodes: &[(NodeSnapshot, NodeInfo)]) -> Vec<String> {
        warned_of("DCGM_FI_DEV_GPU_UTIL", target, expected, nodes)
    }

    fn warned_of(series: &str, target: &str, expected: i32, nodes: &[(NodeSnapshot, NodeInfo)]) -> Vec<String> {
        let text = include_str!("../../scenarios/ollama-gpu-utilization.yaml").replace("DCGM_FI_DEV_GPU_UTIL", series);
        let text = text.replace(r#"averageValue: "60""#, &format!(r#"averageValue: "{target}""#));
        let mut scenario: Scenario = serde_saphyr::from_str(&text).unwrap();
        scenario.expect.replicas = Some(expected);
        let target_resources = Some([("nvidia.com/gpu".to_owned(), 1)].into());
        let chart = ChartSummary { target_resources, ..ChartSummary::default() };
        let inventory = Inventory {
            nodes: nodes.iter().map(|(node, _)| node.clone()).collect(),
            node_info: nodes.iter().map(|(_, info)| info.clone()).collect(),
            charts: [("ollama".to_owned(), chart)].into(),
            ..Inventory::default()
        };
        let plan = crate::plan::plan(&scenario, &inventory, "x");
        let warnings = warnings(&scenario, &inventory, &plan);
        assert!(warnings.iter().all(|warning| plan.warnings.contains(warning)), "{:?}", plan.warnings);
        warnings
    }

    #[test]
    fn shares_of_one_accelerator_reach_100_divided_by_the_target() {
        let copied = "the only accelerator behind nvidia.com/gpu can be shared by 4 pods (time-slicing";
        let one = warned("60", 2, &[node(SLICED)]);
        assert!(one.len() == 1 && one[0].starts_with(copied), "{one:?}");
        let two = warned("60", 3, &[node(SLICED)]);
        assert!(
            two[1].contains("add up to 100 at most, so that the HPA's desired replicas are 2 at most, and not 3"),
            "{two:?}"
        );
        assert_eq!(warned("25", 3, &[node(SLICED)]).len(), 1, "1 → 4 → 4");
    }

    #[test]
    fn a_field_of_which_no_exporter_knows_the_share_of_a_pod_cannot_show_traffic() {
        let ratio = warned_of("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "600m", 2, &[node(SLICED)]);
        assert!(ratio[1].contains("DCGM_FI_PROF_GR_ENGINE_ACTIVE is the value of the whole accelerator"), "{ratio:?}");
        assert_eq!(warned_of("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "600m", 2, &[node(&[])]), Vec::<String>::new());
    }

    #[test]
    fn more_accelerators_reach_more_and_a_device_without_sharing_is_one_of_them() {
        assert_eq!(warned("60", 3, &[node(SLICED), node(SLICED)]).len(), 1, "two accelerators: 200 / 60");
        assert_eq!(warned("60", 3, &[node(SLICED), node(&[])]).len(), 1, "one shared, four of their own");
        assert_eq!(warned("60", 3, &[node(&[])]), Vec::<String>::new());
        let (mut lost, info) = node(SLICED);
        lost.ready = false;
        assert_eq!(warned("60", 3, &[(lost, info)]), Vec::<String>::new(), "a node that is not Ready offers nothing");
    }
}
