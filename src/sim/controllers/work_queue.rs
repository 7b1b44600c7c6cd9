//! What is due when. A piece of work stands in it once, at the earliest time that was asked for.

use std::collections::BTreeMap;

/// Whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WorkKind {
    Deployment,
    ReplicaSet,
    StatefulSet,
    Scheduler,
    Kubelet,
    EndpointSlice,
    LoadBalancer,
    Volume,
    ApiService,
    Namespace,
    Node,
    ForegroundDeletion,
    Hpa,
    Lease,
    Injection,
}

/// One piece of work: on which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkItem {
    pub(super) kind: WorkKind,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Work in the order of time, and of asking where the time is the same.
#[derive(Debug, Default)]
pub(super) struct WorkQueue {
    by_time: BTreeMap<(u64, u64), WorkItem>,
    by_item: BTreeMap<WorkItem, (u64, u64)>,
    sequence: u64,
}

impl WorkQueue {
    /// Asks for work at a time.
    pub(super) fn add_at(&mut self, due_ms: u64, work: WorkItem) {
        if let Some(place) = self.by_item.get(&work) {
            if place.0 <= due_ms {
                return;
            }
            self.by_time.remove(place);
        }
        self.sequence += 1;
        let place = (due_ms, self.sequence);
        self.by_time.insert(place, work.clone());
        self.by_item.insert(work, place);
    }

    /// When something is due next.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.by_time.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// The next piece of work that is due.
    pub(super) fn pop_due(&mut self, now_ms: u64) -> Option<WorkItem> {
        let first = self.by_time.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let work = first.remove();
        self.by_item.remove(&work);
        Some(work)
    }
}
