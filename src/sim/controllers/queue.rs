//! What is due when. A piece of work stands in it once, at the earliest time that was asked for.

use std::collections::BTreeMap;

/// Whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Duty {
    Deployment,
    ReplicaSet,
    StatefulSet,
    Schedule,
    Kubelet,
    Endpoints,
    Balancer,
    Volume,
    ApiService,
    Namespace,
    Node,
    Foreground,
    Autoscaler,
    Lease,
    Mishap,
}

/// One piece of work: on which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work {
    pub(super) duty: Duty,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Work in the order of time, and of asking where the time is the same.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: BTreeMap<(u64, u64), Work>,
    due: BTreeMap<Work, (u64, u64)>,
    asked: u64,
}

impl Queue {
    /// Asks for work at a time.
    pub(super) fn at(&mut self, due_ms: u64, work: Work) {
        if let Some(place) = self.due.get(&work) {
            if place.0 <= due_ms {
                return;
            }
            self.order.remove(place);
        }
        self.asked += 1;
        let place = (due_ms, self.asked);
        self.order.insert(place, work.clone());
        self.due.insert(work, place);
    }

    /// When something is due next.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.order.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// The next piece of work that is due.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Work> {
        let first = self.order.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let work = first.remove();
        self.due.remove(&work);
        Some(work)
    }
}
