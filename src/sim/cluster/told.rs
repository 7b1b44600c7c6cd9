//! Waiting for changes.

use super::Cluster;

/// Tells of every change. Not a `watch` channel: that one wakes its receivers in an order of chance, and a simulated run is
/// to be the same run every time; here they are woken in the order in which they began to wait.
pub(in crate::sim) struct Told {
    cluster: Cluster,
    seen: u64,
}

impl Told {
    /// Of changes from now on.
    pub(super) fn new(cluster: Cluster) -> Self {
        let seen = cluster.version();
        Self { cluster, seen }
    }

    /// Whatever has changed until now is known.
    pub(in crate::sim) fn up_to_date(&mut self) {
        self.seen = self.cluster.version();
    }

    /// Resolves when something has changed since the last time.
    pub(in crate::sim) async fn changed(&mut self) {
        loop {
            let told = self.cluster.0.told.notified();
            let version = self.cluster.version();
            if version != self.seen {
                self.seen = version;
                return;
            }
            told.await;
        }
    }
}
