//! The changes of objects, from which watches are served.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

/// Changes that are remembered: a watch that asks for an older version is told 410 Gone.
const MAX_CHANGES: usize = 10_000;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum WatchEventType {
    Added,
    Modified,
    Deleted,
}

/// One change.
#[derive(Clone, Debug)]
pub(in crate::sim) struct ObjectChange {
    pub(in crate::sim) resource_version: u64,
    pub(in crate::sim) event_type: WatchEventType,
    /// As `resource` writes it.
    pub(in crate::sim) group_resource: String,
    /// The object as it is now, or was last.
    pub(in crate::sim) object: Arc<Value>,
    /// The object before, where there was one: a selector may have matched it.
    pub(in crate::sim) previous: Option<Arc<Value>>,
}

/// The last changes, in the order of their versions.
#[derive(Debug, Default)]
pub(super) struct ChangeLog(VecDeque<ObjectChange>);

impl ChangeLog {
    pub(super) fn push(&mut self, change: ObjectChange) {
        self.0.push_back(change);
        if self.0.len() > MAX_CHANGES {
            self.0.pop_front();
        }
    }

    /// The changes after this version; `None` where some of them are forgotten. `newest` is the version of the last one.
    pub(super) fn since(&self, version: u64, newest: u64) -> Option<impl Iterator<Item = &ObjectChange>> {
        let oldest = self.0.front().map_or(newest + 1, |change| change.resource_version);
        let from = self.0.partition_point(|change| change.resource_version <= version);
        (version + 1 >= oldest).then(|| self.0.range(from..))
    }
}
