//! The log of object changes, from which watches are served.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

/// Number of changes kept. A watch from an older version gets 410 Gone.
const MAX_CHANGES: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum WatchEventType {
    Added,
    Modified,
    Deleted,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct ObjectChange {
    pub(in crate::sim) resource_version: u64,
    pub(in crate::sim) event_type: WatchEventType,
    /// As `group_resource()` formats it.
    pub(in crate::sim) group_resource: String,
    /// The object after the change; for a deletion its last state.
    pub(in crate::sim) object: Arc<Value>,
    /// The object before the change. A watch compares both with its selector to tell ADDED from MODIFIED and DELETED.
    pub(in crate::sim) previous: Option<Arc<Value>>,
}

/// The latest changes, ordered by resourceVersion.
#[derive(Debug, Default)]
pub(super) struct ChangeLog(VecDeque<ObjectChange>);

impl ChangeLog {
    pub(super) fn push(&mut self, change: ObjectChange) {
        self.0.push_back(change);
        if self.0.len() > MAX_CHANGES {
            self.0.pop_front();
        }
    }

    /// Returns the changes after `version`; `None` if some of them have been dropped. `newest` is the latest version.
    pub(super) fn since(&self, version: u64, newest: u64) -> Option<impl Iterator<Item = &ObjectChange>> {
        let oldest = self.0.front().map_or(newest + 1, |change| change.resource_version);
        let from = self.0.partition_point(|change| change.resource_version <= version);
        (version + 1 >= oldest).then(|| self.0.range(from..))
    }
}
