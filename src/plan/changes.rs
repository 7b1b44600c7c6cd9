//! Every change that a run makes, as text and in order.

use super::adoption::is_adopted;
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
    all.push(format!(
        "create HorizontalPodAutoscaler {}/{} on {} {}",
        scenario.namespace, plan.hpa, target.kind, target.name
    ));
    all.push(format!("send chats to it from {} workers, and one to each new pod", scenario.load.concurrency));
    let target = inventory.preflight.target.as_ref();
    let scale =
        target.map_or(String::new(), |target| format!(", and set the target back to {} replicas", target.replicas));
    all.push(format!("undo all of the above, in reverse order{scale}"));
    all
}
