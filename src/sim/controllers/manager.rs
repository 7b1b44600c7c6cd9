//! The task that runs all control loops.

use std::time::Duration;

use super::context::ControllerContext;
use super::hpa_controller::{HpaController, MetricsApiHandler};
use super::injections::InjectionTriggers;
use super::keda_operator::ScalerAccess;
use super::kubelet::Kubelets;
use super::work_queue::{WorkItem, WorkKind};
use super::{
    api_service, deployment, endpoint_slice, event_handlers, garbage_collector, injections, keda_operator, lease,
    load_balancer, namespace, node_lifecycle, persistent_volume, replica_set, resource_claim, scheduler, stateful_set,
};
use crate::sim::cluster::{ObjectChange, SimCluster, WatchEventType, group_resource};
use crate::sim::config::InjectionTrigger;
use crate::units::HumanDuration;

/// All control loops, with their state.
pub(super) struct ControllerManager {
    context: ControllerContext,
    kubelets: Kubelets,
    hpa_controller: HpaController,
    /// What KEDA's operator knows of its scalers.
    keda_scalers: ScalerAccess,
    injection_triggers: InjectionTriggers,
    seen_version: u64,
}

impl ControllerManager {
    pub(super) fn new(cluster: SimCluster, metrics_api: MetricsApiHandler, keda_scalers: ScalerAccess) -> Self {
        Self {
            keda_scalers,
            hpa_controller: HpaController::new(cluster.clone(), metrics_api),
            context: ControllerContext::new(cluster),
            kubelets: Kubelets::default(),
            injection_triggers: InjectionTriggers::default(),
            seen_version: 0,
        }
    }

    /// Runs until the task is dropped.
    pub(super) async fn run(mut self) {
        let mut signal = self.context.cluster.change_signal();
        self.start();
        loop {
            self.process_due();
            // `process_due` has handled all changes, including those of the controllers.
            signal.mark_unchanged();
            // The Lease renewal is always due; the default of one hour is only a bound.
            let pause = self.context.ms_until_due().unwrap_or(3_600_000);
            tokio::select! {
                biased;
                () = signal.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
        }
    }

    /// Enqueues the existing objects, the Lease, and the injections at the start.
    fn start(&mut self) {
        self.seen_version = self.context.cluster.resource_version();
        self.handle_existing();
        self.context.enqueue_after(WorkKind::Lease, "", "", HumanDuration::default());
        self.injection_triggers.trigger(&mut self.context, InjectionTrigger::Start);
    }

    /// Handles changes and processes due items, until neither is left.
    fn process_due(&mut self) {
        loop {
            self.handle_changes();
            let Some(item) = self.context.pop_due() else { return };
            self.run_item(&item);
        }
    }

    fn handle_changes(&mut self) {
        if self.context.cluster.resource_version() == self.seen_version {
            return;
        }
        match self.context.cluster.changes_since(self.seen_version) {
            Some(changes) => {
                for change in changes {
                    self.seen_version = change.resource_version;
                    self.handle_change(&change);
                }
            }
            // As an informer relists after 410 Gone.
            None => {
                self.seen_version = self.context.cluster.resource_version();
                self.handle_existing();
            }
        }
    }

    /// Handles all existing objects as added, when the controllers start or have missed changes.
    fn handle_existing(&mut self) {
        for kind in event_handlers::LISTED_KINDS {
            for object in self.context.cluster.list(&kind, None) {
                self.handle_change(&ObjectChange {
                    resource_version: self.seen_version,
                    event_type: WatchEventType::Added,
                    group_resource: group_resource(&kind),
                    object,
                    previous: None,
                });
            }
        }
    }

    fn handle_change(&mut self, change: &ObjectChange) {
        event_handlers::enqueue_items(&mut self.context, change);
        if change.event_type == WatchEventType::Deleted {
            self.kubelets.forget(&change.object);
            garbage_collector::delete_dependents(&self.context, &change.object);
        } else {
            self.injection_triggers.trigger_on_change(&mut self.context, change);
        }
    }

    fn run_item(&mut self, item: &WorkItem) {
        let (context, namespace, name) = (&mut self.context, item.namespace.as_str(), item.name.as_str());
        match item.kind {
            WorkKind::Deployment => deployment::sync(context, namespace, name),
            WorkKind::ReplicaSet => replica_set::sync(context, namespace, name),
            WorkKind::StatefulSet => stateful_set::sync(context, namespace, name),
            WorkKind::Scheduler => scheduler::sync(context, namespace, name),
            WorkKind::Kubelet => self.kubelets.sync(context, namespace, name),
            WorkKind::EndpointSlice => endpoint_slice::sync(context, namespace, name),
            WorkKind::LoadBalancer => load_balancer::sync(context, namespace, name),
            WorkKind::Volume => persistent_volume::sync(context, namespace, name),
            WorkKind::PodClaims => resource_claim::create_for_pod(context, namespace, name),
            WorkKind::ResourceClaim => resource_claim::sync(context, namespace, name),
            WorkKind::ApiService => api_service::sync(context, name),
            WorkKind::Namespace => namespace::sync(context, name),
            WorkKind::Node => node_lifecycle::sync(context, name),
            WorkKind::ForegroundDeletion => garbage_collector::sync_foreground(context, namespace, name),
            WorkKind::Hpa => self.hpa_controller.sync(context, namespace, name),
            WorkKind::ScaledObject => keda_operator::sync(context, namespace, name, (self.keda_scalers.is_away)()),
            WorkKind::ScaleLoop => keda_operator::check_scaler(context, namespace, name, &self.keda_scalers),
            WorkKind::Lease => lease::renew(context),
            WorkKind::Uncordon => injections::set_schedulable(context, name, true),
            WorkKind::Injection => {
                injections::inject(context, &mut self.kubelets, &mut self.hpa_controller, name);
            }
        }
    }
}
