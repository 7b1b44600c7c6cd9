//! The simulated control loops: the controllers of kube-controller-manager, the scheduler and the kubelets, reduced to
//! what gpuhpa can observe of them. One task runs them all: it sleeps until an object changes or an item is due, and
//! processes due items in time order, so that the same seed gives the same history.
//!
//! | module | content |
//! |---|---|
//! | `populate`, `existing_objects`, `claimable_devices` | the objects that exist before a run |
//! | `manager` | the task, and the state of all control loops |
//! | `context`, `work_queue` | what the control loops share |
//! | `event_handlers` | the items that a change enqueues |
//! | `deployment`, `replica_set`, `stateful_set`, `pods` | workloads and their pods |
//! | `scheduler`, `persistent_volume`, `kubelet` | the life cycle of a pod |
//! | `claim_allocation`, `resource_claim` | resource claims (DRA): their devices; their creation and release |
//! | `endpoint_slice`, `load_balancer`, `api_service` | reachability of Services and aggregated APIs |
//! | `namespace`, `garbage_collector` | deletion |
//! | `node_lifecycle` | lost nodes |
//! | `keda_install`, `keda_operator` | KEDA: its objects, and the HPAs that it makes of ScaledObjects |
//! | `hpa_controller` | the HPA controller, whose decisions are those of `hpa::reconcile` |
//! | `injections` | interference by other users and failures of the cluster during a run |

mod api_service;
mod claim_allocation;
mod claimable_devices;
mod context;
mod deployment;
mod endpoint_slice;
mod event;
mod event_handlers;
mod existing_objects;
mod garbage_collector;
mod generated_names;
mod hpa_controller;
mod injections;
mod keda_install;
mod keda_operator;
mod kubelet;
mod lease;
mod load_balancer;
mod manager;
mod namespace;
mod node_lifecycle;
mod persistent_volume;
mod pods;
mod populate;
mod replica_set;
mod resource_claim;
mod scheduler;
mod stateful_set;
mod work_queue;

#[cfg(test)]
mod tests;

use serde_json::Value;
use tokio::task::JoinSet;

use super::platform::SimPlatform;
use crate::model::scenario::Scenario;

/// Creates the objects that exist before a run: nodes, namespaces, and what the scenario presupposes.
pub(super) fn populate(platform: &SimPlatform, scenario: &Scenario) {
    populate::populate_cluster(&platform.cluster, scenario);
}

/// Starts the control loops.
pub(super) fn spawn(platform: &SimPlatform, tasks: &mut JoinSet<()>) {
    let pipeline = platform.pipeline.clone();
    let metrics_api = Box::new(move |path: &str| pipeline.query_metrics_api(path));
    let (servers, cluster) = (platform.servers.clone(), platform.cluster.clone());
    let is_away = Box::new(move || servers.is_active(cluster.config().pipeline.keda_away.as_ref()));
    let pipeline = platform.pipeline.clone();
    let check = Box::new(move |object: &Value, is_hpa_active| pipeline.check_scaler(object, is_hpa_active));
    let keda_scalers = keda_operator::ScalerAccess { is_away, check };
    let manager = manager::ControllerManager::new(platform.cluster.clone(), metrics_api, keda_scalers);
    tasks.spawn(manager.run());
}
