//! The object store of the simulated API server: objects with their versions, and the log of changes that feeds watches.
//! Every write goes through [`SimCluster`], which keeps uid, resourceVersion, generation, timestamps and managedFields.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::clock::RunClock;
use crate::model::resource_kind::ResourceKind;
use crate::model::simulated_uid::simulated_uid;
use crate::seed::SplitMix64;
use crate::sim::config::SimConfig;

mod change_log;
mod change_signal;
mod managed_fields;
mod status_error;
mod write_steps;

use change_log::ChangeLog;
pub(super) use change_log::{ObjectChange, WatchEventType};
pub(super) use change_signal::ChangeSignal;
pub(super) use managed_fields::{FieldManager, drops_applied_fields, field_conflicts};
pub(super) use status_error::{StatusError, group_resource};

/// Group resource, namespace, name.
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

/// The simulated cluster. Clones share one store.
#[derive(Clone)]
pub(super) struct SimCluster(Arc<SimClusterInner>);

impl SimCluster {
    pub(super) fn new(clock: RunClock, config: SimConfig) -> Self {
        let rng = Mutex::new(SplitMix64::new(config.seed));
        let state = Mutex::new(SimClusterState { resource_version: 1000, ..SimClusterState::default() });
        let (change_notify, write_steps) = (Notify::new(), watch::Sender::new(0));
        Self(Arc::new(SimClusterInner { clock, config, state, change_notify, rng, write_steps }))
    }

    pub(super) fn clock(&self) -> RunClock {
        self.0.clock
    }

    pub(super) fn config(&self) -> &SimConfig {
        &self.0.config
    }

    /// Returns a random number below `end`; 0 if `end` is 0.
    pub(super) fn random_below(&self, end: u64) -> u64 {
        let number = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64();
        number.checked_rem(end).unwrap_or(0)
    }

    /// Subscribes to changes from now on.
    pub(super) fn change_signal(&self) -> ChangeSignal {
        ChangeSignal::new(self.clone())
    }

    /// Returns the newest resourceVersion.
    pub(super) fn resource_version(&self) -> u64 {
        self.state().resource_version
    }

    pub(super) fn get(&self, kind: &ResourceKind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.state().objects.get(&object_key(kind, namespace, name)).cloned()
    }

    /// Lists the objects of a kind, in one namespace or in all, ordered by namespace and name.
    pub(super) fn list(&self, kind: &ResourceKind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let resource = group_resource(kind);
        let from = (resource.clone(), namespace.unwrap_or_default().to_owned(), String::new());
        let state = self.state();
        let rest = state.objects.range(from..).take_while(|((key_resource, key_namespace, _), _)| {
            *key_resource == resource && namespace.is_none_or(|namespace| namespace == key_namespace)
        });
        rest.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// Returns the changes after `version`; `None` if the log no longer holds all of them.
    pub(super) fn changes_since(&self, version: u64) -> Option<Vec<ObjectChange>> {
        let state = self.state();
        Some(state.change_log.since(version, state.resource_version)?.cloned().collect())
    }

    /// Returns the changes of one resource after `version`, and the newest version; `None` as for `changes_since`.
    pub(super) fn resource_changes_since(&self, resource: &str, version: u64) -> Option<(Vec<ObjectChange>, u64)> {
        let state = self.state();
        let changes =
            state.change_log.since(version, state.resource_version)?.filter(|change| change.group_resource == resource);
        Some((changes.cloned().collect(), state.resource_version))
    }

    /// Creates an object; a namespaced one names its namespace in its metadata.
    pub(super) fn create(
        &self,
        manager: FieldManager<'_>,
        kind: &ResourceKind,
        object: Value,
    ) -> Result<Arc<Value>, StatusError> {
        self.create_with_applied(manager, kind, object, None)
    }

    /// Creates an object by server-side apply: `manager` owns only the fields of `applied`, not the defaults in `object`.
    pub(super) fn create_with_applied(
        &self,
        manager: FieldManager<'_>,
        kind: &ResourceKind,
        mut object: Value,
        applied: Option<&Value>,
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
        managed_fields::record_ownership(&mut object, &Value::Null, applied, manager, &now);
        Ok(state.insert(key, kind, WatchEventType::Added, object, None, &self.0.change_notify))
    }

    /// Updates an object. As in the API server, an update that changes nothing keeps the resourceVersion.
    pub(super) fn update(
        &self,
        manager: FieldManager<'_>,
        kind: &ResourceKind,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StatusError> {
        self.update_with_applied(manager, kind, (namespace, name), None, edit)
    }

    /// Updates an object by server-side apply: `manager` owns only the fields of `applied`.
    pub(super) fn update_with_applied(
        &self,
        manager: FieldManager<'_>,
        kind: &ResourceKind,
        (namespace, name): (&str, &str),
        applied: Option<&Value>,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StatusError> {
        let now = self.now();
        let mut state = self.state();
        let key = object_key(kind, namespace, name);
        let before = state.objects.get(&key).cloned().ok_or_else(|| StatusError::not_found(kind, name))?;
        let mut object = (*before).clone();
        edit(&mut object);
        if object == *before && manager.operation != "Apply" {
            return Ok(before);
        }
        // generation counts changes of the desired state (spec), not of the status.
        if object["spec"] != before["spec"] {
            object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        managed_fields::record_ownership(&mut object, &before, applied, manager, &now);
        if object == *before {
            return Ok(before);
        }
        Ok(state.insert(key, kind, WatchEventType::Modified, object, Some(before), &self.0.change_notify))
    }

    /// Removes an object at once, without regard to finalizers and grace period. Returns whether it existed.
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

    /// Returns the time on the cluster's clocks, which may differ from ours.
    pub(super) fn wall_time(&self) -> Timestamp {
        let ahead_ms = self.0.config.api.clock_offset_at(self.0.clock.now_ms());
        let wall = self.0.clock.wall_time();
        wall.checked_add(SignedDuration::from_millis(ahead_ms)).unwrap_or(wall)
    }

    /// Formats the current time as metav1.Time: whole seconds.
    pub(super) fn now(&self) -> String {
        self.wall_time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Formats the current time as metav1.MicroTime, which Leases and events use.
    pub(super) fn now_micro(&self) -> String {
        self.wall_time().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    fn new_uid(&self) -> String {
        let mut rng = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
        // Two draws, since all that a seed gives after it depends on their number.
        simulated_uid(rng.next_u64() ^ rng.next_u64())
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
        event_type: WatchEventType,
        mut object: Value,
        before: Option<Arc<Value>>,
        notify: &Notify,
    ) -> Arc<Value> {
        self.resource_version += 1;
        object["metadata"]["resourceVersion"] = json!(self.resource_version.to_string());
        let object = Arc::new(object);
        self.objects.insert(key, Arc::clone(&object));
        self.record_change(event_type, kind, Arc::clone(&object), before, notify);
        object
    }

    fn record_change(
        &mut self,
        event_type: WatchEventType,
        kind: &ResourceKind,
        object: Arc<Value>,
        before: Option<Arc<Value>>,
        notify: &Notify,
    ) {
        let change = ObjectChange {
            resource_version: self.resource_version,
            event_type,
            group_resource: group_resource(kind),
            object,
            previous: before,
        };
        self.change_log.push(change);
        notify.notify_waiters();
    }
}

fn object_key(kind: &ResourceKind, namespace: &str, name: &str) -> ObjectKey {
    (group_resource(kind), namespace.to_owned(), name.to_owned())
}

/// Returns a string field of the metadata; empty if absent.
pub(super) fn metadata_text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
