//! Clients for a real cluster, the helm binary and the network.

mod cluster;
mod helm;
pub mod http;
mod tls;

pub(crate) use cluster::{ClusterConnection, connect};
pub(crate) use helm::HelmBinary;
