//! Watches the cluster while a run goes on and writes what it sees into the book: the HPA, the workload, pods, events,
//! nodes and endpoints by watches; the metric at each of its hops and the API server's clock by polls. It changes
//! nothing, judges nothing, and says where it could not see.

mod api_hop;
mod ask;
#[cfg(test)]
mod bench;
mod clock_hop;
mod diagnostics;
mod digest;
mod endpoints;
mod event;
mod exporter_hop;
mod follow;
mod gap;
mod hpa;
mod leader;
mod ledger;
mod node;
mod outside;
mod pod;
mod poll;
mod rest;
mod skew;
mod sources;
mod store_hop;
#[cfg(test)]
mod tests;
mod workload;

use k8s_openapi::api::autoscaling::v2::MetricSpec;
use tokio::task::JoinSet;

pub use diagnostics::diagnose;

use self::outside::Outside;
use crate::metrics::question::is_custom;
use crate::record::observation::{GapSeen, Seen};
use crate::record::scenario::{Exporter, Scenario, Store};
use crate::stop::{self, Stop, StopButton};
use crate::world::World;

/// What is observed. Whatever does not exist yet is seen as soon as it does.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Namespace of the target, the HPA and the Service.
    pub namespace: String,
    /// Name of the HPA.
    pub hpa: String,
    /// Kind of the target: Deployment or StatefulSet.
    pub target_kind: String,
    /// Name of the target.
    pub target_name: String,
    /// Name of our Service, where there is one.
    pub service: Option<String>,
    /// The metric that is read at the metrics API.
    pub metric: Option<MetricSpec>,
    /// The store behind it.
    pub store: Option<Store>,
    /// The exporter behind the store.
    pub exporter: Option<Exporter>,
}

impl Watch {
    /// What a scenario gives to observe. Of several metrics the first that the custom or external metrics API serves is
    /// read; cpu and memory are not.
    #[must_use]
    pub fn of(scenario: &Scenario, hpa: &str, service: Option<&str>) -> Self {
        let spec = &scenario.hpa.spec;
        Self {
            namespace: scenario.namespace.clone(),
            hpa: hpa.to_owned(),
            target_kind: spec.scale_target_ref.kind.clone(),
            target_name: spec.scale_target_ref.name.clone(),
            service: service.map(str::to_owned),
            metric: spec.metrics.iter().flatten().find(|metric| is_custom(metric)).cloned(),
            store: scenario.metric.store.clone(),
            exporter: scenario.metric.exporter.clone(),
        }
    }
}

/// A running observation. Dropped, it stops at once, without a last word about what could not be read.
#[must_use = "dropping the observer ends the observation"]
pub struct Observer {
    outside: Outside,
    started_ms: u64,
    stop: StopButton,
    stopped: Stop,
    tasks: JoinSet<()>,
}

/// Begins to observe. Returns at once; what is seen goes to the world's book.
pub fn start(world: &World, watch: Watch) -> Observer {
    begin(Outside::of(world), watch)
}

fn begin(outside: Outside, watch: Watch) -> Observer {
    let (stop, stopped) = stop::button();
    let started_ms = outside.clock.now_ms();
    let mut observer = Observer { started_ms, outside, stop, stopped, tasks: JoinSet::new() };
    sources::spawn(&mut observer, watch);
    observer
}

impl Observer {
    /// Stops every task and waits for its end, which is at once: requests under way are dropped. Gaps that are still open
    /// are noted; a task that ended by itself, which is a bug, is noted as a gap of the source `observer`.
    pub async fn stop(mut self) {
        self.stop.press();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(why) = ended {
                let gap = GapSeen {
                    source: "observer".to_owned(),
                    from_ms: self.started_ms,
                    why: format!("a task ended by itself: {why}"),
                };
                self.outside.book.note(Seen::Gap(gap), None);
            }
        }
    }

    fn spawn(&mut self, mut task: impl Task + 'static) {
        let stop = self.stopped.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.pressed() => {}
                () = task.follow() => {}
            }
            task.last_word();
        });
    }
}

/// One thing that is followed. It goes on until its future is dropped.
trait Task: Send {
    /// Follows without end.
    fn follow(&mut self) -> impl Future<Output = ()> + Send;
    /// Says what has to be said at the end.
    fn last_word(&self) {}
}
