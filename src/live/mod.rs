//! Clients for a real cluster, the helm binary and the network.

mod bearer_token;
mod cluster;
mod helm;
pub mod http;
mod tls;

pub(crate) use bearer_token::read_bearer_token;
pub(crate) use cluster::{ClusterConnection, connect};
pub(crate) use helm::HelmBinary;
