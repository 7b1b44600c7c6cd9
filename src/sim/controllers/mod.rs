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
mod autoscaler;
mod balancer;
mod condition;
mod deployment;
mod endpoints;
mod event;
mod garbage;
mod kinds;
mod kubelet;
mod labels;
mod lease;
mod manager;
mod mishaps;
mod namespaces;
mod node_monitor;
mod notice;
mod pods;
mod populate;
mod queue;
mod replica_set;
mod revision;
mod scheduler;
mod setting;
mod stateful_set;
mod volumes;

#[cfg(test)]
mod tests;

use serde_json::Value;
use tokio::task::JoinSet;

pub use setting::{AutoscalerSetting, Behaves, ControllerSetting, Mishap, Moment, NewPods, What, When};

use super::Platform;
use super::cluster::{Cluster, Refusal};
use crate::record::scenario::Scenario;

/// Who answers the HPA controller's questions to the metrics APIs.
type Ask = Box<dyn Fn(&str) -> Result<Value, Refusal> + Send>;

/// What stands in the cluster before a run: nodes, namespaces, and what the scenario takes for granted.
pub(super) fn populate(platform: &Platform, scenario: &Scenario) {
    populate::all(&platform.cluster, scenario);
}

/// Everything that acts by itself.
pub(super) fn spawn(platform: &Platform, tasks: &mut JoinSet<()>) {
    let pipeline = platform.pipeline.clone();
    let ask: Ask = Box::new(move |path| pipeline.metrics_api(path));
    tasks.spawn(manager::Manager::new(platform.cluster.clone(), ask).run());
}

/// The devices that a pod holds, each by its node, its id and the number of its card.
pub(super) fn devices(pod: &Value) -> Vec<(String, String, usize)> {
    kubelet::device::of(pod)
}

/// Whether a node is lost.
pub(super) fn is_lost(node: &Value) -> bool {
    node_monitor::is_lost(node)
}

/// Whether a pod stands on a node that is lost: nothing there answers any more.
pub(super) fn has_lost_its_node(cluster: &Cluster, pod: &Value) -> bool {
    node_monitor::has_lost(cluster, pod)
}

/// The devices that a node offers, each by its id and the number of its card.
pub(super) fn offered(node: &Value) -> Vec<(String, usize)> {
    kubelet::device::offered(node)
}
