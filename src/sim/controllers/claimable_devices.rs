//! DRA drivers of the cluster: the DeviceClasses that the scenario's charts claim devices of, and the ResourceSlices of the
//! nodes. The scenario's platform is assumed to have the classes that the scenario names, each with a driver of its name.

use serde_json::{Value, json};

use super::existing_objects::create;
use super::generated_names;
use crate::model::non_accelerators::DriverKind;
use crate::model::scenario::Scenario;
use crate::sim::cluster::SimCluster;
use crate::sim::config::AcceleratorOffer;
use crate::sim::objects::devices::{accelerator_slots, claimable_name, parse_slot};
use crate::sim::objects::kinds::{DEVICE_CLASS, RESOURCE_SLICE};

/// NVIDIA's driver for accelerators (NVIDIA/k8s-dra-driver-gpu), which the charts claim by default.
const DEFAULT_DRIVER: &str = "gpu.nvidia.com";
/// Devices on each node of a driver for anything else.
const OTHER_DEVICES: usize = 4;

/// The names of the drivers that offer devices by claims.
pub(super) struct DraDrivers {
    /// Of accelerators.
    accelerators: String,
    /// Of anything else that the scenario claims.
    others: Vec<String>,
}

impl DraDrivers {
    /// The drivers of the simulated cluster; `None` where a device plugin offers the accelerators.
    pub(super) fn find(cluster: &SimCluster, scenario: &Scenario) -> Option<Self> {
        let claimed = claimed_classes(scenario);
        match cluster.config().controllers.offer {
            AcceleratorOffer::DevicePlugin => return None,
            AcceleratorOffer::AsRequested if claimed.is_empty() => return None,
            AcceleratorOffer::AsRequested | AcceleratorOffer::DraDriver => {}
        }
        let is_other = |class: &String| matches!(DriverKind::from_driver(class), DriverKind::Other(_));
        let (others, accelerators): (Vec<_>, Vec<_>) = claimed.into_iter().partition(is_other);
        let accelerators = accelerators.into_iter().next().unwrap_or_else(|| DEFAULT_DRIVER.to_owned());
        Some(Self { accelerators, others })
    }

    /// Creates the classes.
    pub(super) fn create_classes(&self, cluster: &SimCluster) {
        for driver in std::iter::once(&self.accelerators).chain(&self.others) {
            let selector = json!({"cel": {"expression": format!("device.driver == '{driver}'")}});
            create(cluster, &DEVICE_CLASS, json!({"metadata": {"name": driver}, "spec": {"selectors": [selector]}}));
        }
    }

    /// Creates the slices of a node; returns the slots of its accelerators.
    pub(super) fn create_slices(&self, cluster: &SimCluster, node: &str) -> Vec<String> {
        let config = &cluster.config().controllers;
        let slots = accelerator_slots(config.accelerators_per_node, config.devices_per_accelerator);
        let accelerator = |slot: &String| {
            let uuid = parse_slot(node, slot).map(|device| device.accelerator_uuid).unwrap_or_default();
            json!({"name": claimable_name(slot), "attributes": {"type": {"string": "gpu"}, "uuid": {"string": uuid}}})
        };
        create_slice(cluster, &self.accelerators, node, slots.iter().map(accelerator).collect());
        for driver in &self.others {
            let devices = (0..OTHER_DEVICES).map(|n| json!({"name": format!("eth{n}")}));
            create_slice(cluster, driver, node, devices.collect());
        }
        slots
    }
}

/// The DeviceClasses that the values of the scenario's charts name for claims.
fn claimed_classes(scenario: &Scenario) -> Vec<String> {
    let class = |chart: &str, values: &serde_json::Map<String, Value>| {
        let gpu = &values.get("ollama")?["gpu"];
        let makes_claims = chart.ends_with("ollama-claims") || (gpu["enabled"] == true && gpu["draEnabled"] == true);
        makes_claims.then(|| gpu["draDriverClass"].as_str().unwrap_or(DEFAULT_DRIVER).to_owned())
    };
    scenario.releases.values().filter_map(|release| class(&release.chart, &release.values)).collect()
}

/// Creates the slice of a driver with all its devices of a node.
fn create_slice(cluster: &SimCluster, driver: &str, node: &str, devices: Vec<Value>) {
    let name = format!("{node}-{driver}-{}", generated_names::random_suffix(cluster));
    let pool = json!({"name": node, "generation": 1, "resourceSliceCount": 1});
    let spec = json!({"driver": driver, "nodeName": node, "pool": pool, "devices": devices});
    create(cluster, &RESOURCE_SLICE, json!({"metadata": {"name": name}, "spec": spec}));
}
