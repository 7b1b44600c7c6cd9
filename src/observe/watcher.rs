//! Lists a source, watches it from the list's resourceVersion, and starts again. kube_runtime's watcher is not used
//! because it hides what must be recorded: when a watch ended, the time of the last event, and which objects vanished
//! between two lists.
//!
//! A watch that ends at its timeout and resumes at its last resourceVersion loses nothing and is no gap. Any other end
//! is a gap, even if the watch can resume (the API server then delivers every state in between, only late).

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ObserverTask;
use super::change_filter::WatchSink;
use super::context::ObserverContext;
use super::gap::GapTracker;
use crate::bounds::SLACK;
use crate::error_chain::format_chain;
use crate::model::observation::{DeletedObject, ObservationKind};

/// `timeoutSeconds` of a watch. A dead connection that sends no error is noticed only then, so it bounds what such a
/// connection can hide; resuming a watch costs one request.
const WATCH_TIMEOUT_S: u32 = 60;
/// A watch that is open for so much longer than its timeout is dead.
const SILENCE_GRACE: Duration = Duration::from_secs(5);
/// A watch that was open for so many milliseconds resets the back-off; a watch that ends so many milliseconds before
/// its timeout ended early.
const STABLE_MS: u64 = 5000;
/// Bound of a list request and of opening a watch: large clusters answer a list within seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Objects per page of a list, as in client-go.
const PAGE_SIZE: u32 = 500;
/// Longest pause between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Pause after 403 Forbidden: rights change rarely, and only by hand.
pub(super) const FORBIDDEN_BACKOFF: Duration = Duration::from_secs(30);

/// A source: its name in gaps, and what to list and watch.
pub(super) struct WatchSource<K> {
    pub(super) name: &'static str,
    pub(super) api: Api<K>,
    /// Field and label selectors; empty for all.
    pub(super) field_selector: String,
    pub(super) label_selector: String,
}

/// Why a source cannot be read.
struct WatchError {
    reason: String,
    forbidden: bool,
    /// The watch cannot resume at its resourceVersion: the API server rejected it, or would send again an event that we
    /// cannot parse. A lost connection leaves the resourceVersion valid.
    version_lost: bool,
}

/// Lists and watches one source.
pub(super) struct ResourceWatcher<K, S> {
    source: WatchSource<K>,
    sink: S,
    context: ObserverContext,
    gap: GapTracker,
    /// Existing objects by uid: those that a later list does not contain are deleted.
    known: BTreeMap<String, DeletedObject>,
    /// Where the next watch starts; `None` when a list is needed first.
    resource_version: Option<String>,
    /// The gap of a 403 Forbidden is recorded already.
    forbidden_recorded: bool,
}

impl<K, S> ObserverTask for ResourceWatcher<K, S>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    S: WatchSink<K>,
{
    async fn run(&mut self) {
        let mut attempts = 0;
        loop {
            self.context.retry_after.wait(self.context.clock).await;
            let started_ms = self.context.clock.now_ms();
            let Err(error) = self.list_and_watch().await else {
                attempts = 0;
                continue;
            };
            self.gap.mark_failed(&error.reason);
            if error.forbidden && !self.forbidden_recorded {
                // Recorded at once as well: it usually lasts, and the evidence of a run that crashes must contain it.
                self.forbidden_recorded = true;
                self.record_gap();
            }
            let stable = self.context.clock.now_ms().saturating_sub(started_ms) >= STABLE_MS;
            attempts = if stable { 0 } else { attempts + 1 };
            tokio::time::sleep(if error.forbidden { FORBIDDEN_BACKOFF } else { backoff(attempts) }).await;
        }
    }

    fn on_stop(&self) {
        self.record_gap();
    }
}

impl<K, S> ResourceWatcher<K, S>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    S: WatchSink<K>,
{
    pub(super) fn new(source: WatchSource<K>, sink: S, context: ObserverContext) -> Self {
        let gap = GapTracker::new(source.name, context.clock.now_ms());
        Self { source, sink, context, gap, known: BTreeMap::new(), resource_version: None, forbidden_recorded: false }
    }

    fn record_gap(&self) {
        if let Some(gap) = self.gap.current() {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }

    /// Lists if needed, then watches until the watch ends at its timeout.
    async fn list_and_watch(&mut self) -> Result<(), WatchError> {
        let version = match self.resource_version.take() {
            Some(version) => version,
            None => self.list().await?,
        };
        self.resource_version = Some(version.clone());
        let params = WatchParams {
            label_selector: non_empty(&self.source.label_selector),
            field_selector: non_empty(&self.source.field_selector),
            timeout: Some(WATCH_TIMEOUT_S),
            ..WatchParams::default()
        };
        let opened = with_timeout("opening the watch", self.source.api.watch(&params, &version)).await;
        let mut events = opened.map_err(|error| self.reset_version(error))?.boxed();
        self.check_latency("opening the watch");
        self.record_recovery();
        let opened_ms = self.context.clock.now_ms();
        let silence = Duration::from_secs(u64::from(WATCH_TIMEOUT_S)) + SILENCE_GRACE;
        loop {
            match timeout(silence, events.next()).await {
                Ok(Some(Ok(event))) => self.apply_event(event)?,
                Ok(Some(Err(error))) => return Err(self.reset_version(kube_watch_error(&error))),
                Ok(None) => return self.check_watch_end(opened_ms),
                Err(_) => return Err(watch_error(format!("no watch event within {} s", silence.as_secs()))),
            }
        }
    }

    /// Lists all objects, page by page; returns the resourceVersion at which a watch starts.
    async fn list(&mut self) -> Result<String, WatchError> {
        let mut params = ListParams {
            label_selector: non_empty(&self.source.label_selector),
            field_selector: non_empty(&self.source.field_selector),
            limit: Some(PAGE_SIZE),
            ..ListParams::default()
        };
        let mut objects = Vec::new();
        let version = loop {
            let page = with_timeout("listing", self.source.api.list(&params)).await?;
            objects.extend(page.items);
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                break page.metadata.resource_version.filter(|version| !version.is_empty());
            }
        };
        let version = version.ok_or_else(|| watch_error("the list has no resourceVersion".to_owned()))?;
        self.check_latency("listing");
        self.record_recovery();
        self.gap.mark_ok(self.context.clock.now_ms());
        self.apply_list(&objects);
        Ok(version)
    }

    fn apply_list(&mut self, objects: &[K]) {
        let mut vanished = std::mem::take(&mut self.known);
        for object in objects {
            let identity = object_identity(object);
            vanished.remove(&identity.uid);
            self.known.insert(identity.uid.clone(), identity);
            self.sink.upsert(object);
        }
        vanished.into_values().for_each(|identity| self.sink.remove(identity));
        self.sink.flush();
    }

    fn apply_event(&mut self, event: WatchEvent<K>) -> Result<(), WatchError> {
        if !matches!(event, WatchEvent::Error(_)) {
            self.gap.mark_ok(self.context.clock.now_ms());
        }
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.resource_version = object.resource_version();
                let identity = object_identity(&object);
                self.known.insert(identity.uid.clone(), identity);
                self.sink.upsert(&object);
            }
            WatchEvent::Deleted(object) => {
                self.resource_version = object.resource_version();
                let identity = object_identity(&object);
                self.known.remove(&identity.uid);
                // Its last state first: a DELETED event can carry changes (restarts, conditions).
                self.sink.upsert(&object);
                self.sink.remove(identity);
            }
            WatchEvent::Bookmark(bookmark) => self.resource_version = Some(bookmark.metadata.resource_version),
            // Such as 410 Gone: the events since then are lost, a list gives the state after them.
            WatchEvent::Error(status) => return Err(self.reset_version(kube_watch_error(&kube::Error::Api(status)))),
        }
        self.sink.flush();
        Ok(())
    }

    /// The end of a connection is noticed at once, after all events before it: the source was readable until now.
    fn check_watch_end(&mut self, opened_ms: u64) -> Result<(), WatchError> {
        let now_ms = self.context.clock.now_ms();
        self.gap.mark_ok(now_ms);
        let expected_ms = u64::from(WATCH_TIMEOUT_S) * 1000 - STABLE_MS;
        if now_ms.saturating_sub(opened_ms) >= expected_ms {
            Ok(())
        } else {
            Err(watch_error("the watch ended early".to_owned()))
        }
    }

    /// A response that took longer than the tolerated latency is a gap: the source was not observed meanwhile.
    fn check_latency(&mut self, operation: &str) {
        let silent_ms = self.context.clock.now_ms().saturating_sub(self.gap.last_ok_ms());
        if silent_ms > SLACK.ms() && self.gap.current().is_none() {
            self.gap.mark_failed(&format!("{operation} took {}.{} s", silent_ms / 1000, silent_ms % 1000 / 100));
        }
    }

    fn record_recovery(&mut self) {
        self.forbidden_recorded = false;
        if let Some(gap) = self.gap.close(self.context.clock.now_ms()) {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }

    fn reset_version(&mut self, error: WatchError) -> WatchError {
        if error.version_lost {
            self.resource_version = None;
        }
        error
    }
}

async fn with_timeout<T>(operation: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, WatchError> {
    match timeout(REQUEST_TIMEOUT, request).await {
        Ok(result) => result.map_err(|error| kube_watch_error(&error)),
        Err(_) => Err(watch_error(format!("{operation} timed out after {} s", REQUEST_TIMEOUT.as_secs()))),
    }
}

fn kube_watch_error(error: &kube::Error) -> WatchError {
    let status = if let kube::Error::Api(status) = error { Some(status) } else { None };
    let forbidden = status.is_some_and(|status| status.is_forbidden());
    let reason = status.map_or_else(|| format_chain(error), |status| format!("{} ({})", status.message, status.code));
    let reason = if forbidden { format!("forbidden: {reason}") } else { reason };
    // 429 and 5xx say nothing about the resourceVersion.
    let rejected = status.is_some_and(|status| (400..500).contains(&status.code) && status.code != 429);
    WatchError { reason, forbidden, version_lost: rejected || matches!(error, kube::Error::SerdeError(_)) }
}

fn watch_error(reason: String) -> WatchError {
    WatchError { reason, forbidden: false, version_lost: false }
}

/// No pause before the second attempt, then 0.5 s, doubled up to [`MAX_BACKOFF`].
fn backoff(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => Duration::ZERO,
        n => Duration::from_millis(250 << n.min(8) >> 1).min(MAX_BACKOFF),
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn object_identity<K: Resource<DynamicType = ()>>(object: &K) -> DeletedObject {
    let meta = object.meta();
    DeletedObject {
        kind: K::kind(&()).into_owned(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
    }
}
