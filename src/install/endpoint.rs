//! The way of the load to the target: a Service of our own, or a URL that is there already.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::apply::{self, error_message};
use super::{InstallError, Journal, run_metadata};
use crate::env::{RunEnv, api_for_object};
use crate::model::endpoint::ResolvedEndpoint;
use crate::model::inventory::Inventory;
use crate::model::journal::ObjectRef;
use crate::model::plan::Plan;
use crate::model::scenario::{EndpointSpec, EndpointType, Scenario};

/// Makes the Service, and says where the load goes.
///
/// # Errors
/// The target is not there, the API server refuses the Service, or no address can be found within `phases.install`.
pub async fn create_endpoint(
    world: &RunEnv,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<ResolvedEndpoint, InstallError> {
    let endpoint = &scenario.endpoint;
    let selector = service_selector(world, scenario).await?;
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
    apply::write_object(world, journal, apply::WriteMethod::Apply, object, &service).await?;
    let api: Api<Service> = Api::namespaced(world.kube.clone(), &scenario.namespace);
    match endpoint.kind {
        EndpointType::NodePort => node_port_endpoint(&api, endpoint, inventory, &plan.service).await,
        EndpointType::LoadBalancer | EndpointType::Url => load_balancer_endpoint(&api, scenario, &plan.service).await,
    }
}

/// The Service's selector: the scenario's, or the target's own.
async fn service_selector(
    world: &RunEnv,
    scenario: &Scenario,
) -> Result<std::collections::BTreeMap<String, String>, InstallError> {
    let target = &scenario.hpa.spec.scale_target_ref;
    let object = ObjectRef::scale_target(scenario);
    let found: Option<DynamicObject> = api_for_object(&world.kube, &object)
        .get_opt(&target.name)
        .await
        .map_err(|e| InstallError::Object { verb: "read", object: object.to_string(), why: error_message(&e) })?;
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
    let made = api.get(name).await.map_err(|e| InstallError::Object {
        verb: "read",
        object: format!("Service {name}"),
        why: error_message(&e),
    })?;
    let port = made.spec.and_then(|spec| spec.ports?.first()?.node_port);
    let port = port.ok_or_else(|| InstallError::NoAddress(format!("Service {name} was given no node port")))?;
    let ready =
        inventory.nodes.iter().zip(&inventory.node_addresses).find(|(node, address)| node.ready && !address.is_empty());
    let (address, node) = match (&endpoint.node_address, ready) {
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
    let none =
        |why: &str| InstallError::NoAddress(format!("Service {name}: {why}; set endpoint.type: NodePort or URL"));
    let wait = await_condition(api.clone(), name, conditions::is_service_loadbalancer_provisioned());
    let service = tokio::time::timeout(bound.to_std(), wait)
        .await
        .map_err(|_| none(&format!("no load balancer was provisioned within {bound}")))?
        .map_err(|e| none(&e.to_string()))?;
    let ingress = service.and_then(|s| s.status?.load_balancer?.ingress?.into_iter().next());
    let address = ingress.and_then(|i| i.ip.or(i.hostname)).ok_or_else(|| none("the load balancer has no address"))?;
    Ok(ResolvedEndpoint {
        url: format!("http://{address}:{}", scenario.endpoint.port),
        description: format!("LoadBalancer {address}"),
        service: Some(name.to_owned()),
    })
}
