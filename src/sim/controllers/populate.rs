//! The objects that exist before a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::claimable_devices::DraDrivers;
use super::existing_objects::{create, running_pod};
use super::{keda_install, keda_operator};
use crate::model::metric_profile::MetricProfile;
use crate::model::non_accelerators::non_accelerator_kind;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::{Accelerator, Scenario, ServiceRef};
use crate::model::service_url::cluster_service_of_url;
use crate::sim::cluster::SimCluster;
use crate::sim::config::{MigStrategy, NewPodFault};
use crate::sim::objects::condition;
use crate::sim::objects::devices::{AMD_RESOURCE, CLAIMABLE_ANNOTATION, INSTANCES_PER_ACCELERATOR};
use crate::sim::objects::kinds::{HPA, NAMESPACE, NODE, POD, PRIORITY_CLASS, RUNTIME_CLASS, SERVICE, STORAGE_CLASS};

/// Profile of the MIG instances, unless the scenario names another one.
const MIG_PROFILE: &str = "1g.10gb";

/// Creates nodes, namespaces, classes, and what the scenario presupposes: metric store and exporter.
pub(super) fn populate_cluster(cluster: &SimCluster, scenario: &Scenario) {
    let store =
        scenario.metric.store.as_ref().and_then(|store| store.service.clone()).or_else(|| adapter_store(scenario));
    let store = store.as_ref();
    // A page of its own is one of the target's pods.
    let exporter = scenario.metric.exporter.as_ref().filter(|_| !scenario.metric.reads_own_pages());
    let mut namespaces: BTreeSet<&str> = ["default", "kube-system", "kube-public", "kube-node-lease"].into();
    namespaces.extend(store.map(|store| store.namespace.as_str()));
    namespaces.extend(exporter.map(|exporter| exporter.namespace.as_str()));
    // An adopted HPA exists where the scenario states its spec, as the scenario.yaml of a bundle does; that of a ScaledObject
    // which exists is KEDA's.
    let has_scaled_object = cluster.config().controllers.scaled_object.is_some();
    let adopted = scenario.adopt.as_ref().filter(|_| scenario.hpa.spec.max_replicas > 0 && !has_scaled_object);
    namespaces.extend((has_scaled_object || adopted.is_some()).then_some(scenario.namespace.as_str()));
    let extra = cluster.config().controllers.extra_namespaces.clone();
    namespaces.extend(extra.iter().map(String::as_str));
    for name in namespaces {
        let labels = json!({"kubernetes.io/metadata.name": name});
        let object = json!({"metadata": {"name": name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"}});
        create(cluster, &NAMESPACE, object);
    }
    if let Some(adopt) = adopted {
        let metadata = json!({"name": adopt.hpa, "namespace": scenario.namespace});
        create(cluster, &HPA, json!({"metadata": metadata, "spec": scenario.hpa.spec}));
    }
    let nodes = create_nodes(cluster, scenario);
    create_classes(cluster, scenario);
    if let Some(store) = store {
        create_store(cluster, store, &nodes[0]);
    }
    create_keda(cluster, scenario, &nodes[0]);
    for (index, node) in nodes.iter().enumerate() {
        let Some(exporter) = exporter else { break };
        let port = json!([{"name": "metrics", "containerPort": exporter.port}]);
        let name = format!("{}-{}", "exporter", super::generated_names::random_suffix(cluster));
        let location = (exporter.namespace.as_str(), name.as_str(), node.as_str());
        create(cluster, &POD, running_pod(cluster, location, &json!(exporter.pod_labels), &port, index));
    }
}

/// Creates KEDA where the scenario needs it, and the ScaledObject that exists, with its HPA.
fn create_keda(cluster: &SimCluster, scenario: &Scenario, node: &str) {
    let existing = cluster.config().controllers.scaled_object.clone();
    if existing.is_some() || scenario.scaled_object.is_some() {
        keda_install::install(cluster, node);
    }
    if let Some((name, spec)) = existing {
        let metadata = json!({"name": name, "namespace": scenario.namespace});
        create(cluster, &SCALED_OBJECT, json!({"metadata": metadata, "spec": spec}));
        keda_operator::reconcile(cluster, &scenario.namespace, &name);
    }
}

/// Creates the nodes; returns the names of those with accelerators.
fn create_nodes(cluster: &SimCluster, scenario: &Scenario) -> Vec<String> {
    let config = &cluster.config().controllers;
    let of_profile = scenario.accelerator_profile().and_then(MetricProfile::example_resource);
    let of_chart = requested_resource(scenario).filter(|resource| non_accelerator_kind(resource).is_none());
    let resource = match &scenario.accelerator {
        Accelerator::Resource(name) => name,
        Accelerator::Auto | Accelerator::StandIn => of_chart.or(of_profile).unwrap_or("nvidia.com/gpu"),
    };
    let profile = resource.split_once("/mig-").map(|(_, profile)| profile);
    let mig =
        config.mig.or(profile.map(|_| MigStrategy::Mixed)).map(|strategy| (strategy, profile.unwrap_or(MIG_PROFILE)));
    let resource = match mig {
        Some((MigStrategy::Mixed, profile)) => format!("nvidia.com/mig-{profile}"),
        Some((MigStrategy::Single, _)) => "nvidia.com/gpu".to_owned(),
        None => resource.to_owned(),
    };
    let cpu_nodes = config.cpu_nodes + usize::from(config.new_pod_fault == NewPodFault::WrongNode);
    let names: Vec<_> = (0..config.accelerator_nodes).map(|n| format!("gpu-{}", n + 1)).collect();
    let count = config.accelerators_per_node * config.devices_per_accelerator;
    let labels = accelerator_labels(cluster, count, mig);
    let dra_drivers = DraDrivers::find(cluster, scenario);
    if let Some(drivers) = &dra_drivers {
        drivers.create_classes(cluster);
    }
    for (index, name) in names.iter().enumerate() {
        let offer = match &dra_drivers {
            Some(drivers) => NodeOffer::Claimable(drivers.create_slices(cluster, name)),
            None => NodeOffer::Extended { resource: &resource, count, labels: &labels },
        };
        create_node(cluster, name, index, &offer);
    }
    for index in 0..cpu_nodes {
        let name = format!("cpu-{}", index + 1);
        create_node(cluster, &name, config.accelerator_nodes + index, &NodeOffer::Nothing);
    }
    names
}

/// The accelerators that a node offers.
enum NodeOffer<'a> {
    Nothing,
    /// So many of an extended resource, with the labels of feature discovery.
    Extended {
        resource: &'a str,
        count: usize,
        labels: &'a BTreeMap<String, String>,
    },
    /// These slots, by claims.
    Claimable(Vec<String>),
}

/// The accelerator that the values of the scenario's charts name.
fn requested_resource(scenario: &Scenario) -> Option<&str> {
    let values = scenario.releases.values().filter_map(|release| release.values.get("ollama"));
    values.into_iter().find_map(|ollama| match ollama["gpu"]["type"].as_str() {
        Some("amd") => Some(AMD_RESOURCE),
        _ => ollama["gpu"]["nvidiaResource"].as_str(),
    })
}

/// The labels of NVIDIA's feature discovery of a node with so many devices; none for accelerators of which each is a device.
fn accelerator_labels(
    cluster: &SimCluster,
    devices: usize,
    mig: Option<(MigStrategy, &str)>,
) -> BTreeMap<String, String> {
    let config = cluster.config();
    let model = config.pipeline.device_model.replace(' ', "-");
    let shared_by = config.controllers.devices_per_accelerator;
    let labels = |resource: &str, product: String, count: usize, replicas: usize, strategy: &str| {
        let values = [
            ("product", product),
            ("count", count.to_string()),
            ("replicas", replicas.to_string()),
            ("sharing-strategy", strategy.to_owned()),
        ];
        values.map(|(key, value)| (format!("nvidia.com/{resource}.{key}"), value))
    };
    let strategy = |name: &str| ("nvidia.com/mig.strategy".to_owned(), name.to_owned());
    match mig {
        Some((MigStrategy::Single, profile)) => {
            let instances = labels("gpu", format!("{model}-MIG-{profile}"), devices, 1, "none");
            instances.into_iter().chain([strategy("single")]).collect()
        }
        Some((MigStrategy::Mixed, profile)) => {
            let whole = labels("gpu", model.clone(), devices.div_ceil(INSTANCES_PER_ACCELERATOR), 0, "none");
            let product = format!("{model}-MIG-{profile}");
            let instances = labels(&format!("mig-{profile}"), product, devices, 1, "none");
            whole.into_iter().chain(instances).chain([strategy("mixed")]).collect()
        }
        None if shared_by > 1 => {
            labels("gpu", format!("{model}-SHARED"), devices / shared_by, shared_by, "time-slicing").into()
        }
        None => BTreeMap::new(),
    }
}

fn create_node(cluster: &SimCluster, name: &str, index: usize, offer: &NodeOffer<'_>) {
    let now = cluster.now();
    let mut capacity = json!({"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"});
    let mut metadata = json!({"name": name, "labels":
        {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}});
    match offer {
        NodeOffer::Nothing => {}
        NodeOffer::Extended { resource, count, labels } => {
            capacity[resource] = json!(count.to_string());
            for (label, value) in *labels {
                metadata["labels"][label] = json!(value);
            }
        }
        NodeOffer::Claimable(slots) => metadata["annotations"][CLAIMABLE_ANNOTATION] = json!(slots.join(",")),
    }
    let mut status = json!({"capacity": capacity, "allocatable": capacity,
        "addresses": [{"type": "InternalIP", "address": format!("192.0.2.{}", 10 + index)},
            {"type": "Hostname", "address": name}],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.37.2",
            "kubeProxyVersion": "v1.37.2", "osImage": "simulated", "kernelVersion": "6.12.0",
            "containerRuntimeVersion": "containerd://2.1.0", "bootID": "", "machineID": "", "systemUUID": ""}});
    condition::set(&mut status, &now, "MemoryPressure", "False", "KubeletHasSufficientMemory", "");
    condition::set(&mut status, &now, "Ready", "True", "KubeletReady", "kubelet is posting ready status");
    let object = json!({"metadata": metadata, "spec": {}, "status": status});
    create(cluster, &NODE, object);
}

fn create_classes(cluster: &SimCluster, scenario: &Scenario) {
    let class = |name: &str, is_default: bool| {
        let annotations = json!({"storageclass.kubernetes.io/is-default-class": is_default.to_string()});
        json!({"metadata": {"name": name, "annotations": annotations}, "provisioner": "simulator.gpuhpa/volumes",
            "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})
    };
    create(cluster, &STORAGE_CLASS, class("standard", true));
    // The scenario's platform is assumed to have the classes that the scenario names.
    let named = scenario.releases.values().filter_map(|release| {
        let volume = release.values.get("persistentVolume")?;
        volume["storageClass"].as_str().filter(|name| !["", "-", "standard"].contains(name))
    });
    for name in named.collect::<std::collections::BTreeSet<_>>() {
        create(cluster, &STORAGE_CLASS, class(name, false));
    }
    create(cluster, &RUNTIME_CLASS, json!({"metadata": {"name": "nvidia"}, "handler": "nvidia"}));
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
        create(cluster, &PRIORITY_CLASS, json!({"metadata": {"name": name}, "value": value}));
    }
}

/// The Service of the store that the scenario's adapter or ScaledObject reads.
fn adapter_store(scenario: &Scenario) -> Option<ServiceRef> {
    let mut urls = scenario.releases.values().filter_map(|release| release.values.get("prometheus")?["url"].as_str());
    let trigger = || scenario.scaled_object.as_ref()?.spec.get("triggers")?[0]["metadata"]["serverAddress"].as_str();
    urls.find_map(cluster_service_of_url).or_else(|| cluster_service_of_url(trigger()?))
}

/// Creates the metric store: its Service and its pod.
fn create_store(cluster: &SimCluster, store: &ServiceRef, node: &str) {
    let labels = json!({"app.kubernetes.io/name": store.name});
    let (name, port) = match store.port.parse::<u16>() {
        Ok(port) => ("http", port),
        Err(_) => (store.port.as_str(), 9090),
    };
    let ports = json!([{"name": name, "port": port, "targetPort": port, "protocol": "TCP"}]);
    let service = json!({
        "metadata": {"name": store.name, "namespace": store.namespace, "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.90", "selector": labels, "ports": ports},
        "status": {"loadBalancer": {}}});
    create(cluster, &SERVICE, service);
    let ports = json!([{"name": name, "containerPort": port}]);
    let pod = format!("{}-0", store.name);
    create(cluster, &POD, running_pod(cluster, (&store.namespace, &pod, node), &labels, &ports, 200));
}
