//! Reduces Kubernetes objects to the snapshots of [`model`](crate::model::snapshot): one rule for each field, for the
//! survey before a run and for the observations during it. Nothing here sends a request or keeps a state.

mod device_selector;
mod digest;
mod endpoints;
mod event;
mod hpa;
mod leader;
mod node;
mod pod;
mod resource_claim;
mod resources;
mod scaled_object;
mod workload;

pub(crate) use device_selector::DeviceSelector;
pub(crate) use endpoints::{ready_pods, service_selector, session_affinity};
pub(crate) use event::snapshot_event;
pub(crate) use hpa::snapshot_hpa;
pub(crate) use leader::{LEADER_LEASE_NAME, LEADER_LEASE_NAMESPACE, snapshot_leader};
pub(crate) use node::{node_info, snapshot_node};
pub(crate) use pod::snapshot_pod;
pub(crate) use resource_claim::claimed_devices;
pub(crate) use resources::{requested_resources, used_resources};
pub(crate) use scaled_object::snapshot_scaled_object;
pub(crate) use workload::{replicas_managers, snapshot_deployment, snapshot_stateful_set};
