//! The one task of everything that acts by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::config::ControllerConfig;
use super::work_queue::{WorkItem, WorkKind, WorkQueue};
use super::{
    MetricsApiHandler, api_service, deployment, endpoint_slice, event_handlers, garbage_collector, hpa_controller,
    injections, kubelet, lease, load_balancer, namespace, node_lifecycle, persistent_volume, replica_set, scheduler,
    stateful_set,
};
use crate::sim::cluster::SimCluster;
use crate::units::HumanDuration;

/// Name under which kube-controller-manager writes.
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// All controllers, with what they remember.
pub(super) struct ControllerManager {
    pub(super) cluster: SimCluster,
    pub(super) config: ControllerConfig,
    pub(super) metrics_api: MetricsApiHandler,
    pub(super) kubelet_state: kubelet::KubeletState,
    /// What the HPA controller remembers, by the HPA's uid.
    pub(super) hpa_states: BTreeMap<String, hpa_controller::HpaControllerState>,
    pub(super) injection_state: injections::InjectionState,
    queue: WorkQueue,
    seen_version: u64,
}

impl ControllerManager {
    pub(super) fn new(cluster: SimCluster, ask: MetricsApiHandler) -> Self {
        let setting = cluster.config().controllers.clone();
        let (kubelet, moments, queue) =
            (kubelet::KubeletState::default(), injections::InjectionState::default(), WorkQueue::default());
        Self {
            cluster,
            config: setting,
            metrics_api: ask,
            kubelet_state: kubelet,
            hpa_states: BTreeMap::new(),
            injection_state: moments,
            queue,
            seen_version: 0,
        }
    }

    /// Works for ever.
    pub(super) async fn run(mut self) {
        let mut told = self.cluster.change_signal();
        self.start();
        loop {
            self.process_due();
            // Its own changes have been looked at.
            told.mark_unchanged();
            let now_ms = self.now_ms();
            // Nothing is due for ever only in a cluster in which nothing stands.
            let pause = self.queue.next_due_ms().map_or(3_600_000, |due| due.saturating_sub(now_ms));
            tokio::select! {
                biased;
                () = told.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
        }
    }

    /// What stands already, and what begins by itself.
    fn start(&mut self) {
        self.seen_version = self.cluster.resource_version();
        event_handlers::handle_existing(self);
        self.enqueue_after(WorkKind::Lease, "", "", HumanDuration::default());
        injections::trigger(self, super::config::InjectionTrigger::Start);
    }

    /// Looks at what has changed and does what is due, until nothing is left to do now.
    fn process_due(&mut self) {
        loop {
            self.handle_changes();
            let Some(work) = self.queue.pop_due(self.now_ms()) else { return };
            self.run_item(&work);
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
            // As an informer that is told 410 Gone.
            None => {
                self.seen_version = self.cluster.resource_version();
                event_handlers::handle_existing(self);
            }
        }
    }

    fn run_item(&mut self, work: &WorkItem) {
        let (namespace, name) = (work.namespace.as_str(), work.name.as_str());
        match work.kind {
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

    /// Asks for work after a while.
    pub(super) fn enqueue_after(&mut self, duty: WorkKind, namespace: &str, name: &str, after: HumanDuration) {
        let work = WorkItem { kind: duty, namespace: namespace.to_owned(), name: name.to_owned() };
        let due_ms = self.now_ms() + after.ms();
        self.queue.add_at(due_ms, work);
    }

    /// Asks for work as soon as a controller reacts.
    pub(super) fn enqueue(&mut self, duty: WorkKind, namespace: &str, name: &str) {
        let most = self.config.max_reaction_delay.ms();
        let slow = if matches!(duty, WorkKind::Deployment | WorkKind::ReplicaSet | WorkKind::StatefulSet) {
            self.config.workload_delay.ms()
        } else {
            0
        };
        let after = HumanDuration::from_ms(slow + most / 4 + self.cluster.random_below(most * 3 / 4 + 1));
        self.enqueue_after(duty, namespace, name, after);
    }

    /// A span of time within a quarter, by chance.
    pub(super) fn jittered(&self, span: HumanDuration) -> HumanDuration {
        HumanDuration::from_ms(span.ms() * 3 / 4 + self.cluster.random_below(span.ms() / 2 + 1))
    }
}
