//! What all control loops share: the cluster, its configuration and the work queue.

use super::work_queue::{WorkItem, WorkKind, WorkQueue};
use crate::sim::cluster::SimCluster;
use crate::sim::config::ControllerConfig;
use crate::units::HumanDuration;

/// Field manager and Lease name of kube-controller-manager.
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// The cluster, its configuration and the work queue.
pub(super) struct ControllerContext {
    pub(super) cluster: SimCluster,
    pub(super) config: ControllerConfig,
    /// Number of restarts of kube-controller-manager.
    pub(super) manager_restarts: u32,
    queue: WorkQueue,
}

impl ControllerContext {
    pub(super) fn new(cluster: SimCluster) -> Self {
        let config = cluster.config().controllers.clone();
        Self { cluster, config, manager_restarts: 0, queue: WorkQueue::default() }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.cluster.clock().now_ms()
    }

    /// Enqueues an item after a delay.
    pub(super) fn enqueue_after(&mut self, kind: WorkKind, namespace: &str, name: &str, after: HumanDuration) {
        let item = WorkItem { kind, namespace: namespace.to_owned(), name: name.to_owned() };
        let due_ms = self.now_ms() + after.ms();
        self.queue.add_at(due_ms, item);
    }

    /// Enqueues an item after the random reaction delay of its controller.
    pub(super) fn enqueue(&mut self, kind: WorkKind, namespace: &str, name: &str) {
        let max_ms = self.config.max_reaction_delay.ms();
        let workload_delay_ms = if matches!(kind, WorkKind::Deployment | WorkKind::ReplicaSet | WorkKind::StatefulSet) {
            self.config.workload_delay.ms()
        } else {
            0
        };
        let after =
            HumanDuration::from_ms(workload_delay_ms + max_ms / 4 + self.cluster.random_below(max_ms * 3 / 4 + 1));
        self.enqueue_after(kind, namespace, name, after);
    }

    /// Whether an item is in the queue.
    pub(super) fn is_queued(&self, kind: WorkKind, namespace: &str, name: &str) -> bool {
        self.queue.contains(&WorkItem { kind, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Removes and returns the first item that is due.
    pub(super) fn pop_due(&mut self) -> Option<WorkItem> {
        self.queue.pop_due(self.now_ms())
    }

    /// Milliseconds until the first item is due, if there is one.
    pub(super) fn ms_until_due(&self) -> Option<u64> {
        self.queue.next_due_ms().map(|due_ms| due_ms.saturating_sub(self.now_ms()))
    }

    /// Varies a duration randomly by up to 25 %.
    pub(super) fn jittered(&self, duration: HumanDuration) -> HumanDuration {
        HumanDuration::from_ms(duration.ms() * 3 / 4 + self.cluster.random_below(duration.ms() / 2 + 1))
    }
}
