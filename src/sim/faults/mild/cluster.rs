//! Hiccups of controllers, kubelets and the scheduler, and other tenants.

use super::{ALWAYS, Fault, SOMETIMES, twice};
use crate::sim::Setting;
use crate::sim::controllers::{Mishap, Moment, What, When};
use crate::units::Span;

pub(in crate::sim::faults) const DISTURBANCES: &[Fault] = &[
    Fault {
        name: "manager-restarts-in-rise",
        what: "the controller manager starts anew while the target rises, and has forgotten everything",
        spoil: |s| mishap(s, Moment::FirstRise, 5, What::ManagerRestart),
        must: SOMETIMES,
    },
    Fault {
        name: "manager-restarts-in-hold",
        what: "the controller manager starts anew while the size is held",
        spoil: |s| mishap(s, Moment::FirstRise, 150, What::ManagerRestart),
        must: SOMETIMES,
    },
    Fault {
        name: "manager-restarts-in-fall",
        what: "the controller manager starts anew as soon as the target falls",
        spoil: |s| mishap(s, Moment::FirstFall, 1, What::ManagerRestart),
        must: SOMETIMES,
    },
    Fault {
        name: "kubelet-restarts",
        what: "the kubelets start anew under load: pods are not Ready for 10 s",
        spoil: |s| mishap(s, Moment::FirstRise, 150, What::KubeletRestart(Span::from_secs(10))),
        must: SOMETIMES,
    },
    Fault {
        name: "events-lost",
        what: "the HPA controller's events are lost",
        spoil: |s| s.controllers.autoscaler.events_lost = true,
        must: ALWAYS,
    },
    Fault {
        name: "tenant-beside",
        what: "another tenant's busy pods hold four accelerators that the run does not need",
        spoil: |s| {
            s.set_accelerators(s.controllers.nodes * s.controllers.accelerators + 4);
            s.pipeline.neighbours = vec![95.0];
            mishap(s, Moment::Start, 0, What::Tenant(4));
        },
        must: ALWAYS,
    },
    Fault {
        name: "pods-start-slowly",
        what: "a pod takes nearly as long to start as the scenario assumes",
        spoil: |s| (s.controllers.pull, s.controllers.start) = (Span::from_secs(170), Span::from_secs(40)),
        must: SOMETIMES,
    },
    Fault {
        name: "scheduler-slow",
        what: "the scheduler takes 20 s to find a node",
        spoil: |s| s.controllers.schedule = Span::from_secs(20),
        must: ALWAYS,
    },
    Fault {
        name: "controllers-slow",
        what: "controllers take up to 2 s to act on a change, those of workloads 3 s more",
        spoil: |s| {
            s.controllers.reaction = Span::from_secs(2);
            s.controllers.workload_delay = Span::from_secs(3);
        },
        must: SOMETIMES,
    },
    Fault {
        name: "sync-period-twice",
        what: "the HPA controller's sync period is twice as long as the scenario assumes",
        spoil: |s| twice(&mut s.controllers.autoscaler.sync_period),
        must: SOMETIMES,
    },
    Fault {
        name: "tolerance-twice",
        what: "the HPA controller's tolerance is twice what the scenario assumes",
        spoil: |s| s.controllers.autoscaler.tolerance *= 2.0,
        must: ALWAYS,
    },
    Fault {
        name: "helm-slow",
        what: "helm takes 20 s for everything",
        spoil: |s| s.helm.takes = Span::from_secs(20),
        must: ALWAYS,
    },
];

fn mishap(setting: &mut Setting, moment: Moment, after_s: u64, what: What) {
    setting.controllers.mishaps.push(Mishap { when: When { moment, after: Span::from_secs(after_s) }, what });
}
