//! The simulated world: the same doors as the live one, answered in process and in virtual time. What is asked of it and
//! what it does not know it refuses, and says so; it never guesses. The same seed gives the same run, byte for byte.
//!
//! | room | what it stands for |
//! |---|---|
//! | `cluster` | what the API server keeps: objects, versions, who wrote which field |
//! | `api` | what it answers: a tower service under `kube::Client` |
//! | `controllers` | what changes objects by itself: Deployments, pods, endpoints, namespaces, the HPA controller |
//! | `pipeline` | exporter, store and metrics adapter, with their lags |
//! | `servers` | Ollama in the pods: slots, queue, tokens |
//! | `network` | the way from outside to the pods |
//! | `helm` | helm, and the charts that it knows |
//! | `client` | the machine on which we run ourselves |
//! | `faults` | the catalogue of faults |
//! | `knobs` | what can be set by name |
//! | `setting` | all of it in numbers; a fault is a setting that no healthy cluster has |

mod api;
mod client;
mod cluster;
mod config;
mod controllers;
pub mod faults;
mod helm;
mod network;
mod ollama;
pub mod params;
mod pipeline;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use api::{ApiFaultWindow, ApiServerConfig, DeniedPermission, RequestShare};
pub use client::{ClientHostConfig, StallSchedule};
pub use config::SimConfig;
pub use controllers::{
    ClusterInjection, ControllerConfig, HpaControllerConfig, HpaFault, InjectionAction, InjectionTime,
    InjectionTrigger, NewPodFault,
};
pub use helm::{HelmConfig, HelmFault};
pub use network::NetworkConfig;
pub use ollama::{ActiveWindow, AffectedPods, ChatFault, FaultyChats, OllamaConfig, WindowStart};
pub use pipeline::{DistortionHop, DistortionKind, MetricDistortion, PipelineConfig};

use crate::clock::RunClock;
use crate::env::{Bundle, RunEnv, TimelineWriter, with_retry};
use crate::model::scenario::Scenario;
use cluster::SimCluster;
use ollama::ServerRegistry;
use pipeline::MetricPipeline;

/// The simulated platform. Copies are the same one.
#[derive(Clone)]
struct SimPlatform {
    cluster: SimCluster,
    servers: ServerRegistry,
    pipeline: MetricPipeline,
}

/// A simulated platform at work. It stops when it is dropped.
#[must_use = "a platform that is dropped stops"]
pub struct Simulation {
    platform: SimPlatform,
    _tasks: JoinSet<()>,
}

/// Brings up a simulated platform for a scenario: the nodes, and what the scenario takes for granted (exporter, store).
/// Has to be called on a paused runtime, whose time is then the platform's.
pub fn start(setting: SimConfig, scenario: &Scenario, clock: RunClock) -> Simulation {
    let cluster = SimCluster::new(clock, setting);
    let servers = ServerRegistry::new(cluster.clone());
    let pipeline = MetricPipeline::new(cluster.clone(), servers.clone());
    let platform = SimPlatform { cluster, servers, pipeline };
    let mut tasks = JoinSet::new();
    controllers::populate(&platform, scenario);
    controllers::spawn(&platform, &mut tasks);
    platform.pipeline.spawn(&mut tasks);
    if let Some(stalls) = platform.cluster.config().client.stalls {
        tasks.spawn(client::run_stalls(stalls, platform.servers.clone()));
    }
    Simulation { platform, _tasks: tasks }
}

impl Simulation {
    /// How many steps those who come from outside have made with their changes: at each of them they may be stopped.
    #[must_use]
    pub fn client_steps(&self) -> watch::Receiver<u64> {
        self.platform.cluster.write_steps()
    }

    /// What stands in the cluster and would not change by itself: identity, labels, annotations, spec and data of every
    /// object, under `resource namespace/name`. Without events, and without the times at which Leases were renewed.
    #[must_use]
    pub fn snapshot_objects(&self) -> BTreeMap<String, Value> {
        let all = self.platform.cluster.all_objects().into_iter();
        let standing = all.filter(|((resource, ..), _)| !resource.starts_with("events"));
        let shown = |((resource, namespace, name), object): ((String, String, String), Arc<Value>)| {
            let mut object = (*object).clone();
            object["status"] = Value::Null;
            for passing in ["resourceVersion", "managedFields", "generation"] {
                object["metadata"][passing] = Value::Null;
            }
            if resource.starts_with("leases") {
                object["spec"]["renewTime"] = Value::Null;
            }
            (format!("{resource} {namespace}/{name}"), object)
        };
        standing.map(shown).collect()
    }

    /// The bundle on the disk of the machine on which we run. Its copies share the room.
    #[must_use]
    pub fn limit_bundle(&self, bundle: &Bundle) -> Bundle {
        self.platform.cluster.config().client.limit_bundle(bundle)
    }

    /// The doors to it.
    #[must_use]
    pub fn env(&self, scenario: &Scenario, bundle: &Bundle) -> RunEnv {
        let plain = api::kube_client(&self.platform);
        let clock = self.platform.cluster.clock();
        RunEnv {
            kube: with_retry(plain.clone()),
            kube_no_retry: plain,
            http: network::http_client(&self.platform),
            helm: Arc::new(helm::SimHelm::new(self.platform.cluster.clone())),
            bundle: bundle.clone(),
            timeline: Arc::new(TimelineWriter::new(clock, bundle.clone())),
            clock,
            seed: scenario.load.seed,
        }
    }
}
