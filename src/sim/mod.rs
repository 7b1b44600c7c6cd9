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
mod controllers;
pub mod faults;
mod helm;
pub mod knobs;
mod network;
mod pipeline;
mod servers;
mod setting;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use api::{ApiSetting, Denied, Share, Window};
pub use client::{ClientSetting, Stalls};
pub use controllers::{AutoscalerSetting, Behaves, ControllerSetting, Mishap, Moment, NewPods, What, When};
pub use helm::{HelmFault, HelmSetting};
pub use network::NetworkSetting;
pub use pipeline::{Distortion, How, PipelineSetting, Place};
pub use servers::{Broken, BrokenChats, During, ServerSetting, Since, Who};
pub use setting::Setting;

use crate::clock::Clock;
use crate::record::scenario::Scenario;
use crate::world::{Book, Bundle, World, patient};
use cluster::Cluster;
use pipeline::Pipeline;
use servers::Servers;

/// The simulated platform. Copies are the same one.
#[derive(Clone)]
struct Platform {
    cluster: Cluster,
    servers: Servers,
    pipeline: Pipeline,
}

/// A simulated platform at work. It stops when it is dropped.
#[must_use = "a platform that is dropped stops"]
pub struct Rehearsal {
    platform: Platform,
    _tasks: JoinSet<()>,
}

/// Brings up a simulated platform for a scenario: the nodes, and what the scenario takes for granted (exporter, store).
/// Has to be called on a paused runtime, whose time is then the platform's.
pub fn begin(setting: Setting, scenario: &Scenario, clock: Clock) -> Rehearsal {
    let cluster = Cluster::new(clock, setting);
    let servers = Servers::new(cluster.clone());
    let pipeline = Pipeline::new(cluster.clone(), servers.clone());
    let platform = Platform { cluster, servers, pipeline };
    let mut tasks = JoinSet::new();
    controllers::populate(&platform, scenario);
    controllers::spawn(&platform, &mut tasks);
    platform.pipeline.spawn(&mut tasks);
    if let Some(stalls) = platform.cluster.setting().client.stalls {
        tasks.spawn(client::stall(stalls, platform.servers.clone()));
    }
    Rehearsal { platform, _tasks: tasks }
}

impl Rehearsal {
    /// How many steps those who come from outside have made with their changes: at each of them they may be stopped.
    #[must_use]
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.platform.cluster.steps()
    }

    /// What stands in the cluster and would not change by itself: identity, labels, annotations, spec and data of every
    /// object, under `resource namespace/name`. Without events, and without the times at which Leases were renewed.
    #[must_use]
    pub fn standing(&self) -> BTreeMap<String, Value> {
        let all = self.platform.cluster.everything().into_iter();
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
    pub fn disk(&self, bundle: &Bundle) -> Bundle {
        self.platform.cluster.setting().client.disk(bundle)
    }

    /// The doors to it.
    #[must_use]
    pub fn world(&self, scenario: &Scenario, bundle: &Bundle) -> World {
        let plain = api::client(&self.platform);
        let clock = self.platform.cluster.clock();
        World {
            kube: patient(plain.clone()),
            plain,
            http: network::http(&self.platform),
            helm: Arc::new(helm::SimulatedHelm::new(self.platform.cluster.clone())),
            bundle: bundle.clone(),
            book: Arc::new(Book::new(clock, bundle.clone())),
            clock,
            seed: scenario.load.seed,
        }
    }
}
