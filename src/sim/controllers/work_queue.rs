//! The work queue. Each item is in it at most once, at the earliest time that was requested.

use std::collections::BTreeMap;

/// The control loop that processes an item.
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
    /// The claims of a pod's templates.
    PodClaims,
    /// A resource claim whose pods may be gone.
    ResourceClaim,
    ApiService,
    Namespace,
    Node,
    ForegroundDeletion,
    Hpa,
    ScaledObject,
    /// A round of KEDA's scale loop.
    ScaleLoop,
    Lease,
    /// A drained node is made schedulable again.
    Uncordon,
    Injection,
}

/// An item: a control loop and the object to process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkItem {
    pub(super) kind: WorkKind,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Items ordered by due time, then by the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct WorkQueue {
    by_time: BTreeMap<(u64, u64), WorkItem>,
    by_item: BTreeMap<WorkItem, (u64, u64)>,
    sequence: u64,
}

impl WorkQueue {
    /// Adds an item, or moves it to an earlier time.
    pub(super) fn add_at(&mut self, due_ms: u64, item: WorkItem) {
        if let Some(key) = self.by_item.get(&item) {
            if key.0 <= due_ms {
                return;
            }
            self.by_time.remove(key);
        }
        self.sequence += 1;
        let key = (due_ms, self.sequence);
        self.by_time.insert(key, item.clone());
        self.by_item.insert(item, key);
    }

    /// Whether an item is in it.
    pub(super) fn contains(&self, item: &WorkItem) -> bool {
        self.by_item.contains_key(item)
    }

    /// The due time of the first item.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.by_time.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// Removes and returns the first item that is due.
    pub(super) fn pop_due(&mut self, now_ms: u64) -> Option<WorkItem> {
        let first = self.by_time.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let item = first.remove();
        self.by_item.remove(&item);
        Some(item)
    }
}
