//! Polls the ScaledObject of which KEDA has made the HPA, and records each state that differs from the last one. It is read and not
//! watched: an adopted HPA gives no more right than that.

use kube::api::Api;
use kube::core::DynamicObject;
use tokio::time::{MissedTickBehavior, interval};

use super::ObserverTask;
use super::context::ObserverContext;
use super::gap::GapTracker;
use super::hop_request::REQUEST_TIMEOUT;
use super::watcher::FORBIDDEN_BACKOFF;
use crate::bounds::POLL_INTERVAL;
use crate::env::api_for_kind;
use crate::error_chain::format_chain;
use crate::model::observation::{ObservationKind, ScaledObjectSnapshot};
use crate::model::resource_kind::SCALED_OBJECT;
use crate::snapshot::snapshot_scaled_object;

/// Polls one ScaledObject.
pub(super) struct ScaledObjectPoller {
    context: ObserverContext,
    api: Api<DynamicObject>,
    name: String,
    gap: GapTracker,
    recorded: Option<ScaledObjectSnapshot>,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollOutcome {
    Done,
    /// The rights to read it are missing.
    Forbidden,
}

impl ObserverTask for ScaledObjectPoller {
    async fn run(&mut self) {
        let mut ticks = interval(POLL_INTERVAL.to_std());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.context.retry_after.wait(self.context.clock).await;
            if self.poll_once().await == PollOutcome::Forbidden {
                tokio::time::sleep(FORBIDDEN_BACKOFF).await;
            }
        }
    }

    fn on_stop(&self) {
        if let Some(gap) = self.gap.current() {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }
}

impl ScaledObjectPoller {
    pub(super) fn new(context: ObserverContext, namespace: &str, name: &str) -> Self {
        let gap = GapTracker::new("scaledObject", context.clock.now_ms());
        let api = api_for_kind(&context.kube, &SCALED_OBJECT, Some(namespace));
        Self { context, api, name: name.to_owned(), gap, recorded: None }
    }

    /// Reads it once. One that does not exist yet, or any more, is no gap and no record.
    async fn poll_once(&mut self) -> PollOutcome {
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.api.get_opt(&self.name)).await;
        let object = match answer {
            Ok(Ok(object)) => object,
            Ok(Err(error)) => {
                self.gap.mark_failed(&format_chain(&error));
                let is_forbidden = matches!(&error, kube::Error::Api(status) if status.code == 403);
                return if is_forbidden { PollOutcome::Forbidden } else { PollOutcome::Done };
            }
            Err(_) => {
                self.gap.mark_failed(&format!("no response within {} s", REQUEST_TIMEOUT.as_secs()));
                return PollOutcome::Done;
            }
        };
        let now_ms = self.context.clock.now_ms();
        if let Some(gap) = self.gap.close(now_ms) {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
        self.gap.mark_ok(now_ms);
        let Some(snapshot) = object.map(|object| snapshot_scaled_object(&object)) else { return PollOutcome::Done };
        if self.recorded.as_ref() != Some(&snapshot) {
            self.context.timeline.record(ObservationKind::ScaledObject(snapshot.clone()), None);
            self.recorded = Some(snapshot);
        }
        PollOutcome::Done
    }
}
