//! The endpoint of the load: a Service that the run creates, or the scenario's URL.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::apply;
use super::{InstallError, Journal, run_metadata};
use crate::env::{RunEnv, api_for_object};
use crate::model::endpoint::ResolvedEndpoint;
use crate::model::inventory::Inventory;
use crate::model::journal::ObjectRef;
use crate::model::plan::Plan;
use crate::model::scenario::{EndpointSpec, EndpointType, Scenario};

/// Creates the Service, and resolves the URL for the load.
///
/// # Errors
/// The target does not exist, the API server rejects the Service, or no address is known within `phases.install`.
pub(crate) async fn create_endpoint(
    env: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<ResolvedEndpoint, InstallError> {
    let endpoint = &scenario.endpoint;
    let selector = service_selector(env, scenario).await?;
    if let (EndpointType::Url, Some(url)) = (endpoint.kind, &endpoint.url) {
        return Ok(ResolvedEndpoint {
            url: url.trim_end_matches('/').to_owned(),
            description: "the scenario's URL".to_owned(),
            service: None,
        });
    }
    let object = ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        plural: "services".to_owned(),
        namespace: Some(scenario.namespace.clone()),
        name: plan.service.clone(),
    };
    let service = Service {
        metadata: run_metadata(&plan.service, &plan.run),
        spec: Some(ServiceSpec {
            type_: Some(if endpoint.kind == EndpointType::NodePort { "NodePort" } else { "LoadBalancer" }.to_owned()),
            selector: Some(selector),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: i32::from(endpoint.port),
                target_port: Some(IntOrString::Int(i32::from(endpoint.port))),
                node_port: endpoint.node_port.map(i32::from),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    apply::write_object(env, journal, apply::WriteMethod::Apply, object, &service).await?;
    let api: Api<Service> = Api::namespaced(env.kube.retrying.clone(), &scenario.namespace);
    match endpoint.kind {
        EndpointType::NodePort => node_port_endpoint(&api, endpoint, inventory, &plan.service).await,
        EndpointType::LoadBalancer | EndpointType::Url => load_balancer_endpoint(&api, scenario, &plan.service).await,
    }
}

/// The Service's selector: the scenario's, or else the target's.
async fn service_selector(
    env: &RunEnv,
    scenario: &Scenario,
) -> Result<std::collections::BTreeMap<String, String>, InstallError> {
    let target = &scenario.hpa.spec.scale_target_ref;
    let object = ObjectRef::scale_target(scenario);
    let found: Option<DynamicObject> = api_for_object(&env.kube.retrying, &object)
        .get_opt(&target.name)
        .await
        .map_err(|e| InstallError::object("read", &object, &e))?;
    let found = found.ok_or_else(|| InstallError::TargetNotFound(object.to_string()))?;
    if !scenario.endpoint.selector.is_empty() {
        return Ok(scenario.endpoint.selector.clone());
    }
    serde_json::from_value(found.data["spec"]["selector"]["matchLabels"].clone())
        .map_err(|_| InstallError::NoAddress(format!("{object} has no matchLabels; set endpoint.selector")))
}

async fn node_port_endpoint(
    api: &Api<Service>,
    endpoint: &EndpointSpec,
    inventory: &Inventory,
    name: &str,
) -> Result<ResolvedEndpoint, InstallError> {
    let service = api.get(name).await.map_err(|e| InstallError::object("read", &format!("Service {name}"), &e))?;
    let port = service.spec.and_then(|spec| spec.ports?.first()?.node_port);
    let port = port.ok_or_else(|| InstallError::NoAddress(format!("Service {name} has no node port")))?;
    let ready_node =
        inventory.nodes.iter().zip(&inventory.node_addresses).find(|(node, address)| node.ready && !address.is_empty());
    let (address, node) = match (&endpoint.node_address, ready_node) {
        (Some(address), _) => (address.clone(), "the scenario's node address".to_owned()),
        (None, Some((node, address))) => (address.clone(), format!("node {}", node.name)),
        (None, None) => {
            return Err(InstallError::NoAddress("no Ready node has an address; set endpoint.nodeAddress".to_owned()));
        }
    };
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    Ok(ResolvedEndpoint {
        url: format!("http://{host}:{port}"),
        description: format!("NodePort {port} on {node}"),
        service: Some(name.to_owned()),
    })
}

async fn load_balancer_endpoint(
    api: &Api<Service>,
    scenario: &Scenario,
    name: &str,
) -> Result<ResolvedEndpoint, InstallError> {
    let bound = scenario.phases.install_timeout;
    let no_address = |message: &str| {
        InstallError::NoAddress(format!("Service {name}: {message}; set endpoint.type: NodePort or URL"))
    };
    let wait = await_condition(api.clone(), name, conditions::is_service_loadbalancer_provisioned());
    let service = tokio::time::timeout(bound.to_std(), wait)
        .await
        .map_err(|_| no_address(&format!("no load balancer was provisioned within {bound}")))?
        .map_err(|e| no_address(&e.to_string()))?;
    let ingress = service.and_then(|s| s.status?.load_balancer?.ingress?.into_iter().next());
    let address =
        ingress.and_then(|i| i.ip.or(i.hostname)).ok_or_else(|| no_address("the load balancer has no address"))?;
    Ok(ResolvedEndpoint {
        url: format!("http://{address}:{}", scenario.endpoint.port),
        description: format!("LoadBalancer {address}"),
        service: Some(name.to_owned()),
    })
}
