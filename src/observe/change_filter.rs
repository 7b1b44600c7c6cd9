//! What was last noted of each object: an object is noted again only when what the checks read of it has changed, so
//! that heartbeats and foreign fields leave the timeline small.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::env::TimelineWriter;
use crate::model::observation::{DeletedObject, ObservationKind};

/// Whoever takes what a watch delivers.
pub(super) trait WatchSink<K>: Send {
    /// The object as it now stands.
    fn upsert(&mut self, object: &K);
    /// The object is gone.
    fn remove(&mut self, gone: DeletedObject);
    /// All that was known at this moment has been put and removed.
    fn flush(&mut self) {}
}

/// What is noted of an object, and the object's own time. It is given what was noted before.
pub(super) type ReduceFn<K> =
    Box<dyn FnMut(&K, Option<&ObservationKind>) -> (ObservationKind, Option<Timestamp>) + Send>;

/// What is noted when an object is gone; `None` for objects whose end is no news.
pub(super) type OnDelete = fn(DeletedObject) -> Option<ObservationKind>;

/// A ledger over the objects of one kind.
pub(super) struct ChangeFilter<K> {
    timeline: Arc<TimelineWriter>,
    reduce: ReduceFn<K>,
    on_delete: OnDelete,
    last_recorded: BTreeMap<String, ObservationKind>,
}

impl<K> ChangeFilter<K> {
    /// An empty ledger.
    pub(super) fn new(book: Arc<TimelineWriter>, farewell: OnDelete, reduce: ReduceFn<K>) -> Self {
        Self { timeline: book, reduce, on_delete: farewell, last_recorded: BTreeMap::new() }
    }
}

impl<K: kube::Resource> WatchSink<K> for ChangeFilter<K> {
    fn upsert(&mut self, object: &K) {
        let uid = object.meta().uid.clone().unwrap_or_default();
        let before = self.last_recorded.get(&uid);
        let (seen, source) = (self.reduce)(object, before);
        if before != Some(&seen) {
            self.timeline.record(seen.clone(), source);
            self.last_recorded.insert(uid, seen);
        }
    }

    fn remove(&mut self, gone: DeletedObject) {
        self.last_recorded.remove(&gone.uid);
        if let Some(seen) = (self.on_delete)(gone) {
            self.timeline.record(seen, None);
        }
    }
}
