//! Waiting for changes of the cluster.

use super::SimCluster;

/// A subscription to changes. Not a `tokio::sync::watch` channel: that one wakes its receivers in random order, and a
/// simulated run must be reproducible; `Notify` wakes them in the order in which they began to wait.
pub(in crate::sim) struct ChangeSignal {
    cluster: SimCluster,
    seen_version: u64,
}

impl ChangeSignal {
    pub(super) fn new(cluster: SimCluster) -> Self {
        let seen_version = cluster.resource_version();
        Self { cluster, seen_version }
    }

    /// Marks all changes until now as seen.
    pub(in crate::sim) fn mark_unchanged(&mut self) {
        self.seen_version = self.cluster.resource_version();
    }

    /// Resolves when there is a change that is not marked as seen, and marks it.
    pub(in crate::sim) async fn changed(&mut self) {
        loop {
            let notified = self.cluster.0.change_notify.notified();
            let version = self.cluster.resource_version();
            if version != self.seen_version {
                self.seen_version = version;
                return;
            }
            notified.await;
        }
    }
}
