//! The way of the load to the target: a Service of our own, or a URL that is there already.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::Api;
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::apply::{self, words};
use super::{InstallError, Journal, labelled};
use crate::record::endpoint::Endpoint;
use crate::record::inventory::Inventory;
use crate::record::journal::ObjectRef;
use crate::record::plan::Plan;
use crate::record::scenario::{Reach, ReachBy, Scenario};
use crate::world::{World, api_of};

/// Makes the Service, and says where the load goes.
///
/// # Errors
/// The target is not there, the API server refuses the Service, or no address can be found within `phases.install`.
pub async fn reach(
    world: &World,
    journal: &Journal,
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
) -> Result<Endpoint, InstallError> {
    let reach = &scenario.reach;
    let selector = selector(world, scenario).await?;
    if let (ReachBy::Url, Some(url)) = (reach.by, &reach.url) {
        return Ok(Endpoint {
            url: url.trim_end_matches('/').to_owned(),
            by: "the scenario's URL".to_owned(),
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
        metadata: labelled(&plan.service, &plan.run),
        spec: Some(ServiceSpec {
            type_: Some(if reach.by == ReachBy::NodePort { "NodePort" } else { "LoadBalancer" }.to_owned()),
            selector: Some(selector),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: i32::from(reach.port),
                target_port: Some(IntOrString::Int(i32::from(reach.port))),
                node_port: reach.node_port.map(i32::from),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    apply::make(world, journal, apply::How::Apply, object, &service).await?;
    let api: Api<Service> = Api::namespaced(world.kube.clone(), &scenario.namespace);
    match reach.by {
        ReachBy::NodePort => node_port(&api, reach, inventory, &plan.service).await,
        ReachBy::LoadBalancer | ReachBy::Url => load_balancer(&api, scenario, &plan.service).await,
    }
}

/// The Service's selector: the scenario's, or the target's own.
async fn selector(
    world: &World,
    scenario: &Scenario,
) -> Result<std::collections::BTreeMap<String, String>, InstallError> {
    let target = &scenario.hpa.spec.scale_target_ref;
    let object = ObjectRef::target(scenario);
    let found: Option<DynamicObject> = api_of(&world.kube, &object)
        .get_opt(&target.name)
        .await
        .map_err(|e| InstallError::Object { verb: "read", object: object.to_string(), why: words(&e) })?;
    let found = found.ok_or_else(|| InstallError::NoTarget(object.to_string()))?;
    if !scenario.reach.selector.is_empty() {
        return Ok(scenario.reach.selector.clone());
    }
    serde_json::from_value(found.data["spec"]["selector"]["matchLabels"].clone())
        .map_err(|_| InstallError::NoAddress(format!("{object} has no matchLabels; set reach.selector")))
}

async fn node_port(
    api: &Api<Service>,
    reach: &Reach,
    inventory: &Inventory,
    name: &str,
) -> Result<Endpoint, InstallError> {
    let made = api.get(name).await.map_err(|e| InstallError::Object {
        verb: "read",
        object: format!("Service {name}"),
        why: words(&e),
    })?;
    let port = made.spec.and_then(|spec| spec.ports?.first()?.node_port);
    let port = port.ok_or_else(|| InstallError::NoAddress(format!("Service {name} was given no node port")))?;
    let ready =
        inventory.nodes.iter().zip(&inventory.node_addresses).find(|(node, address)| node.ready && !address.is_empty());
    let (address, node) = match (&reach.node_address, ready) {
        (Some(address), _) => (address.clone(), "the scenario's node address".to_owned()),
        (None, Some((node, address))) => (address.clone(), format!("node {}", node.name)),
        (None, None) => {
            return Err(InstallError::NoAddress("no Ready node has an address; set reach.nodeAddress".to_owned()));
        }
    };
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    Ok(Endpoint {
        url: format!("http://{host}:{port}"),
        by: format!("NodePort {port} on {node}"),
        service: Some(name.to_owned()),
    })
}

async fn load_balancer(api: &Api<Service>, scenario: &Scenario, name: &str) -> Result<Endpoint, InstallError> {
    let bound = scenario.phases.install;
    let none = |why: &str| InstallError::NoAddress(format!("Service {name}: {why}; set reach.by: NodePort or URL"));
    let wait = await_condition(api.clone(), name, conditions::is_service_loadbalancer_provisioned());
    let service = tokio::time::timeout(bound.duration(), wait)
        .await
        .map_err(|_| none(&format!("no load balancer was provisioned within {bound}")))?
        .map_err(|e| none(&e.to_string()))?;
    let ingress = service.and_then(|s| s.status?.load_balancer?.ingress?.into_iter().next());
    let address = ingress.and_then(|i| i.ip.or(i.hostname)).ok_or_else(|| none("the load balancer has no address"))?;
    Ok(Endpoint {
        url: format!("http://{address}:{}", scenario.reach.port),
        by: format!("LoadBalancer {address}"),
        service: Some(name.to_owned()),
    })
}
