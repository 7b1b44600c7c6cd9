//! The way in: whether this machine reaches the node ports of the cluster, and whether load balancers get addresses.

use k8s_openapi::api::core::v1::Service;

use super::accelerators::AcceleratorFindings;
use super::reader::ClusterReader;

/// Addresses that are tried, of each kind.
const MAX_ADDRESSES: usize = 2;
/// Node ports that are tried at each.
const MAX_PORTS: usize = 3;

/// How the cluster is reached from this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EndpointFindings {
    /// An address of a node at which a node port answered.
    pub(super) answering_node: Option<String>,
    /// Whether that is an internal address, which gpuhpa takes by default.
    pub(super) is_internal: bool,
    /// What was tried in vain, in words.
    pub(super) refused: Vec<String>,
    /// A Service of type LoadBalancer that has an address, in words.
    pub(super) load_balancer: Option<String>,
}

/// Tries the node ports of existing Services at the nodes' addresses.
pub(super) async fn read(
    reader: &ClusterReader<'_>,
    services: &[Service],
    nodes: &AcceleratorFindings,
) -> EndpointFindings {
    let mut found =
        EndpointFindings { load_balancer: services.iter().find_map(address), ..EndpointFindings::default() };
    let ports = services.iter().filter_map(|service| service.spec.as_ref()?.ports.as_ref()).flatten();
    let ports: Vec<i32> = ports
        .filter(|port| port.protocol.as_deref() != Some("UDP"))
        .filter_map(|port| port.node_port)
        .take(MAX_PORTS)
        .collect();
    for (addresses, is_internal) in [(&nodes.internal_addresses, true), (&nodes.external_addresses, false)] {
        for address in addresses.iter().take(MAX_ADDRESSES) {
            for port in &ports {
                let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
                match reader.is_answered(&format!("http://{host}:{port}/")).await {
                    Ok(()) => {
                        return EndpointFindings { answering_node: Some(address.clone()), is_internal, ..found };
                    }
                    Err(error) => found.refused.push(format!("{host}:{port}: {error}")),
                }
            }
        }
    }
    found
}

/// The address of a Service of type LoadBalancer.
fn address(service: &Service) -> Option<String> {
    let ingress = service.status.as_ref()?.load_balancer.as_ref()?.ingress.as_ref()?.first()?;
    let address = ingress.ip.as_ref().or(ingress.hostname.as_ref())?;
    let (namespace, name) = (service.metadata.namespace.as_deref(), service.metadata.name.as_deref());
    Some(format!("{}/{} has {address}", namespace.unwrap_or_default(), name.unwrap_or_default()))
}
