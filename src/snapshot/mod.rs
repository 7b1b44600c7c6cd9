//! Reduces Kubernetes objects to the snapshots of [`model`](crate::model::snapshot): one rule for each field, for the
//! survey before a run and for the observations during it. Nothing here sends a request or keeps a state.

mod digest;
mod endpoints;
mod event;
mod hpa;
mod leader;
mod node;
mod pod;
mod resources;
mod workload;

pub use endpoints::{ready_pods, service_selector};
pub use event::snapshot_event;
pub use hpa::snapshot_hpa;
pub use leader::{LEADER_LEASE_NAME, LEADER_LEASE_NAMESPACE, snapshot_leader};
pub use node::snapshot_node;
pub use pod::snapshot_pod;
pub use resources::{extended_resources, held_resources, requested_resources};
pub use workload::{replicas_managers, snapshot_deployment, snapshot_stateful_set};
