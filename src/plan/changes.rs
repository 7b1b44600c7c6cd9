//! Every change that a run makes, as text and in order.

use super::adoption::is_adopted;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::plan::Plan;
use crate::model::scenario::{EndpointType, IfExists, Scenario};

pub(super) fn list_changes(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Vec<String> {
    let mut all = Vec::new();
    for namespace in scenario.namespaces() {
        if !inventory.existing_namespaces.contains(&namespace) {
            all.push(format!("create namespace {namespace}"));
        }
    }
    all.push(format!("create Lease {}/{}, which locks the target for this run", scenario.namespace, plan.lease));
    for (name, release) in &scenario.releases {
        let namespace = scenario.release_namespace(name);
        let version = release.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
        let verb = match (inventory.existing_releases.contains_key(name), release.if_exists) {
            _ if is_adopted(scenario, inventory, name) => "adopt, without changes,",
            (true, IfExists::Upgrade) => "helm upgrade",
            _ => "helm install",
        };
        all.push(format!("{verb} {namespace}/{name} from {}{version}", release.chart));
    }
    if scenario.endpoint.kind != EndpointType::Url {
        let kind = if scenario.endpoint.kind == EndpointType::NodePort { "NodePort" } else { "LoadBalancer" };
        all.push(format!("create Service {}/{} of type {kind}", scenario.namespace, plan.service));
    }
    let target = &scenario.hpa.spec.scale_target_ref;
    let (namespace, hpa) = (&scenario.namespace, &plan.hpa);
    let on_target = format!("on {} {}", target.kind, target.name);
    all.push(match scenario.hpa_source() {
        HpaSource::Applied => format!("create HorizontalPodAutoscaler {namespace}/{hpa} {on_target}"),
        HpaSource::Adopted(_) => {
            format!("adopt, without changes, HorizontalPodAutoscaler {namespace}/{hpa} {on_target}")
        }
        HpaSource::ScaledObject => format!(
            "create ScaledObject {namespace}/{} {on_target}, of which KEDA makes HorizontalPodAutoscaler {hpa}",
            plan.service
        ),
    });
    all.push(format!("send chats to it from {} workers, and one to each new pod", scenario.load.concurrency));
    let target = inventory.preflight.target.as_ref().filter(|_| scenario.adopt.is_none());
    let scale =
        target.map_or(String::new(), |target| format!(", and set the target back to {} replicas", target.replicas));
    all.push(format!("undo all of the above, in reverse order{scale}"));
    all
}
