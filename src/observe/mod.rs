//! Observes the cluster during a run and records it in the timeline: the HPA, the workload, pods, events, nodes and
//! endpoints by watches; the metric at each hop and the API server's clock by polling. It changes nothing and judges
//! nothing; where a source cannot be read, it records a gap.

mod api_hop;
mod change_filter;
mod clock_poller;
mod context;
mod diagnostics;
mod endpoints;
mod exporter_hop;
#[cfg(test)]
mod fake_cluster;
mod gap;
mod hop_request;
mod poll;
mod retry_after;
mod scaled_object_poller;
mod skew;
mod sources;
mod store_hop;
#[cfg(test)]
mod tests;
mod watcher;
mod write_times;

use tokio::task::JoinSet;

pub(crate) use diagnostics::write_diagnostics;

use self::context::ObserverContext;
use crate::cancel::{self, CancelHandle, CancelToken};
use crate::env::RunEnv;
use crate::hpa;
use crate::model::metric_profile::MetricProfile;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::observation::{ObservationKind, RecordedGap};
use crate::model::plan::Plan;
use crate::model::scenario::{ExporterSpec, Scenario, StoreSpec};

/// What to observe. An object that does not exist yet is recorded as soon as it is created.
#[derive(Clone, Debug)]
pub(crate) struct ObserverConfig {
    /// Namespace of the target, the HPA and the Service.
    pub(crate) namespace: String,
    /// Name of the HPA.
    pub(crate) hpa: String,
    /// Name of the ScaledObject of which KEDA makes the HPA, if it does.
    pub(crate) scaled_object: Option<String>,
    /// Kind of the scale target: Deployment or StatefulSet.
    pub(crate) target_kind: String,
    /// Name of the scale target.
    pub(crate) target_name: String,
    /// Name of the Service in front of the target, if there is one.
    pub(crate) service: Option<String>,
    /// The metric to read from the metrics API.
    pub(crate) metric: Option<MetricUnderTest>,
    /// The store behind the metrics API.
    pub(crate) store: Option<StoreSpec>,
    /// The exporter behind the store.
    pub(crate) exporter: Option<ExporterSpec>,
    /// How to read the samples of store and exporter.
    pub(crate) profile: MetricProfile,
}

impl ObserverConfig {
    /// The configuration for a scenario and its plan.
    #[must_use]
    pub(crate) fn from_plan(scenario: &Scenario, plan: &Plan) -> Self {
        let target = &scenario.hpa.spec.scale_target_ref;
        Self {
            namespace: scenario.namespace.clone(),
            hpa: plan.hpa.clone(),
            scaled_object: hpa::scaled_object_name(&scenario.hpa.spec).map(str::to_owned),
            target_kind: target.kind.clone(),
            target_name: target.name.clone(),
            service: Some(plan.service.clone()),
            metric: plan.metric.clone(),
            store: scenario.metric.store.clone(),
            exporter: scenario.metric.exporter.clone(),
            profile: MetricProfile {
                own_page: scenario.metric.reads_own_pages(),
                ..scenario.metric.profile_or_generic().clone()
            },
        }
    }
}

/// A running observation. Dropping it stops the tasks at once, without recording the gaps that are open.
#[must_use = "dropping the observer stops the observation"]
pub(crate) struct Observer {
    context: ObserverContext,
    started_ms: u64,
    cancel: CancelHandle,
    cancelled: CancelToken,
    tasks: JoinSet<()>,
}

/// Starts to observe. Returns at once; observations go to the timeline of `env`.
pub(crate) fn start(env: &RunEnv, config: ObserverConfig) -> Observer {
    start_with(ObserverContext::from_env(env), config)
}

fn start_with(context: ObserverContext, config: ObserverConfig) -> Observer {
    let (handle, cancelled) = cancel::channel();
    let started_ms = context.clock.now_ms();
    let mut observer = Observer { started_ms, context, cancel: handle, cancelled, tasks: JoinSet::new() };
    sources::spawn_tasks(&mut observer, config);
    observer
}

impl Observer {
    /// Stops every task and waits for its end, which is immediate: requests in flight are dropped. The tasks record the
    /// gaps that are open; a task that ended unexpectedly, which is a bug, is recorded as a gap of the source
    /// `observer`.
    pub(crate) async fn stop(mut self) {
        self.cancel.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                let gap = RecordedGap {
                    source: "observer".to_owned(),
                    from_ms: self.started_ms,
                    reason: format!("an observer task ended unexpectedly: {error}"),
                };
                self.context.timeline.record(ObservationKind::Gap(gap), None);
            }
        }
    }

    fn spawn(&mut self, mut task: impl ObserverTask + 'static) {
        let token = self.cancelled.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                () = task.run() => {}
            }
            task.on_stop();
        });
    }
}

/// A task that observes one source until its future is dropped.
trait ObserverTask: Send {
    /// Observes; never returns.
    fn run(&mut self) -> impl Future<Output = ()> + Send;
    /// Records the gap that is open when the observation ends.
    fn on_stop(&self) {}
}
