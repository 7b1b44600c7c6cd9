//! The simulator: implements the interfaces of the live environment (`RunEnv`) in process and in virtual time. It
//! rejects requests that it does not support instead of guessing. The same seed gives the same bundle, byte for byte.
//!
//! The simulated server is Ollama in all that a chat needs: its chart, its port and its two protocols. A scenario whose metric is
//! one of vLLM, llama.cpp, TGI or Triton is rehearsed with it too: the server then serves that server's page of metrics as well,
//! from its own slots and queue, on the port that the scenario states for the page.
//!
//! | module | simulates |
//! |---|---|
//! | `cluster` | the API server's storage: objects, versions, managed fields |
//! | `objects` | readers of objects that several of these share |
//! | `api` | the API server: a tower service under `kube::Client` |
//! | `controllers` | the controllers, scheduler and kubelets, the HPA controller among them |
//! | `pipeline` | exporter, store and metrics adapter, with their delays |
//! | `pages` | which series exporters and inference servers have, by profile |
//! | `ollama` | the server in the pods: slots, queue, tokens |
//! | `platform` | the cluster with its servers and pipeline, which `api`, `network` and `controllers` share |
//! | `network` | connections from outside the cluster to the pods |
//! | `helm` | helm and the supported charts |
//! | `client` | the machine that runs gpuhpa |
//! | `unsupported` | what of a scenario the simulator does not have |
//! | `faults` | the fault catalogue |
//! | `params` | the parameters of `--set` |
//! | `config` | the configuration of all of them; a fault is a configuration that no healthy cluster has |

mod api;
mod client;
mod cluster;
pub mod config;
mod controllers;
pub mod faults;
#[cfg(test)]
mod fixtures;
mod helm;
mod network;
mod objects;
mod ollama;
mod pages;
pub(crate) mod params;
mod pipeline;
mod platform;
mod unsupported;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::RunClock;
use crate::env::{Bundle, KubeClients, RunEnv, TimelineWriter};
use crate::model::scenario::Scenario;
use crate::sim::config::SimConfig;
use cluster::SimCluster;
use platform::SimPlatform;
pub(crate) use unsupported::{UnsupportedParts, find_unsupported};

/// A running simulated platform. It stops when it is dropped.
#[must_use = "a platform that is dropped stops"]
pub struct Simulation {
    platform: SimPlatform,
    _tasks: JoinSet<()>,
}

/// Starts a simulated platform for a scenario, with the nodes, exporter and store that the scenario assumes. Must be
/// called on a runtime with paused time, which is then the platform's time.
pub fn start(config: SimConfig, scenario: &Scenario, clock: RunClock) -> Simulation {
    let platform = SimPlatform::new(SimCluster::new(clock, config));
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
    /// Number of steps of the writes that clients have made. A test can interrupt the run at each step.
    #[must_use]
    pub fn client_steps(&self) -> watch::Receiver<u64> {
        self.platform.cluster.write_steps()
    }

    /// Every object without the fields that change by themselves, keyed by `resource namespace/name`. Omits events,
    /// status, versions and the renew times of Leases.
    #[must_use]
    pub fn snapshot_objects(&self) -> BTreeMap<String, Value> {
        let all = self.platform.cluster.all_objects().into_iter();
        let lasting = all.filter(|((resource, ..), _)| !resource.starts_with("events"));
        let without_volatile_fields =
            |((resource, namespace, name), object): ((String, String, String), Arc<Value>)| {
                let mut object = (*object).clone();
                object["status"] = Value::Null;
                for field in ["resourceVersion", "managedFields", "generation"] {
                    object["metadata"][field] = Value::Null;
                }
                if resource.starts_with("leases") {
                    object["spec"]["renewTime"] = Value::Null;
                }
                (format!("{resource} {namespace}/{name}"), object)
            };
        lasting.map(without_volatile_fields).collect()
    }

    /// The bundle with the disk limit of the machine that runs gpuhpa. Clones share the limit.
    #[must_use]
    pub(crate) fn limit_bundle(&self, bundle: &Bundle) -> Bundle {
        client::limit_bundle(&self.platform.cluster.config().client, bundle)
    }

    /// The interfaces through which a run uses the platform.
    #[must_use]
    pub fn env(&self, scenario: &Scenario, bundle: &Bundle) -> RunEnv {
        let client = api::kube_client(&self.platform);
        let clock = self.platform.cluster.clock();
        RunEnv {
            kube: KubeClients::new(client),
            http: network::http_client(&self.platform),
            // The simulated server asks for none, so that a rehearsal needs no secret.
            bearer_token: None,
            helm: Arc::new(helm::SimHelm::new(self.platform.cluster.clone())),
            bundle: bundle.clone(),
            timeline: Arc::new(TimelineWriter::new(clock, bundle.clone())),
            clock,
            seed: scenario.load.seed,
        }
    }
}
