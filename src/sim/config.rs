//! A simulated platform in numbers. The defaults are a healthy one; what each number means stands with its owner.

use super::{api, client, controllers, helm, network, ollama, pipeline};
use crate::model::scenario::Scenario;
use crate::seed::SplitMix64;
use crate::units::HumanDuration;

/// All that a simulated platform consists of.
#[derive(Clone, Debug, Default)]
pub struct SimConfig {
    /// Seed of everything that chance decides in it.
    pub seed: u64,
    /// The API server.
    pub api: api::ApiServerConfig,
    /// Nodes, pods and controllers.
    pub controllers: controllers::ControllerConfig,
    /// Exporter, store and adapter.
    pub pipeline: pipeline::PipelineConfig,
    /// Ollama.
    pub ollama: ollama::OllamaConfig,
    /// The way to the pods.
    pub network: network::NetworkConfig,
    /// helm.
    pub helm: helm::HelmConfig,
    /// Our own machine.
    pub client: client::ClientHostConfig,
}

impl SimConfig {
    /// A healthy platform that is as the scenario assumes, with an accelerator for each replica that it may come to.
    #[must_use]
    pub fn from_scenario(scenario: &Scenario, seed: u64) -> Self {
        let mut setting = Self { seed, ..Self::default() };
        let assumed = &scenario.assumptions;
        let autoscaler = &mut setting.controllers.hpa_controller;
        autoscaler.sync_period = assumed.sync_period;
        autoscaler.tolerance = assumed.tolerance;
        autoscaler.downscale_stabilization = assumed.downscale_stabilization;
        let pipeline = &mut setting.pipeline;
        pipeline.exporter_interval = assumed.exporter_interval;
        pipeline.scrape_interval = assumed.scrape_interval;
        pipeline.store_offset = assumed.store_offset;
        pipeline.relist_interval = assumed.relist_interval;
        if let Some(exporter) = &scenario.metric.exporter {
            pipeline.exporter_namespace.clone_from(&exporter.namespace);
        }
        let store = scenario.metric.store.as_ref().and_then(|store| store.url.clone());
        setting.network.store_url = store.unwrap_or_default();
        setting.network.connect_timeout = scenario.load.timeouts.connect;
        let max = usize::try_from(scenario.hpa.spec.max_replicas).unwrap_or(1);
        setting.set_accelerators(max.max(2));
        setting
    }

    /// So many accelerators: two on a node, where they come out even.
    pub fn set_accelerators(&mut self, count: usize) {
        let each = if count.is_multiple_of(2) { 2 } else { 1 };
        (self.controllers.accelerator_nodes, self.controllers.accelerators_per_node) = (count / each, each);
    }

    /// The same platform with other lawful numbers, as the seed has it: nothing in it is slower than the scenario assumes.
    #[must_use]
    pub fn randomized(mut self, scenario: &Scenario) -> Self {
        let mut chance = SplitMix64::new(self.seed ^ 0x6865_616c_7468_7921);
        let mut below = |end: u64| chance.next_u64() % end.max(1);
        let mut within = |low: u64, high: u64| low + below(high.saturating_sub(low) + 1);
        let pipeline = &mut self.pipeline;
        for span in [&mut pipeline.exporter_interval, &mut pipeline.scrape_interval, &mut pipeline.relist_interval] {
            *span = HumanDuration::from_ms(within(span.ms().min(1000), span.ms()));
        }
        pipeline.store_offset = HumanDuration::from_ms(within(0, pipeline.store_offset.ms()));
        pipeline.sample_window = HumanDuration::from_ms(within(100, 5000));
        pipeline.stale_markers = within(0, 1) == 1;
        let api = &mut self.api;
        (api.latency, api.clock_offset_ms) = (HumanDuration::from_ms(within(1, 40)), within(0, 4000) as i64 - 2000);
        let pods = &mut self.controllers;
        pods.max_reaction_delay = HumanDuration::from_ms(within(5, 300));
        pods.scheduling_delay = HumanDuration::from_ms(within(20, 1500));
        // What is left of the assumed start of a pod after its readiness probe and the spread of a quarter.
        let start_ms = scenario.assumptions.pod_start.ms() / 4;
        (pods.image_pull, pods.container_start) =
            (HumanDuration::from_ms(within(0, start_ms)), HumanDuration::from_ms(within(300, start_ms / 2)));
        pods.container_stop = HumanDuration::from_ms(within(100, 3000));
        pods.reports_devices = within(0, 1) == 1;
        pods.hpa_controller.events_lost = within(0, 9) == 0;
        pods.cpu_nodes = within(0, 2) as usize;
        let most = usize::try_from(scenario.hpa.spec.max_replicas).unwrap_or(1);
        // Mostly a few nodes with several accelerators each, seldom many.
        let nodes = if within(0, 7) == 0 { within(4, 8) } else { within(2, 3) } as usize;
        (pods.accelerator_nodes, pods.accelerators_per_node) =
            (nodes, (most.max(2) + within(0, 2) as usize).div_ceil(nodes));
        let servers = &mut self.ollama;
        servers.slots = within(1, 3) as usize;
        servers.tokens_per_second = f64::from(within(40, 160) as u32);
        servers.prompt_eval = HumanDuration::from_ms(within(10, 400));
        servers.model_load = HumanDuration::from_ms(within(200, 8000));
        servers.busy_percent = f64::from(within(85, 100) as u32);
        self.network.round_trip = HumanDuration::from_ms(within(0, 30));
        self.helm.latency = HumanDuration::from_ms(within(200, 3000));
        self
    }
}
