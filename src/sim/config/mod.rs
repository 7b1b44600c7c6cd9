//! Configuration of the simulated platform, as plain data: a healthy platform by default, and the faults that it can
//! have. The parts of the simulator read it; it knows none of them.

mod api_server;
mod client;
mod controllers;
mod fault_scope;
mod helm;
pub(super) mod hpa_controller;
mod network;
mod ollama;
mod pipeline;

pub(crate) use api_server::ApiServerConfig;
pub use api_server::{ApiFaultWindow, DeniedPermission, HpaSpecChange, RequestShare};
pub(crate) use client::{ClientHostConfig, StallSchedule};
pub use controllers::{AcceleratorOffer, ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger};
pub(crate) use controllers::{ControllerConfig, MigStrategy, NewPodFault};
pub(crate) use fault_scope::AffectedPods;
pub use fault_scope::{ActiveWindow, WindowStart};
pub(crate) use helm::{HelmConfig, HelmFault};
pub(crate) use hpa_controller::HpaFault;
pub(crate) use network::{EndpointChoice, NetworkConfig};
pub(crate) use ollama::OllamaConfig;
pub use ollama::{ChatFault, FaultyChats};
pub use pipeline::SharedValues;
pub(crate) use pipeline::{DistortionHop, DistortionKind, MetricDistortion, PipelineConfig};

use crate::model::scenario::Scenario;
use crate::seed::SplitMix64;
use crate::sim::pages::{self, ENGINE_ACTIVE_FIELD};
use crate::units::HumanDuration;

/// Configuration of all parts of a simulated platform.
#[derive(Clone, Debug, Default)]
pub struct SimConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// The API server.
    pub api: ApiServerConfig,
    /// Nodes, kubelets and controllers.
    pub controllers: ControllerConfig,
    /// Exporter, store and adapter.
    pub pipeline: PipelineConfig,
    /// Ollama.
    pub ollama: OllamaConfig,
    /// Connections from outside the cluster.
    pub network: NetworkConfig,
    /// helm.
    pub helm: HelmConfig,
    /// The machine that runs gpuhpa.
    pub client: ClientHostConfig,
}

impl SimConfig {
    /// A healthy platform that matches the scenario's assumptions, with an accelerator for each of its `maxReplicas`.
    #[must_use]
    pub fn from_scenario(scenario: &Scenario, seed: u64) -> Self {
        let mut config = Self { seed, ..Self::default() };
        let assumed = &scenario.assumptions;
        let hpa_controller = &mut config.controllers.hpa_controller;
        hpa_controller.sync_period = assumed.sync_period;
        hpa_controller.tolerance = assumed.tolerance;
        hpa_controller.downscale_stabilization = assumed.downscale_stabilization;
        let pipeline = &mut config.pipeline;
        pipeline.exporter_interval = assumed.exporter_interval;
        pipeline.scrape_interval = assumed.scrape_interval;
        pipeline.store_offset = assumed.store_offset;
        pipeline.relist_interval = assumed.relist_interval;
        if let Some(exporter) = &scenario.metric.exporter {
            pipeline.exporter_namespace.clone_from(&exporter.namespace);
        }
        (pipeline.exporter, pipeline.server_page) = (pages::find_exporter(scenario), pages::find_server_page(scenario));
        pipeline.device_memory_mib = pipeline.exporter.device_memory_mib;
        pipeline.device_model = pipeline.exporter.device_model.to_owned();
        // A rule of the renamed labels is for a store that renames them.
        pipeline.honor_labels = !pages::names_renamed_labels(scenario);
        // A field that nothing reads would only make the store larger.
        pipeline.has_engine_active = scenario.metric.series_names().contains(&ENGINE_ACTIVE_FIELD);
        let service = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref());
        pipeline.store_service = service.cloned();
        let store = scenario.metric.store.as_ref().and_then(|store| store.url.clone());
        config.network.store_url = store.unwrap_or_default();
        config.network.connect_timeout = scenario.load.timeouts.connect;
        let max = usize::try_from(scenario.hpa.spec.max_replicas).unwrap_or(1);
        config.set_accelerators(max.max(2));
        config
    }

    /// Sets the number of accelerators: two per node for an even number, else one.
    pub(crate) fn set_accelerators(&mut self, count: usize) {
        let per_node = if count.is_multiple_of(2) { 2 } else { 1 };
        (self.controllers.accelerator_nodes, self.controllers.accelerators_per_node) = (count / per_node, per_node);
    }

    /// Offers one accelerator as this many devices (time-slicing): all pods of the target share it.
    pub(crate) fn share_one_accelerator(&mut self, devices: usize) {
        self.set_accelerators(1);
        self.controllers.devices_per_accelerator = devices;
    }

    /// Offers the same number of devices as MIG instances of one node.
    pub(crate) fn divide_into_instances(&mut self, strategy: MigStrategy) {
        let pods = &mut self.controllers;
        let count = pods.accelerator_nodes * pods.accelerators_per_node;
        (pods.accelerator_nodes, pods.accelerators_per_node, pods.devices_per_accelerator) = (1, count, 1);
        (pods.mig, pods.offer) = (Some(strategy), AcceleratorOffer::DevicePlugin);
    }

    /// What no platform has together; `None` where there is nothing of that kind.
    pub(crate) fn find_contradiction(&self) -> Option<String> {
        let (pods, profile) = (&self.controllers, self.pipeline.exporter.profile);
        let what = match (pods.mig.is_some(), pods.devices_per_accelerator > 1) {
            (true, _) => "MIG instances are",
            (false, true) => "time-slicing is",
            (false, false) => return None,
        };
        (profile != pages::DCGM.profile).then(|| {
            format!("{what} simulated with dcgm-exporter alone: the scenario's exporter has the profile {profile}")
        })
    }

    /// The same platform with other valid values that the seed determines: no delay exceeds the scenario's assumptions.
    #[must_use]
    pub fn randomized(mut self, scenario: &Scenario) -> Self {
        let mut random = SplitMix64::new(self.seed ^ 0x6865_616c_7468_7921);
        let mut below = |end: u64| random.next_u64() % end.max(1);
        let mut within = |low: u64, high: u64| low + below(high.saturating_sub(low) + 1);
        let pipeline = &mut self.pipeline;
        for interval in [&mut pipeline.exporter_interval, &mut pipeline.scrape_interval, &mut pipeline.relist_interval]
        {
            *interval = HumanDuration::from_ms(within(interval.ms().min(1000), interval.ms()));
        }
        pipeline.store_offset = HumanDuration::from_ms(within(0, pipeline.store_offset.ms()));
        pipeline.sample_window = HumanDuration::from_ms(within(100, 5000));
        pipeline.stale_markers = within(0, 1) == 1;
        let api = &mut self.api;
        (api.latency, api.clock_offset_ms) = (HumanDuration::from_ms(within(1, 40)), within(0, 4000) as i64 - 2000);
        let pods = &mut self.controllers;
        pods.max_reaction_delay = HumanDuration::from_ms(within(5, 300));
        pods.scheduling_delay = HumanDuration::from_ms(within(20, 1500));
        // Leaves time within the assumed pod start for the readiness probe and for delays that are a quarter longer.
        let start_ms = scenario.assumptions.pod_start.ms() / 4;
        (pods.image_pull, pods.container_start) =
            (HumanDuration::from_ms(within(0, start_ms)), HumanDuration::from_ms(within(300, start_ms / 2)));
        pods.container_stop = HumanDuration::from_ms(within(100, 3000));
        pods.reports_devices = within(0, 1) == 1;
        pods.hpa_controller.events_lost = within(0, 9) == 0;
        pods.cpu_nodes = within(0, 2) as usize;
        let max_replicas = usize::try_from(scenario.hpa.spec.max_replicas).unwrap_or(1);
        // Usually a few nodes with several accelerators each, rarely many.
        let nodes = if within(0, 7) == 0 { within(4, 8) } else { within(2, 3) } as usize;
        (pods.accelerator_nodes, pods.accelerators_per_node) =
            (nodes, (max_replicas.max(2) + within(0, 2) as usize).div_ceil(nodes));
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
