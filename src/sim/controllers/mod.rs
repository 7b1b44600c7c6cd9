//! What changes objects by itself: the controllers of kube-controller-manager, the scheduler and the kubelets, reduced to
//! what gpuhpa can see of them. All of it is one task, which sleeps until something changes or something is due, and then
//! does what is due in the order of time: so the same seed gives the same history.
//!
//! | file | what it stands for |
//! |---|---|
//! | `populate` | what stands in the cluster before a run |
//! | `manager`, `queue`, `notice` | the task: what is due when, and which change concerns whom |
//! | `deployment`, `replica_set`, `stateful_set`, `pods` | workloads and their pods |
//! | `scheduler`, `volumes`, `kubelet` | from a pod to a server that answers, and back |
//! | `endpoints`, `balancer`, `api_service` | who serves what |
//! | `namespaces`, `garbage` | deletion |
//! | `node_monitor` | a node that is lost |
//! | `autoscaler` | the HPA controller over `hpa::reconcile` |
//! | `mishaps` | what others do to the cluster in the middle of a run |

mod api_service;
mod condition;
mod config;
mod deployment;
mod endpoint_slice;
mod event;
mod event_handlers;
mod garbage_collector;
mod generated_names;
mod hpa_controller;
mod injections;
mod kinds;
mod kubelet;
mod labels;
mod lease;
mod load_balancer;
mod manager;
mod namespace;
mod node_lifecycle;
mod persistent_volume;
mod pods;
mod populate;
mod replica_set;
mod scheduler;
mod stateful_set;
mod work_queue;

#[cfg(test)]
mod tests;

use serde_json::Value;
use tokio::task::JoinSet;

pub use config::{
    ClusterInjection, ControllerConfig, HpaControllerConfig, HpaFault, InjectionAction, InjectionTime,
    InjectionTrigger, NewPodFault,
};

use super::SimPlatform;
use super::cluster::{SimCluster, StatusError};
use crate::model::scenario::Scenario;

/// Who answers the HPA controller's questions to the metrics APIs.
type MetricsApiHandler = Box<dyn Fn(&str) -> Result<Value, StatusError> + Send>;

/// What stands in the cluster before a run: nodes, namespaces, and what the scenario takes for granted.
pub(super) fn populate(platform: &SimPlatform, scenario: &Scenario) {
    populate::populate_cluster(&platform.cluster, scenario);
}

/// Everything that acts by itself.
pub(super) fn spawn(platform: &SimPlatform, tasks: &mut JoinSet<()>) {
    let pipeline = platform.pipeline.clone();
    let ask: MetricsApiHandler = Box::new(move |path| pipeline.query_metrics_api(path));
    tasks.spawn(manager::ControllerManager::new(platform.cluster.clone(), ask).run());
}

/// The devices that a pod holds, each by its node, its id and the number of its card.
pub(super) fn pod_devices(pod: &Value) -> Vec<(String, String, usize)> {
    kubelet::devices::pod_devices(pod)
}

/// Whether a node is lost.
pub(super) fn is_node_lost(node: &Value) -> bool {
    node_lifecycle::is_lost(node)
}

/// Whether a pod stands on a node that is lost: nothing there answers any more.
pub(super) fn is_on_lost_node(cluster: &SimCluster, pod: &Value) -> bool {
    node_lifecycle::is_on_lost_node(cluster, pod)
}

/// The devices that a node offers, each by its id and the number of its card.
pub(super) fn node_devices(node: &Value) -> Vec<(String, usize)> {
    kubelet::devices::node_devices(node)
}
