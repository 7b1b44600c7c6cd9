//! What the API server keeps: objects with their versions, and the list of their changes, from which watches are served.
//! Everything that changes an object goes through here, so that uid, resourceVersion, generation, times and managedFields
//! are right whoever changes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::config::SimConfig;
use crate::clock::RunClock;
use crate::model::resource_kind::ResourceKind;
use crate::seed::SplitMix64;

mod change_log;
mod change_signal;
mod managed_fields;
mod status_error;
mod write_steps;

use change_log::ChangeLog;
pub(super) use change_log::{ObjectChange, WatchEventType};
pub(super) use change_signal::ChangeSignal;
pub(super) use managed_fields::{drops_applied_fields, field_conflicts};
pub(super) use status_error::{StatusError, group_resource};

/// Who writes, as managedFields tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldManager<'a> {
    /// Field manager.
    pub(super) manager: &'a str,
    /// `Update` or `Apply`.
    pub(super) operation: &'a str,
    /// `status`, `scale`, or empty.
    pub(super) subresource: &'a str,
}

impl<'a> FieldManager<'a> {
    /// A write to the object itself; of nobody, where the API server itself keeps its books.
    pub(super) const fn update(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "" }
    }

    /// A write to its status.
    pub(super) const fn update_status(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "status" }
    }

    /// A write through its scale subresource.
    pub(super) const fn update_scale(manager: &'a str) -> Self {
        Self { manager, operation: "Update", subresource: "scale" }
    }

    /// Server-side apply.
    pub(super) const fn apply(manager: &'a str) -> Self {
        Self { manager, operation: "Apply", subresource: "" }
    }
}

/// resource, namespace, name.
type ObjectKey = (String, String, String);

#[derive(Debug, Default)]
struct SimClusterState {
    objects: BTreeMap<ObjectKey, Arc<Value>>,
    change_log: ChangeLog,
    resource_version: u64,
}

struct SimClusterInner {
    clock: RunClock,
    config: SimConfig,
    state: Mutex<SimClusterState>,
    change_notify: Notify,
    rng: Mutex<SplitMix64>,
    write_steps: watch::Sender<u64>,
}

/// The simulated cluster. Copies are the same one.
#[derive(Clone)]
pub(super) struct SimCluster(Arc<SimClusterInner>);

impl SimCluster {
    pub(super) fn new(clock: RunClock, setting: SimConfig) -> Self {
        let chance = Mutex::new(SplitMix64::new(setting.seed));
        let state = Mutex::new(SimClusterState { resource_version: 1000, ..SimClusterState::default() });
        let (told, steps) = (Notify::new(), watch::Sender::new(0));
        Self(Arc::new(SimClusterInner {
            clock,
            config: setting,
            state,
            change_notify: told,
            rng: chance,
            write_steps: steps,
        }))
    }

    pub(super) fn clock(&self) -> RunClock {
        self.0.clock
    }

    pub(super) fn config(&self) -> &SimConfig {
        &self.0.config
    }

    /// A number below `end` by chance; 0 where `end` is 0.
    pub(super) fn random_below(&self, end: u64) -> u64 {
        let number = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64();
        number.checked_rem(end).unwrap_or(0)
    }

    /// Tells of every change.
    pub(super) fn change_signal(&self) -> ChangeSignal {
        ChangeSignal::new(self.clone())
    }

    /// The newest resourceVersion.
    pub(super) fn resource_version(&self) -> u64 {
        self.state().resource_version
    }

    pub(super) fn get(&self, kind: &ResourceKind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.state().objects.get(&object_key(kind, namespace, name)).cloned()
    }

    /// All objects of a kind, of one namespace or of all, ordered by namespace and name.
    pub(super) fn list(&self, kind: &ResourceKind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let resource = group_resource(kind);
        let from = (resource.clone(), namespace.unwrap_or_default().to_owned(), String::new());
        let state = self.state();
        let rest = state.objects.range(from..).take_while(|((of, within, _), _)| {
            *of == resource && namespace.is_none_or(|namespace| namespace == within)
        });
        rest.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The changes after this version; `None` where some of them are forgotten.
    pub(super) fn changes_since(&self, version: u64) -> Option<Vec<ObjectChange>> {
        let state = self.state();
        Some(state.change_log.since(version, state.resource_version)?.cloned().collect())
    }

    /// The changes of one resource after this version, and the version up to which they reach; `None` as above.
    pub(super) fn resource_changes_since(&self, resource: &str, version: u64) -> Option<(Vec<ObjectChange>, u64)> {
        let state = self.state();
        let changes =
            state.change_log.since(version, state.resource_version)?.filter(|change| change.group_resource == resource);
        Some((changes.cloned().collect(), state.resource_version))
    }

    /// Makes an object as `hand` sends it. The namespace of a namespaced object stands in its metadata.
    pub(super) fn create(
        &self,
        hand: FieldManager<'_>,
        kind: &ResourceKind,
        object: Value,
    ) -> Result<Arc<Value>, StatusError> {
        self.create_with_applied(hand, kind, object, None)
    }

    /// The same, where the server has completed what `hand` sent: `document`. Who applies owns what he sent alone.
    pub(super) fn create_with_applied(
        &self,
        hand: FieldManager<'_>,
        kind: &ResourceKind,
        mut object: Value,
        document: Option<&Value>,
    ) -> Result<Arc<Value>, StatusError> {
        let now = self.now();
        let uid = self.new_uid();
        let mut state = self.state();
        let (namespace, name) = (metadata_text(&object, "namespace"), metadata_text(&object, "name"));
        let key = object_key(kind, &namespace, &name);
        if state.objects.contains_key(&key) {
            return Err(StatusError::new(
                409,
                "AlreadyExists",
                format!("{} \"{name}\" already exists", group_resource(kind)),
            ));
        }
        (object["apiVersion"], object["kind"]) = (json!(kind.api_version()), json!(kind.kind));
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(uid);
        metadata["creationTimestamp"] = json!(now);
        metadata["generation"] = json!(1);
        managed_fields::record_ownership(&mut object, &Value::Null, document, hand, &now);
        Ok(state.insert(key, kind, WatchEventType::Added, object, None, &self.0.change_notify))
    }

    /// Changes an object. Where nothing is changed nothing happens, as with the API server.
    pub(super) fn update(
        &self,
        hand: FieldManager<'_>,
        kind: &ResourceKind,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StatusError> {
        self.update_with_applied(hand, kind, (namespace, name), None, edit)
    }

    /// The same by apply: `hand` owns what stands in `document` alone.
    pub(super) fn update_with_applied(
        &self,
        hand: FieldManager<'_>,
        kind: &ResourceKind,
        (namespace, name): (&str, &str),
        document: Option<&Value>,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StatusError> {
        let now = self.now();
        let mut state = self.state();
        let key = object_key(kind, namespace, name);
        let before = state.objects.get(&key).cloned().ok_or_else(|| StatusError::not_found(kind, name))?;
        let mut object = (*before).clone();
        edit(&mut object);
        if object == *before && hand.operation != "Apply" {
            return Ok(before);
        }
        // What an owner asks for has a number; what is only reported has none.
        if object["spec"] != before["spec"] {
            object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        managed_fields::record_ownership(&mut object, &before, document, hand, &now);
        if object == *before {
            return Ok(before);
        }
        Ok(state.insert(key, kind, WatchEventType::Modified, object, Some(before), &self.0.change_notify))
    }

    /// Takes an object out at once; whether it may go already is the caller's to know. True where it was there.
    pub(super) fn remove(&self, kind: &ResourceKind, namespace: &str, name: &str) -> bool {
        let mut state = self.state();
        let key = object_key(kind, namespace, name);
        let Some(before) = state.objects.remove(&key) else { return false };
        let mut object = (*before).clone();
        state.resource_version += 1;
        object["metadata"]["resourceVersion"] = json!(state.resource_version.to_string());
        state.record_change(WatchEventType::Deleted, kind, Arc::new(object), Some(before), &self.0.change_notify);
        true
    }

    /// What the clocks of the cluster's machines show.
    pub(super) fn wall_time(&self) -> Timestamp {
        let ahead_ms = self.0.config.api.clock_offset_at(self.0.clock.now_ms());
        let wall = self.0.clock.wall_time();
        wall.checked_add(SignedDuration::from_millis(ahead_ms)).unwrap_or(wall)
    }

    /// Now, as Kubernetes writes times: whole seconds.
    pub(super) fn now(&self) -> String {
        self.wall_time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Now, as Leases and events write it: microseconds.
    pub(super) fn now_micro(&self) -> String {
        self.wall_time().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    fn new_uid(&self) -> String {
        let mut chance = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn state(&self) -> MutexGuard<'_, SimClusterState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimClusterState {
    fn insert(
        &mut self,
        key: ObjectKey,
        kind: &ResourceKind,
        became: WatchEventType,
        mut object: Value,
        before: Option<Arc<Value>>,
        told: &Notify,
    ) -> Arc<Value> {
        self.resource_version += 1;
        object["metadata"]["resourceVersion"] = json!(self.resource_version.to_string());
        let object = Arc::new(object);
        self.objects.insert(key, Arc::clone(&object));
        self.record_change(became, kind, Arc::clone(&object), before, told);
        object
    }

    fn record_change(
        &mut self,
        became: WatchEventType,
        kind: &ResourceKind,
        object: Arc<Value>,
        before: Option<Arc<Value>>,
        told: &Notify,
    ) {
        let change = ObjectChange {
            resource_version: self.resource_version,
            event_type: became,
            group_resource: group_resource(kind),
            object,
            previous: before,
        };
        self.change_log.push(change);
        told.notify_waiters();
    }
}

fn object_key(kind: &ResourceKind, namespace: &str, name: &str) -> ObjectKey {
    (group_resource(kind), namespace.to_owned(), name.to_owned())
}

/// A text of the object's metadata; empty where there is none.
pub(super) fn metadata_text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
