//! What the API server keeps: objects with their versions, and the list of their changes, from which watches are served.
//! Everything that changes an object goes through here, so that uid, resourceVersion, generation, times and managedFields
//! are right whoever changes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::setting::Setting;
use crate::clock::Clock;
use crate::record::kind::Kind;
use crate::seed::Seed;

mod change;
mod fields;
mod refusal;
mod steps;
mod told;

use change::Changes;
pub(super) use change::{Became, Change};
pub(super) use fields::{conflicts, drops};
pub(super) use refusal::{Refusal, resource};
pub(super) use told::Told;

/// Who writes, as managedFields tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand<'a> {
    /// Field manager.
    pub(super) manager: &'a str,
    /// `Update` or `Apply`.
    pub(super) operation: &'a str,
    /// `status`, `scale`, or empty.
    pub(super) subresource: &'a str,
}

impl<'a> Hand<'a> {
    /// A write to the object itself; of nobody, where the API server itself keeps its books.
    pub(super) const fn of(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "" }
    }

    /// A write to its status.
    pub(super) const fn status(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "status" }
    }

    /// A write through its scale subresource.
    pub(super) const fn scale(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "scale" }
    }

    /// Server-side apply.
    pub(super) const fn apply(manager: &'a str) -> Self {
        Self { manager, operation: "Apply", subresource: "" }
    }
}

/// resource, namespace, name.
type Key = (String, String, String);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Key, Arc<Value>>,
    changes: Changes,
    version: u64,
}

struct Inner {
    clock: Clock,
    setting: Setting,
    state: Mutex<State>,
    told: Notify,
    chance: Mutex<Seed>,
    steps: watch::Sender<u64>,
}

/// The simulated cluster. Copies are the same one.
#[derive(Clone)]
pub(super) struct Cluster(Arc<Inner>);

impl Cluster {
    pub(super) fn new(clock: Clock, setting: Setting) -> Self {
        let chance = Mutex::new(Seed::new(setting.seed));
        let state = Mutex::new(State { version: 1000, ..State::default() });
        let (told, steps) = (Notify::new(), watch::Sender::new(0));
        Self(Arc::new(Inner { clock, setting, state, told, chance, steps }))
    }

    pub(super) fn clock(&self) -> Clock {
        self.0.clock
    }

    pub(super) fn setting(&self) -> &Setting {
        &self.0.setting
    }

    /// A number below `end` by chance; 0 where `end` is 0.
    pub(super) fn chance(&self, end: u64) -> u64 {
        let number = self.0.chance.lock().unwrap_or_else(PoisonError::into_inner).next_u64();
        number.checked_rem(end).unwrap_or(0)
    }

    /// Tells of every change.
    pub(super) fn told(&self) -> Told {
        Told::new(self.clone())
    }

    /// The newest resourceVersion.
    pub(super) fn version(&self) -> u64 {
        self.state().version
    }

    pub(super) fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.state().objects.get(&key(kind, namespace, name)).cloned()
    }

    /// All objects of a kind, of one namespace or of all, ordered by namespace and name.
    pub(super) fn list(&self, kind: &Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let resource = resource(kind);
        let from = (resource.clone(), namespace.unwrap_or_default().to_owned(), String::new());
        let state = self.state();
        let rest = state.objects.range(from..).take_while(|((of, within, _), _)| {
            *of == resource && namespace.is_none_or(|namespace| namespace == within)
        });
        rest.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The changes after this version; `None` where some of them are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<Vec<Change>> {
        let state = self.state();
        Some(state.changes.since(version, state.version)?.cloned().collect())
    }

    /// The changes of one resource after this version, and the version up to which they reach; `None` as above.
    pub(super) fn since_of(&self, resource: &str, version: u64) -> Option<(Vec<Change>, u64)> {
        let state = self.state();
        let changes = state.changes.since(version, state.version)?.filter(|change| change.resource == resource);
        Some((changes.cloned().collect(), state.version))
    }

    /// Makes an object as `hand` sends it. The namespace of a namespaced object stands in its metadata.
    pub(super) fn create(&self, hand: Hand<'_>, kind: &Kind, object: Value) -> Result<Arc<Value>, Refusal> {
        self.create_of(hand, kind, object, None)
    }

    /// The same, where the server has completed what `hand` sent: `document`. Who applies owns what he sent alone.
    pub(super) fn create_of(
        &self,
        hand: Hand<'_>,
        kind: &Kind,
        mut object: Value,
        document: Option<&Value>,
    ) -> Result<Arc<Value>, Refusal> {
        let now = self.now();
        let uid = self.uid();
        let mut state = self.state();
        let (namespace, name) = (text(&object, "namespace"), text(&object, "name"));
        let key = key(kind, &namespace, &name);
        if state.objects.contains_key(&key) {
            return Err(Refusal::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource(kind))));
        }
        (object["apiVersion"], object["kind"]) = (json!(kind.api_version()), json!(kind.kind));
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(uid);
        metadata["creationTimestamp"] = json!(now);
        metadata["generation"] = json!(1);
        fields::note(&mut object, &Value::Null, document, hand, &now);
        Ok(state.keep(key, kind, Became::Added, object, None, &self.0.told))
    }

    /// Changes an object. Where nothing is changed nothing happens, as with the API server.
    pub(super) fn change(
        &self,
        hand: Hand<'_>,
        kind: &Kind,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Refusal> {
        self.change_of(hand, kind, (namespace, name), None, edit)
    }

    /// The same by apply: `hand` owns what stands in `document` alone.
    pub(super) fn change_of(
        &self,
        hand: Hand<'_>,
        kind: &Kind,
        (namespace, name): (&str, &str),
        document: Option<&Value>,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Refusal> {
        let now = self.now();
        let mut state = self.state();
        let key = key(kind, namespace, name);
        let before = state.objects.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        let mut object = (*before).clone();
        edit(&mut object);
        if object == *before && hand.operation != "Apply" {
            return Ok(before);
        }
        // What an owner asks for has a number; what is only reported has none.
        if object["spec"] != before["spec"] {
            object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        fields::note(&mut object, &before, document, hand, &now);
        if object == *before {
            return Ok(before);
        }
        Ok(state.keep(key, kind, Became::Modified, object, Some(before), &self.0.told))
    }

    /// Takes an object out at once; whether it may go already is the caller's to know. True where it was there.
    pub(super) fn remove(&self, kind: &Kind, namespace: &str, name: &str) -> bool {
        let mut state = self.state();
        let key = key(kind, namespace, name);
        let Some(before) = state.objects.remove(&key) else { return false };
        let mut object = (*before).clone();
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        state.tell(Became::Deleted, kind, Arc::new(object), Some(before), &self.0.told);
        true
    }

    /// What the clocks of the cluster's machines show.
    pub(super) fn wall(&self) -> Timestamp {
        let ahead_ms = self.0.setting.api.clock_ahead_ms(self.0.clock.now_ms());
        let wall = self.0.clock.wall();
        wall.checked_add(SignedDuration::from_millis(ahead_ms)).unwrap_or(wall)
    }

    /// Now, as Kubernetes writes times: whole seconds.
    pub(super) fn now(&self) -> String {
        self.wall().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Now, as Leases and events write it: microseconds.
    pub(super) fn now_micro(&self) -> String {
        self.wall().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    fn uid(&self) -> String {
        let mut chance = self.0.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let (high, low) = (chance.next_u64(), chance.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(
        &mut self,
        key: Key,
        kind: &Kind,
        became: Became,
        mut object: Value,
        before: Option<Arc<Value>>,
        told: &Notify,
    ) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        self.objects.insert(key, Arc::clone(&object));
        self.tell(became, kind, Arc::clone(&object), before, told);
        object
    }

    fn tell(&mut self, became: Became, kind: &Kind, object: Arc<Value>, before: Option<Arc<Value>>, told: &Notify) {
        let change = Change { version: self.version, became, resource: resource(kind), object, before };
        self.changes.push(change);
        told.notify_waiters();
    }
}

fn key(kind: &Kind, namespace: &str, name: &str) -> Key {
    (resource(kind), namespace.to_owned(), name.to_owned())
}

/// A text of the object's metadata; empty where there is none.
pub(super) fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
