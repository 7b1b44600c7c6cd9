//! The task that runs all control loops.

use std::collections::BTreeMap;
use std::time::Duration;

use super::work_queue::{WorkItem, WorkKind, WorkQueue};
use super::{
    MetricsApiHandler, api_service, deployment, endpoint_slice, event_handlers, garbage_collector, hpa_controller,
    injections, kubelet, lease, load_balancer, namespace, node_lifecycle, persistent_volume, replica_set, scheduler,
    stateful_set,
};
use crate::sim::cluster::SimCluster;
use crate::sim::config::{ControllerConfig, InjectionTrigger};
use crate::units::HumanDuration;

/// Field manager and Lease name of kube-controller-manager.
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// All control loops, with their state.
pub(super) struct ControllerManager {
    pub(super) cluster: SimCluster,
    pub(super) config: ControllerConfig,
    pub(super) metrics_api: MetricsApiHandler,
    pub(super) kubelet_state: kubelet::KubeletState,
    /// State of the HPA controller, by the HPA's uid.
    pub(super) hpa_states: BTreeMap<String, hpa_controller::HpaControllerState>,
    pub(super) injection_state: injections::InjectionState,
    queue: WorkQueue,
    seen_version: u64,
}

impl ControllerManager {
    pub(super) fn new(cluster: SimCluster, metrics_api: MetricsApiHandler) -> Self {
        let config = cluster.config().controllers.clone();
        let (kubelet_state, injection_state, queue) =
            (kubelet::KubeletState::default(), injections::InjectionState::default(), WorkQueue::default());
        Self {
            cluster,
            config,
            metrics_api,
            kubelet_state,
            hpa_states: BTreeMap::new(),
            injection_state,
            queue,
            seen_version: 0,
        }
    }

    /// Runs until the task is dropped.
    pub(super) async fn run(mut self) {
        let mut signal = self.cluster.change_signal();
        self.start();
        loop {
            self.process_due();
            // `process_due` has handled all changes, including those of the controllers.
            signal.mark_unchanged();
            let now_ms = self.now_ms();
            // The Lease renewal is always due; the default of one hour is only a bound.
            let pause = self.queue.next_due_ms().map_or(3_600_000, |due| due.saturating_sub(now_ms));
            tokio::select! {
                biased;
                () = signal.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
        }
    }

    /// Enqueues the existing objects, the Lease, and the injections at the start.
    fn start(&mut self) {
        self.seen_version = self.cluster.resource_version();
        event_handlers::handle_existing(self);
        self.enqueue_after(WorkKind::Lease, "", "", HumanDuration::default());
        injections::trigger(self, InjectionTrigger::Start);
    }

    /// Handles changes and processes due items, until neither is left.
    fn process_due(&mut self) {
        loop {
            self.handle_changes();
            let Some(item) = self.queue.pop_due(self.now_ms()) else { return };
            self.run_item(&item);
        }
    }

    fn handle_changes(&mut self) {
        if self.cluster.resource_version() == self.seen_version {
            return;
        }
        match self.cluster.changes_since(self.seen_version) {
            Some(changes) => {
                for change in changes {
                    self.seen_version = change.resource_version;
                    event_handlers::handle_change(self, &change);
                }
            }
            // As an informer relists after 410 Gone.
            None => {
                self.seen_version = self.cluster.resource_version();
                event_handlers::handle_existing(self);
            }
        }
    }

    fn run_item(&mut self, item: &WorkItem) {
        let (namespace, name) = (item.namespace.as_str(), item.name.as_str());
        match item.kind {
            WorkKind::Deployment => deployment::sync(self, namespace, name),
            WorkKind::ReplicaSet => replica_set::sync(self, namespace, name),
            WorkKind::StatefulSet => stateful_set::sync(self, namespace, name),
            WorkKind::Scheduler => scheduler::sync(self, namespace, name),
            WorkKind::Kubelet => kubelet::sync(self, namespace, name),
            WorkKind::EndpointSlice => endpoint_slice::sync(self, namespace, name),
            WorkKind::LoadBalancer => load_balancer::sync(self, namespace, name),
            WorkKind::Volume => persistent_volume::sync(self, namespace, name),
            WorkKind::ApiService => api_service::sync(self, name),
            WorkKind::Namespace => namespace::sync(self, name),
            WorkKind::Node => node_lifecycle::sync(self, name),
            WorkKind::ForegroundDeletion => garbage_collector::sync_foreground(self, namespace, name),
            WorkKind::Hpa => hpa_controller::sync(self, namespace, name),
            WorkKind::Lease => lease::renew(self),
            WorkKind::Injection => injections::inject(self, name),
        }
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

    /// Varies a duration randomly by up to 25 %.
    pub(super) fn jittered(&self, duration: HumanDuration) -> HumanDuration {
        HumanDuration::from_ms(duration.ms() * 3 / 4 + self.cluster.random_below(duration.ms() / 2 + 1))
    }
}
