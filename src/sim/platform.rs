//! The parts of the simulated platform that share state.

use super::cluster::SimCluster;
use super::ollama::ServerRegistry;
use super::pipeline::MetricPipeline;

/// The simulated platform. Clones share their state.
#[derive(Clone)]
pub(super) struct SimPlatform {
    pub(super) cluster: SimCluster,
    pub(super) servers: ServerRegistry,
    pub(super) pipeline: MetricPipeline,
}

impl SimPlatform {
    pub(super) fn new(cluster: SimCluster) -> Self {
        let servers = ServerRegistry::new(cluster.clone());
        let pipeline = MetricPipeline::new(cluster.clone(), servers.clone());
        Self { cluster, servers, pipeline }
    }
}
