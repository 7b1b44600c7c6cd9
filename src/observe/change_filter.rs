//! Records an object only when its snapshot, the part that the checks read, has changed since the last record: without
//! it, heartbeats and other fields would fill the timeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::env::TimelineWriter;
use crate::model::observation::{DeletedObject, ObservationKind};

/// Receives the objects of a watch.
pub(super) trait WatchSink<K>: Send {
    /// An object was added or modified.
    fn upsert(&mut self, object: &K);
    /// An object was deleted.
    fn remove(&mut self, deleted: DeletedObject);
    /// All changes of one list or one event have been passed on.
    fn flush(&mut self) {}
}

/// Reduces an object to the observation to record and the time that the object itself gives for it. The second argument
/// is the last record of the object.
pub(super) type ReduceFn<K> =
    Box<dyn FnMut(&K, Option<&ObservationKind>) -> (ObservationKind, Option<Timestamp>) + Send>;

/// The observation to record when an object is deleted; `None` for kinds whose deletion is not recorded.
pub(super) type OnDelete = fn(DeletedObject) -> Option<ObservationKind>;

/// Filters the objects of one source.
pub(super) struct ChangeFilter<K> {
    timeline: Arc<TimelineWriter>,
    reduce: ReduceFn<K>,
    on_delete: OnDelete,
    last_recorded: BTreeMap<String, ObservationKind>,
}

impl<K> ChangeFilter<K> {
    pub(super) fn new(timeline: Arc<TimelineWriter>, on_delete: OnDelete, reduce: ReduceFn<K>) -> Self {
        Self { timeline, reduce, on_delete, last_recorded: BTreeMap::new() }
    }
}

impl<K: kube::Resource> WatchSink<K> for ChangeFilter<K> {
    fn upsert(&mut self, object: &K) {
        let uid = object.meta().uid.clone().unwrap_or_default();
        let before = self.last_recorded.get(&uid);
        let (observation, source) = (self.reduce)(object, before);
        if before != Some(&observation) {
            self.timeline.record(observation.clone(), source);
            self.last_recorded.insert(uid, observation);
        }
    }

    fn remove(&mut self, deleted: DeletedObject) {
        self.last_recorded.remove(&deleted.uid);
        if let Some(observation) = (self.on_delete)(deleted) {
            self.timeline.record(observation, None);
        }
    }
}
