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

use super::Task;
use super::gap::Gap;
use super::ledger::Keep;
use super::outside::Outside;
use crate::bounds::SLACK;
use crate::causes::chain;
use crate::record::observation::{Gone, Seen};

/// Asked length of a watch, seconds. A connection that died without a word is found out at its end, so it bounds what
/// such a death can hide; taking a watch up again costs one request.
const WATCH_S: u32 = 60;
/// A watch that is silent for so much longer than asked is dead.
const GRACE: Duration = Duration::from_secs(5);
/// A watch that lasted so long, milliseconds, is a sign that the next one will last too; one that ends so much before
/// its asked end ends early.
const HELD_MS: u64 = 5000;
/// Bound of a list and of the opening of a watch: large clusters answer a list within seconds.
const OPEN: Duration = Duration::from_secs(15);
/// Objects of one page of a list, as client-go asks.
const PAGE: u32 = 500;
/// Longest pause between attempts.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Pause after "forbidden": rights change seldom, and only by hand.
const PAUSE_FORBIDDEN: Duration = Duration::from_secs(30);

/// A source: what it is called in gaps, and how it is asked for.
pub(super) struct Source<K> {
    pub(super) name: &'static str,
    pub(super) api: Api<K>,
    /// Field and label selectors; empty for all.
    pub(super) fields: String,
    pub(super) labels: String,
}

/// Why a source cannot be read.
struct Broken {
    why: String,
    forbidden: bool,
    /// The watch cannot be taken up where it stopped: the API server refused it, or would say again what we cannot read.
    /// A lost connection leaves the place valid.
    place_lost: bool,
}

/// One source being followed.
pub(super) struct Follower<K, S> {
    source: Source<K>,
    keep: S,
    outside: Outside,
    gap: Gap,
    /// Objects that are there, by uid: those that a later list does not show are gone.
    known: BTreeMap<String, Gone>,
    /// Where a watch is taken up; `None` when a list is needed first.
    version: Option<String>,
    /// A "forbidden" was told already.
    told: bool,
}

impl<K, S> Task for Follower<K, S>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    S: Keep<K>,
{
    async fn follow(&mut self) {
        let mut attempts = 0;
        loop {
            self.outside.rest.over(self.outside.clock).await;
            let began_ms = self.outside.clock.now_ms();
            let Err(broken) = self.turn().await else {
                attempts = 0;
                continue;
            };
            self.gap.broke(&broken.why);
            if broken.forbidden && !self.told {
                // Told at once as well: it lasts, as a rule, and the evidence of a run that crashes shall have it.
                self.told = true;
                self.note_gap();
            }
            let held = self.outside.clock.now_ms().saturating_sub(began_ms) >= HELD_MS;
            attempts = if held { 0 } else { attempts + 1 };
            tokio::time::sleep(if broken.forbidden { PAUSE_FORBIDDEN } else { pause(attempts) }).await;
        }
    }

    fn last_word(&self) {
        self.note_gap();
    }
}

impl<K, S> Follower<K, S>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    S: Keep<K>,
{
    /// A follower that has heard nothing yet.
    pub(super) fn new(source: Source<K>, keep: S, outside: Outside) -> Self {
        let gap = Gap::new(source.name, outside.clock.now_ms());
        Self { source, keep, outside, gap, known: BTreeMap::new(), version: None, told: false }
    }

    fn note_gap(&self) {
        if let Some(gap) = self.gap.so_far() {
            self.outside.book.note(Seen::Gap(gap), None);
        }
    }

    /// Lists if need be, then watches until the watch ends as asked.
    async fn turn(&mut self) -> Result<(), Broken> {
        let version = match self.version.take() {
            Some(version) => version,
            None => self.list().await?,
        };
        self.version = Some(version.clone());
        let wanted = WatchParams {
            label_selector: some(&self.source.labels),
            field_selector: some(&self.source.fields),
            timeout: Some(WATCH_S),
            ..WatchParams::default()
        };
        let opened = bounded("the opening of a watch", self.source.api.watch(&wanted, &version)).await;
        let mut events = opened.map_err(|broken| self.without_version(broken))?.boxed();
        self.late("the opening of a watch");
        self.mended();
        let opened_ms = self.outside.clock.now_ms();
        let silence = Duration::from_secs(u64::from(WATCH_S)) + GRACE;
        loop {
            match timeout(silence, events.next()).await {
                Ok(Some(Ok(event))) => self.heard(event)?,
                Ok(Some(Err(error))) => return Err(self.without_version(broken(&error))),
                Ok(None) => return self.ended(opened_ms),
                Err(_) => return Err(said(format!("nothing was heard for {} s", silence.as_secs()))),
            }
        }
    }

    /// All objects, page by page; returns where a watch begins.
    async fn list(&mut self) -> Result<String, Broken> {
        let mut wanted = ListParams {
            label_selector: some(&self.source.labels),
            field_selector: some(&self.source.fields),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        let mut objects = Vec::new();
        let version = loop {
            let page = bounded("a list", self.source.api.list(&wanted)).await?;
            objects.extend(page.items);
            wanted.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if wanted.continue_token.is_none() {
                break page.metadata.resource_version.filter(|version| !version.is_empty());
            }
        };
        let version = version.ok_or_else(|| said("a list without resourceVersion".to_owned()))?;
        self.late("a list");
        self.mended();
        self.gap.alive(self.outside.clock.now_ms());
        self.listed(&objects);
        Ok(version)
    }

    fn listed(&mut self, objects: &[K]) {
        let mut vanished = std::mem::take(&mut self.known);
        for object in objects {
            let gone = name(object);
            vanished.remove(&gone.uid);
            self.known.insert(gone.uid.clone(), gone);
            self.keep.put(object);
        }
        vanished.into_values().for_each(|gone| self.keep.remove(gone));
        self.keep.settled();
    }

    fn heard(&mut self, event: WatchEvent<K>) -> Result<(), Broken> {
        if !matches!(event, WatchEvent::Error(_)) {
            self.gap.alive(self.outside.clock.now_ms());
        }
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.version = object.resource_version();
                let gone = name(&object);
                self.known.insert(gone.uid.clone(), gone);
                self.keep.put(&object);
            }
            WatchEvent::Deleted(object) => {
                self.version = object.resource_version();
                let gone = name(&object);
                self.known.remove(&gone.uid);
                // Its last state first: a pod's end can come with news (restarts, conditions).
                self.keep.put(&object);
                self.keep.remove(gone);
            }
            WatchEvent::Bookmark(mark) => self.version = Some(mark.metadata.resource_version),
            // 410 Gone among them: what happened since is known to nobody, a list gives the state after.
            WatchEvent::Error(status) => return Err(self.without_version(broken(&kube::Error::Api(status)))),
        }
        self.keep.settled();
        Ok(())
    }

    /// A connection that closes tells so at once, and carries all that came before in order: the source was good until now.
    fn ended(&mut self, opened_ms: u64) -> Result<(), Broken> {
        let now_ms = self.outside.clock.now_ms();
        self.gap.alive(now_ms);
        let asked_ms = u64::from(WATCH_S) * 1000 - HELD_MS;
        if now_ms.saturating_sub(opened_ms) >= asked_ms {
            Ok(())
        } else {
            Err(said("the watch ended early".to_owned()))
        }
    }

    /// An answer that came later than what is allowed for: nothing was heard meanwhile.
    fn late(&mut self, what: &str) {
        let silent_ms = self.outside.clock.now_ms().saturating_sub(self.gap.good_ms());
        if silent_ms > SLACK.ms() && self.gap.so_far().is_none() {
            self.gap.broke(&format!("{what} came only after {}.{} s", silent_ms / 1000, silent_ms % 1000 / 100));
        }
    }

    fn mended(&mut self) {
        self.told = false;
        if let Some(gap) = self.gap.mended(self.outside.clock.now_ms()) {
            self.outside.book.note(Seen::Gap(gap), None);
        }
    }

    fn without_version(&mut self, broken: Broken) -> Broken {
        if broken.place_lost {
            self.version = None;
        }
        broken
    }
}

async fn bounded<T>(what: &str, asked: impl Future<Output = kube::Result<T>>) -> Result<T, Broken> {
    match timeout(OPEN, asked).await {
        Ok(answer) => answer.map_err(|error| broken(&error)),
        Err(_) => Err(said(format!("{what} was not answered within {} s", OPEN.as_secs()))),
    }
}

fn broken(error: &kube::Error) -> Broken {
    let status = if let kube::Error::Api(status) = error { Some(status) } else { None };
    let forbidden = status.is_some_and(|status| status.is_forbidden());
    let why = status.map_or_else(|| chain(error), |status| format!("{} ({})", status.message, status.code));
    let why = if forbidden { format!("forbidden: {why}") } else { why };
    // Too much to do (429) and its own failures say nothing about the place.
    let refused = status.is_some_and(|status| (400..500).contains(&status.code) && status.code != 429);
    Broken { why, forbidden, place_lost: refused || matches!(error, kube::Error::SerdeError(_)) }
}

fn said(why: String) -> Broken {
    Broken { why, forbidden: false, place_lost: false }
}

/// None before the second attempt, then 0.5 s, doubled up to the longest.
fn pause(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => Duration::ZERO,
        n => Duration::from_millis(250 << n.min(8) >> 1).min(PAUSE_MAX),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn name<K: Resource<DynamicType = ()>>(object: &K) -> Gone {
    let meta = object.meta();
    Gone {
        kind: K::kind(&()).into_owned(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
    }
}
