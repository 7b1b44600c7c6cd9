//! Readers of simulated objects that several parts of the simulator share.

pub(super) mod claims;
pub(super) mod condition;
pub(super) mod devices;
pub(super) mod haproxy;
pub(super) mod keda;
pub(super) mod kinds;
pub(super) mod labels;
pub(super) mod lost_nodes;
pub(super) mod owner;
pub(super) mod resources;
pub(super) mod state;
