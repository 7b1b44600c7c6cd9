//! A Service's addresses and node ports, which the API server hands out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::admit::invalid;
use super::defaults::default;
use crate::record::kind::Kind;
use crate::sim::cluster::{Cluster, Refusal, text};

/// Node ports: the first one, and how many.
const PORTS: (u64, u64) = (30_000, 2768);

/// # Errors
/// A node port that is stated is taken, or none of the range.
pub(super) fn service(cluster: &Cluster, kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let name = text(object, "name");
    let all = cluster.list(kind, None);
    let spec = &mut object["spec"];
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        default(port, "protocol", json!("TCP"));
        let own = port["port"].clone();
        default(port, "targetPort", own);
    }
    if spec["type"] != "ExternalName" {
        address(cluster, &all, spec);
    }
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
        default(spec, "externalTrafficPolicy", json!("Cluster"));
        node_ports(cluster, &all, spec).map_err(|why| invalid(kind, &name, &why))?;
    }
    if spec["type"] == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    object["status"] = json!({"loadBalancer": {}});
    Ok(())
}

fn address(cluster: &Cluster, all: &[std::sync::Arc<Value>], spec: &mut Value) {
    while spec["clusterIP"].is_null() {
        let at = cluster.chance(254 * 254);
        let address = format!("10.96.{}.{}", at / 254 + 1, at % 254 + 1);
        if !all.iter().any(|other| other["spec"]["clusterIP"] == address.as_str()) {
            spec["clusterIP"] = json!(address);
        }
    }
    let address = spec["clusterIP"].clone();
    default(spec, "clusterIPs", json!([address]));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", json!("SingleStack"));
    default(spec, "internalTrafficPolicy", json!("Cluster"));
}

fn node_ports(cluster: &Cluster, all: &[std::sync::Arc<Value>], spec: &mut Value) -> Result<(), String> {
    let ports = all.iter().filter_map(|other| other["spec"]["ports"].as_array()).flatten();
    let mut taken: BTreeSet<u64> = ports.filter_map(|port| port["nodePort"].as_u64()).collect();
    for (at, port) in spec["ports"].as_array_mut().into_iter().flatten().enumerate() {
        let (first, count) = PORTS;
        if let Some(stated) = port["nodePort"].as_u64().filter(|stated| *stated > 0) {
            let wrong = if !(first..first + count).contains(&stated) {
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            } else if taken.contains(&stated) {
                "provided port is already allocated"
            } else {
                taken.insert(stated);
                continue;
            };
            return Err(format!("spec.ports[{at}].nodePort: Invalid value: {stated}: {wrong}"));
        }
        let from = cluster.chance(count);
        let mut free = (0..count).map(|next| first + (from + next) % count).filter(|port| !taken.contains(port));
        let handed = free.next().ok_or("spec.ports: Internal error: no node port is left")?;
        port["nodePort"] = json!(handed);
        taken.insert(handed);
    }
    Ok(())
}
