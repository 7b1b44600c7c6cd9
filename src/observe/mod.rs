//! Watches the cluster while a run goes on and writes what it sees into the book: the HPA, the workload, pods, events,
//! nodes and endpoints by watches; the metric at each of its hops and the API server's clock by polls. It changes
//! nothing, judges nothing, and says where it could not see.

mod api_hop;
mod change_filter;
mod clock_poller;
mod context;
mod diagnostics;
mod digest;
mod endpoints;
mod event;
mod exporter_hop;
#[cfg(test)]
mod fake_cluster;
mod gap;
mod hop_request;
mod hpa;
mod leader;
mod node;
mod pod;
mod poll;
mod retry_after;
mod skew;
mod sources;
mod store_hop;
#[cfg(test)]
mod tests;
mod watcher;
mod workload;

use k8s_openapi::api::autoscaling::v2::MetricSpec;
use tokio::task::JoinSet;

pub use diagnostics::write_diagnostics;

use self::context::ObserverContext;
use crate::cancel::{self, CancelHandle, CancelToken};
use crate::env::RunEnv;
use crate::metrics::request::is_custom_or_external;
use crate::model::observation::{ObservationKind, RecordedGap};
use crate::model::scenario::{ExporterSpec, Scenario, StoreSpec};

/// What is observed. Whatever does not exist yet is seen as soon as it does.
#[derive(Clone, Debug)]
pub struct ObserverConfig {
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
    pub store: Option<StoreSpec>,
    /// The exporter behind the store.
    pub exporter: Option<ExporterSpec>,
}

impl ObserverConfig {
    /// What a scenario gives to observe. Of several metrics the first that the custom or external metrics API serves is
    /// read; cpu and memory are not.
    #[must_use]
    pub fn from_scenario(scenario: &Scenario, hpa: &str, service: Option<&str>) -> Self {
        let spec = &scenario.hpa.spec;
        Self {
            namespace: scenario.namespace.clone(),
            hpa: hpa.to_owned(),
            target_kind: spec.scale_target_ref.kind.clone(),
            target_name: spec.scale_target_ref.name.clone(),
            service: service.map(str::to_owned),
            metric: spec.metrics.iter().flatten().find(|metric| is_custom_or_external(metric)).cloned(),
            store: scenario.metric.store.clone(),
            exporter: scenario.metric.exporter.clone(),
        }
    }
}

/// A running observation. Dropped, it stops at once, without a last word about what could not be read.
#[must_use = "dropping the observer ends the observation"]
pub struct Observer {
    context: ObserverContext,
    started_ms: u64,
    cancel: CancelHandle,
    cancelled: CancelToken,
    tasks: JoinSet<()>,
}

/// Begins to observe. Returns at once; what is seen goes to the world's book.
pub fn start(world: &RunEnv, watch: ObserverConfig) -> Observer {
    start_with(ObserverContext::from_env(world), watch)
}

fn start_with(outside: ObserverContext, watch: ObserverConfig) -> Observer {
    let (stop, stopped) = cancel::channel();
    let started_ms = outside.clock.now_ms();
    let mut observer =
        Observer { started_ms, context: outside, cancel: stop, cancelled: stopped, tasks: JoinSet::new() };
    sources::spawn_tasks(&mut observer, watch);
    observer
}

impl Observer {
    /// Stops every task and waits for its end, which is at once: requests under way are dropped. Gaps that are still open
    /// are noted; a task that ended by itself, which is a bug, is noted as a gap of the source `observer`.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(why) = ended {
                let gap = RecordedGap {
                    source: "observer".to_owned(),
                    from_ms: self.started_ms,
                    reason: format!("a task ended by itself: {why}"),
                };
                self.context.timeline.record(ObservationKind::Gap(gap), None);
            }
        }
    }

    fn spawn(&mut self, mut task: impl ObserverTask + 'static) {
        let stop = self.cancelled.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task.run() => {}
            }
            task.on_stop();
        });
    }
}

/// One thing that is followed. It goes on until its future is dropped.
trait ObserverTask: Send {
    /// Follows without end.
    fn run(&mut self) -> impl Future<Output = ()> + Send;
    /// Says what has to be said at the end.
    fn on_stop(&self) {}
}
