//! Preflight warnings about MIG: a metric that no instance has.

use crate::model::inventory::Inventory;
use crate::model::mig;
use crate::model::plan::Plan;
use crate::model::scenario::Scenario;

/// A warning where the target's pods will hold MIG instances, by the name of their resource or by the labels of a node that offers
/// it, and the metric is a field that only whole devices have.
pub(super) fn warning(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Option<String> {
    let resource = plan.accelerators.resource.as_deref()?;
    let names = scenario.metric.series_names();
    let field = names.into_iter().find(|name| mig::is_whole_device_field(name))?;
    let known_by = match mig::is_instance_resource(resource) {
        true => "by its name".to_owned(),
        false => describe_labels(inventory, resource)?,
    };
    Some(format!(
        "{resource} is a MIG instance ({known_by}), and {field} is a value of a whole device, which no instance has: the metric will not be served, or be 0. Use {}, a ratio from 0 to 1 (metric.range: [0, 1]; scenarios/ollama-mig.yaml)",
        mig::INSTANCE_ACTIVITY_FIELD
    ))
}

/// What the labels of the first Ready node that offers the resource say of it, if its devices are instances.
fn describe_labels(inventory: &Inventory, resource: &str) -> Option<String> {
    let offers = |count: Option<&i64>| count.is_some_and(|count| *count > 0);
    inventory.nodes.iter().zip(&inventory.node_info).find_map(|(node, info)| {
        let product = mig::instances_of_node(&info.accelerator_labels)?;
        (node.ready && offers(node.allocatable.get(resource))).then(|| format!("node {} has {product}", node.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::ChartSummary;
    use crate::model::node_info::NodeInfo;
    use crate::model::observation::NodeSnapshot;

    fn warned(resource: &str, product: Option<&str>, series: &str) -> Option<String> {
        let text = include_str!("../../scenarios/ollama-gpu-utilization.yaml");
        let scenario: Scenario = serde_saphyr::from_str(&text.replace("DCGM_FI_DEV_GPU_UTIL", series)).unwrap();
        let product = product.map(|product| ("nvidia.com/gpu.product".to_owned(), product.to_owned()));
        let info = NodeInfo { accelerator_labels: product.into_iter().collect(), ..NodeInfo::default() };
        let allocatable = [(resource.to_owned(), 7)].into();
        let chart =
            ChartSummary { target_resources: Some([(resource.to_owned(), 1)].into()), ..ChartSummary::default() };
        let inventory = Inventory {
            nodes: vec![NodeSnapshot { name: "n1".to_owned(), ready: true, allocatable }],
            node_info: vec![info],
            charts: [("ollama".to_owned(), chart)].into(),
            ..Inventory::default()
        };
        let plan = crate::plan::plan(&scenario, &inventory, "x");
        let warning = warning(&scenario, &inventory, &plan);
        assert!(warning.iter().all(|warning| plan.warnings.contains(warning)), "{:?}", plan.warnings);
        warning
    }

    #[test]
    fn a_utilization_of_whole_devices_is_none_of_instances() {
        const UTILIZATION: &str = "DCGM_FI_DEV_GPU_UTIL";
        let mixed = warned("nvidia.com/mig-1g.10gb", None, UTILIZATION).unwrap();
        assert!(
            mixed.starts_with("nvidia.com/mig-1g.10gb is a MIG instance (by its name), and DCGM_FI_DEV_GPU_UTIL is")
        );
        let single = warned("nvidia.com/gpu", Some("A100-MIG-1g.10gb"), UTILIZATION).unwrap();
        assert!(single.starts_with("nvidia.com/gpu is a MIG instance (node n1 has A100-MIG-1g.10gb)"), "{single}");
        assert_eq!(warned("nvidia.com/gpu", Some("A100"), UTILIZATION), None);
        assert_eq!(warned("nvidia.com/gpu", None, UTILIZATION), None);
        assert_eq!(warned("nvidia.com/mig-1g.10gb", None, "DCGM_FI_PROF_GR_ENGINE_ACTIVE"), None);
    }
}
