//! The one task of everything that acts by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::queue::{Duty, Queue, Work};
use super::setting::ControllerSetting;
use super::{
    Ask, api_service, autoscaler, balancer, deployment, endpoints, garbage, kubelet, lease, mishaps, namespaces,
    node_monitor, notice, replica_set, scheduler, stateful_set, volumes,
};
use crate::sim::cluster::Cluster;
use crate::units::Span;

/// Name under which kube-controller-manager writes.
pub(super) const MANAGER: &str = "kube-controller-manager";

/// All controllers, with what they remember.
pub(super) struct Manager {
    pub(super) cluster: Cluster,
    pub(super) setting: ControllerSetting,
    pub(super) ask: Ask,
    pub(super) kubelet: kubelet::Memory,
    /// What the HPA controller remembers, by the HPA's uid.
    pub(super) autoscalers: BTreeMap<String, autoscaler::Memory>,
    pub(super) moments: mishaps::Moments,
    queue: Queue,
    seen: u64,
}

impl Manager {
    pub(super) fn new(cluster: Cluster, ask: Ask) -> Self {
        let setting = cluster.setting().controllers.clone();
        let (kubelet, moments, queue) = (kubelet::Memory::default(), mishaps::Moments::default(), Queue::default());
        Self { cluster, setting, ask, kubelet, autoscalers: BTreeMap::new(), moments, queue, seen: 0 }
    }

    /// Works for ever.
    pub(super) async fn run(mut self) {
        let mut told = self.cluster.told();
        self.begin();
        loop {
            self.work();
            // Its own changes have been looked at.
            told.up_to_date();
            let now_ms = self.now_ms();
            // Nothing is due for ever only in a cluster in which nothing stands.
            let pause = self.queue.next_ms().map_or(3_600_000, |due| due.saturating_sub(now_ms));
            tokio::select! {
                biased;
                () = told.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
        }
    }

    /// What stands already, and what begins by itself.
    fn begin(&mut self) {
        self.seen = self.cluster.version();
        notice::standing(self);
        self.plan(Duty::Lease, "", "", Span::default());
        mishaps::reached(self, super::setting::Moment::Start);
    }

    /// Looks at what has changed and does what is due, until nothing is left to do now.
    fn work(&mut self) {
        loop {
            self.look();
            let Some(work) = self.queue.take(self.now_ms()) else { return };
            self.act(&work);
        }
    }

    fn look(&mut self) {
        if self.cluster.version() == self.seen {
            return;
        }
        match self.cluster.since(self.seen) {
            Some(changes) => {
                for change in changes {
                    self.seen = change.version;
                    notice::change(self, &change);
                }
            }
            // As an informer that is told 410 Gone.
            None => {
                self.seen = self.cluster.version();
                notice::standing(self);
            }
        }
    }

    fn act(&mut self, work: &Work) {
        let (namespace, name) = (work.namespace.as_str(), work.name.as_str());
        match work.duty {
            Duty::Deployment => deployment::sync(self, namespace, name),
            Duty::ReplicaSet => replica_set::sync(self, namespace, name),
            Duty::StatefulSet => stateful_set::sync(self, namespace, name),
            Duty::Schedule => scheduler::sync(self, namespace, name),
            Duty::Kubelet => kubelet::sync(self, namespace, name),
            Duty::Endpoints => endpoints::sync(self, namespace, name),
            Duty::Balancer => balancer::sync(self, namespace, name),
            Duty::Volume => volumes::sync(self, namespace, name),
            Duty::ApiService => api_service::sync(self, name),
            Duty::Namespace => namespaces::sync(self, name),
            Duty::Node => node_monitor::sync(self, name),
            Duty::Foreground => garbage::foreground(self, namespace, name),
            Duty::Autoscaler => autoscaler::sync(self, namespace, name),
            Duty::Lease => lease::renew(self),
            Duty::Mishap => mishaps::befall(self, name),
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.cluster.clock().now_ms()
    }

    /// Asks for work after a while.
    pub(super) fn plan(&mut self, duty: Duty, namespace: &str, name: &str, after: Span) {
        let work = Work { duty, namespace: namespace.to_owned(), name: name.to_owned() };
        let due_ms = self.now_ms() + after.ms();
        self.queue.at(due_ms, work);
    }

    /// Asks for work as soon as a controller reacts.
    pub(super) fn soon(&mut self, duty: Duty, namespace: &str, name: &str) {
        let most = self.setting.reaction.ms();
        let slow = if matches!(duty, Duty::Deployment | Duty::ReplicaSet | Duty::StatefulSet) {
            self.setting.workload_delay.ms()
        } else {
            0
        };
        let after = Span::from_ms(slow + most / 4 + self.cluster.chance(most * 3 / 4 + 1));
        self.plan(duty, namespace, name, after);
    }

    /// A span of time within a quarter, by chance.
    pub(super) fn around(&self, span: Span) -> Span {
        Span::from_ms(span.ms() * 3 / 4 + self.cluster.chance(span.ms() / 2 + 1))
    }
}
