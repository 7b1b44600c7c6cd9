//! One source followed for as long as it is observed: list, watch from there, and again. kube_runtime's watcher is not
//! used because it hides what must be recorded: when a watch ended, since when nothing was heard, and which objects
//! vanished between two lists.
//!
//! A watch that ends where it was asked to end and is taken up where it stopped loses nothing and is no gap. Any other
//! end is one, even if the watch can be taken up (then every state between is delivered, only late).

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

/// Asked length of a watch, seconds. A connection that died without a word is found out at its end, so it bounds what
/// such a death can hide; taking a watch up again costs one request.
const WATCH_TIMEOUT_S: u32 = 60;
/// A watch that is silent for so much longer than asked is dead.
const SILENCE_GRACE: Duration = Duration::from_secs(5);
/// A watch that lasted so long, milliseconds, is a sign that the next one will last too; one that ends so much before
/// its asked end ends early.
const STABLE_MS: u64 = 5000;
/// Bound of a list and of the opening of a watch: large clusters answer a list within seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Objects of one page of a list, as client-go asks.
const PAGE_SIZE: u32 = 500;
/// Longest pause between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Pause after "forbidden": rights change seldom, and only by hand.
const FORBIDDEN_BACKOFF: Duration = Duration::from_secs(30);

/// A source: what it is called in gaps, and how it is asked for.
pub(super) struct WatchSource<K> {
    pub(super) name: &'static str,
    pub(super) api: Api<K>,
    /// Field and label selectors; empty for all.
    pub(super) field_selector: String,
    pub(super) label_selector: String,
}

/// Why a source cannot be read.
struct WatchError {
    why: String,
    forbidden: bool,
    /// The watch cannot be taken up where it stopped: the API server refused it, or would say again what we cannot read.
    /// A lost connection leaves the place valid.
    version_lost: bool,
}

/// One source being followed.
pub(super) struct ResourceWatcher<K, S> {
    source: WatchSource<K>,
    sink: S,
    context: ObserverContext,
    gap: GapTracker,
    /// Objects that are there, by uid: those that a later list does not show are gone.
    known: BTreeMap<String, DeletedObject>,
    /// Where a watch is taken up; `None` when a list is needed first.
    resource_version: Option<String>,
    /// A "forbidden" was told already.
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
            let began_ms = self.context.clock.now_ms();
            let Err(broken) = self.list_and_watch().await else {
                attempts = 0;
                continue;
            };
            self.gap.mark_failed(&broken.why);
            if broken.forbidden && !self.forbidden_recorded {
                // Told at once as well: it lasts, as a rule, and the evidence of a run that crashes shall have it.
                self.forbidden_recorded = true;
                self.record_gap();
            }
            let held = self.context.clock.now_ms().saturating_sub(began_ms) >= STABLE_MS;
            attempts = if held { 0 } else { attempts + 1 };
            tokio::time::sleep(if broken.forbidden { FORBIDDEN_BACKOFF } else { backoff(attempts) }).await;
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
    /// A follower that has heard nothing yet.
    pub(super) fn new(source: WatchSource<K>, keep: S, outside: ObserverContext) -> Self {
        let gap = GapTracker::new(source.name, outside.clock.now_ms());
        Self {
            source,
            sink: keep,
            context: outside,
            gap,
            known: BTreeMap::new(),
            resource_version: None,
            forbidden_recorded: false,
        }
    }

    fn record_gap(&self) {
        if let Some(gap) = self.gap.current() {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }

    /// Lists if need be, then watches until the watch ends as asked.
    async fn list_and_watch(&mut self) -> Result<(), WatchError> {
        let version = match self.resource_version.take() {
            Some(version) => version,
            None => self.list().await?,
        };
        self.resource_version = Some(version.clone());
        let wanted = WatchParams {
            label_selector: non_empty(&self.source.label_selector),
            field_selector: non_empty(&self.source.field_selector),
            timeout: Some(WATCH_TIMEOUT_S),
            ..WatchParams::default()
        };
        let opened = with_timeout("the opening of a watch", self.source.api.watch(&wanted, &version)).await;
        let mut events = opened.map_err(|broken| self.reset_version(broken))?.boxed();
        self.check_latency("the opening of a watch");
        self.record_recovery();
        let opened_ms = self.context.clock.now_ms();
        let silence = Duration::from_secs(u64::from(WATCH_TIMEOUT_S)) + SILENCE_GRACE;
        loop {
            match timeout(silence, events.next()).await {
                Ok(Some(Ok(event))) => self.apply_event(event)?,
                Ok(Some(Err(error))) => return Err(self.reset_version(kube_watch_error(&error))),
                Ok(None) => return self.check_watch_end(opened_ms),
                Err(_) => return Err(watch_error(format!("nothing was heard for {} s", silence.as_secs()))),
            }
        }
    }

    /// All objects, page by page; returns where a watch begins.
    async fn list(&mut self) -> Result<String, WatchError> {
        let mut wanted = ListParams {
            label_selector: non_empty(&self.source.label_selector),
            field_selector: non_empty(&self.source.field_selector),
            limit: Some(PAGE_SIZE),
            ..ListParams::default()
        };
        let mut objects = Vec::new();
        let version = loop {
            let page = with_timeout("a list", self.source.api.list(&wanted)).await?;
            objects.extend(page.items);
            wanted.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if wanted.continue_token.is_none() {
                break page.metadata.resource_version.filter(|version| !version.is_empty());
            }
        };
        let version = version.ok_or_else(|| watch_error("a list without resourceVersion".to_owned()))?;
        self.check_latency("a list");
        self.record_recovery();
        self.gap.mark_ok(self.context.clock.now_ms());
        self.apply_list(&objects);
        Ok(version)
    }

    fn apply_list(&mut self, objects: &[K]) {
        let mut vanished = std::mem::take(&mut self.known);
        for object in objects {
            let gone = object_identity(object);
            vanished.remove(&gone.uid);
            self.known.insert(gone.uid.clone(), gone);
            self.sink.upsert(object);
        }
        vanished.into_values().for_each(|gone| self.sink.remove(gone));
        self.sink.flush();
    }

    fn apply_event(&mut self, event: WatchEvent<K>) -> Result<(), WatchError> {
        if !matches!(event, WatchEvent::Error(_)) {
            self.gap.mark_ok(self.context.clock.now_ms());
        }
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.resource_version = object.resource_version();
                let gone = object_identity(&object);
                self.known.insert(gone.uid.clone(), gone);
                self.sink.upsert(&object);
            }
            WatchEvent::Deleted(object) => {
                self.resource_version = object.resource_version();
                let gone = object_identity(&object);
                self.known.remove(&gone.uid);
                // Its last state first: a pod's end can come with news (restarts, conditions).
                self.sink.upsert(&object);
                self.sink.remove(gone);
            }
            WatchEvent::Bookmark(mark) => self.resource_version = Some(mark.metadata.resource_version),
            // 410 Gone among them: what happened since is known to nobody, a list gives the state after.
            WatchEvent::Error(status) => return Err(self.reset_version(kube_watch_error(&kube::Error::Api(status)))),
        }
        self.sink.flush();
        Ok(())
    }

    /// A connection that closes tells so at once, and carries all that came before in order: the source was good until now.
    fn check_watch_end(&mut self, opened_ms: u64) -> Result<(), WatchError> {
        let now_ms = self.context.clock.now_ms();
        self.gap.mark_ok(now_ms);
        let asked_ms = u64::from(WATCH_TIMEOUT_S) * 1000 - STABLE_MS;
        if now_ms.saturating_sub(opened_ms) >= asked_ms {
            Ok(())
        } else {
            Err(watch_error("the watch ended early".to_owned()))
        }
    }

    /// An answer that came later than what is allowed for: nothing was heard meanwhile.
    fn check_latency(&mut self, what: &str) {
        let silent_ms = self.context.clock.now_ms().saturating_sub(self.gap.last_ok_ms());
        if silent_ms > SLACK.ms() && self.gap.current().is_none() {
            self.gap.mark_failed(&format!("{what} came only after {}.{} s", silent_ms / 1000, silent_ms % 1000 / 100));
        }
    }

    fn record_recovery(&mut self) {
        self.forbidden_recorded = false;
        if let Some(gap) = self.gap.close(self.context.clock.now_ms()) {
            self.context.timeline.record(ObservationKind::Gap(gap), None);
        }
    }

    fn reset_version(&mut self, broken: WatchError) -> WatchError {
        if broken.version_lost {
            self.resource_version = None;
        }
        broken
    }
}

async fn with_timeout<T>(what: &str, asked: impl Future<Output = kube::Result<T>>) -> Result<T, WatchError> {
    match timeout(REQUEST_TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(|error| kube_watch_error(&error)),
        Err(_) => Err(watch_error(format!("{what} was not answered within {} s", REQUEST_TIMEOUT.as_secs()))),
    }
}

fn kube_watch_error(error: &kube::Error) -> WatchError {
    let status = if let kube::Error::Api(status) = error { Some(status) } else { None };
    let forbidden = status.is_some_and(|status| status.is_forbidden());
    let why = status.map_or_else(|| format_chain(error), |status| format!("{} ({})", status.message, status.code));
    let why = if forbidden { format!("forbidden: {why}") } else { why };
    // Too much to do (429) and its own failures say nothing about the place.
    let refused = status.is_some_and(|status| (400..500).contains(&status.code) && status.code != 429);
    WatchError { why, forbidden, version_lost: refused || matches!(error, kube::Error::SerdeError(_)) }
}

fn watch_error(why: String) -> WatchError {
    WatchError { why, forbidden: false, version_lost: false }
}

/// None before the second attempt, then 0.5 s, doubled up to the longest.
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
