//! The real world: the doors opened on a real cluster, a real helm and a real network.

mod cluster;
mod helm;
pub mod http;

pub use cluster::{ClusterConnection, ClusterError, connect};
pub use helm::HelmBinary;
