//! Clients for a real cluster, the helm binary and the network.

mod cluster;
mod helm;
pub mod http;
mod tls;

pub use cluster::{ClusterConnection, ClusterError, connect};
pub use helm::HelmBinary;
