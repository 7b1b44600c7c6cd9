//! Waiting for changes.

use super::SimCluster;

/// Tells of every change. Not a `watch` channel: that one wakes its receivers in an order of chance, and a simulated run is
/// to be the same run every time; here they are woken in the order in which they began to wait.
pub(in crate::sim) struct ChangeSignal {
    cluster: SimCluster,
    seen_version: u64,
}

impl ChangeSignal {
    /// Of changes from now on.
    pub(super) fn new(cluster: SimCluster) -> Self {
        let seen = cluster.resource_version();
        Self { cluster, seen_version: seen }
    }

    /// Whatever has changed until now is known.
    pub(in crate::sim) fn mark_unchanged(&mut self) {
        self.seen_version = self.cluster.resource_version();
    }

    /// Resolves when something has changed since the last time.
    pub(in crate::sim) async fn changed(&mut self) {
        loop {
            let told = self.cluster.0.change_notify.notified();
            let version = self.cluster.resource_version();
            if version != self.seen_version {
                self.seen_version = version;
                return;
            }
            told.await;
        }
    }
}
