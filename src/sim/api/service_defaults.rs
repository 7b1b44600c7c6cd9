//! Defaults of a Service, with the cluster IP and node ports that the API server allocates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::create::invalid_error;
use super::defaults::set_default;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{SimCluster, StatusError, metadata_text};

/// The first node port and the number of ports: 30000-32767, the default of `--service-node-port-range`.
const NODE_PORT_RANGE: (u64, u64) = (30_000, 2768);

/// # Errors
/// A requested node port is taken, or outside the range.
pub(super) fn set_service_defaults(
    cluster: &SimCluster,
    kind: &ResourceKind,
    object: &mut Value,
) -> Result<(), StatusError> {
    let name = metadata_text(object, "name");
    let all = cluster.list(kind, None);
    let spec = &mut object["spec"];
    set_default(spec, "type", json!("ClusterIP"));
    if cluster.config().network.sets_client_ip_affinity {
        spec["sessionAffinity"] = json!("ClientIP");
    }
    set_default(spec, "sessionAffinity", json!("None"));
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        set_default(port, "protocol", json!("TCP"));
        let service_port = port["port"].clone();
        set_default(port, "targetPort", service_port);
    }
    if spec["type"] != "ExternalName" {
        allocate_cluster_ip(cluster, &all, spec);
    }
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
        set_default(spec, "externalTrafficPolicy", json!("Cluster"));
        allocate_node_ports(cluster, &all, spec).map_err(|message| invalid_error(kind, &name, &message))?;
    }
    if spec["type"] == "LoadBalancer" {
        set_default(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    object["status"] = json!({"loadBalancer": {}});
    Ok(())
}

fn allocate_cluster_ip(cluster: &SimCluster, all: &[std::sync::Arc<Value>], spec: &mut Value) {
    while spec["clusterIP"].is_null() {
        let index = cluster.random_below(254 * 254);
        let address = format!("10.96.{}.{}", index / 254 + 1, index % 254 + 1);
        if !all.iter().any(|other| other["spec"]["clusterIP"] == address.as_str()) {
            spec["clusterIP"] = json!(address);
        }
    }
    let address = spec["clusterIP"].clone();
    set_default(spec, "clusterIPs", json!([address]));
    set_default(spec, "ipFamilies", json!(["IPv4"]));
    set_default(spec, "ipFamilyPolicy", json!("SingleStack"));
    set_default(spec, "internalTrafficPolicy", json!("Cluster"));
}

fn allocate_node_ports(cluster: &SimCluster, all: &[std::sync::Arc<Value>], spec: &mut Value) -> Result<(), String> {
    let ports = all.iter().filter_map(|other| other["spec"]["ports"].as_array()).flatten();
    let mut taken: BTreeSet<u64> = ports.filter_map(|port| port["nodePort"].as_u64()).collect();
    for (index, port) in spec["ports"].as_array_mut().into_iter().flatten().enumerate() {
        let (first, count) = NODE_PORT_RANGE;
        if let Some(requested) = port["nodePort"].as_u64().filter(|requested| *requested > 0) {
            let problem = if !(first..first + count).contains(&requested) {
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            } else if taken.contains(&requested) {
                "provided port is already allocated"
            } else {
                taken.insert(requested);
                continue;
            };
            return Err(format!("spec.ports[{index}].nodePort: Invalid value: {requested}: {problem}"));
        }
        let from = cluster.random_below(count);
        let mut free = (0..count).map(|next| first + (from + next) % count).filter(|port| !taken.contains(port));
        let allocated = free.next().ok_or("spec.ports: Internal error: no node port is left")?;
        port["nodePort"] = json!(allocated);
        taken.insert(allocated);
    }
    Ok(())
}
