//! Disturbances of controllers, kubelets, the scheduler and helm, and other tenants.

use super::{ALWAYS_PASS, FaultSpec, PASS_OR_INCONCLUSIVE, double};
use crate::sim::config::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, NewPodFault, SimConfig};
use crate::units::HumanDuration;

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "manager-restarts-in-scale-up",
        description: "the controller manager restarts during scale-up and loses its in-memory state",
        inject: |s| schedule_injection(s, InjectionTrigger::FirstScaleUp, 5, InjectionAction::ManagerRestart),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "manager-restarts-in-hold",
        description: "the controller manager restarts during hold",
        inject: |s| schedule_injection(s, InjectionTrigger::FirstScaleUp, 150, InjectionAction::ManagerRestart),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "manager-restarts-in-scale-down",
        description: "the controller manager restarts 1 s after the first scale-down",
        inject: |s| schedule_injection(s, InjectionTrigger::FirstScaleDown, 1, InjectionAction::ManagerRestart),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "kubelet-restarts",
        description: "the kubelets restart under load: pods are not Ready for 10 s",
        inject: |s| {
            schedule_injection(
                s,
                InjectionTrigger::FirstScaleUp,
                150,
                InjectionAction::KubeletRestart(HumanDuration::from_secs(10)),
            )
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "new-pods-killed-once",
        description: "each new pod is killed for its use of memory once, some seconds after it was Ready",
        inject: |s| {
            let after = HumanDuration::from_secs(1 + s.seed % 20);
            s.controllers.new_pod_fault = NewPodFault::KilledAfterReady { after, kills: 1 };
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "events-lost",
        description: "the HPA controller's events are lost",
        inject: |s| s.controllers.hpa_controller.events_lost = true,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "other-tenant-busy",
        description: "another tenant's busy pods use four accelerators that the run does not need",
        inject: |s| {
            s.set_accelerators(s.controllers.accelerator_nodes * s.controllers.accelerators_per_node + 4);
            s.pipeline.neighbor_utilizations = vec![95.0];
            schedule_injection(s, InjectionTrigger::Start, 0, InjectionAction::TenantPods(4));
        },
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "pods-start-slowly",
        description: "a pod takes nearly as long to start as the scenario assumes",
        inject: |s| {
            (s.controllers.image_pull, s.controllers.container_start) =
                (HumanDuration::from_secs(170), HumanDuration::from_secs(40))
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "scheduler-slow",
        description: "the scheduler takes 20 s to find a node",
        inject: |s| s.controllers.scheduling_delay = HumanDuration::from_secs(20),
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "controllers-slow",
        description: "controllers take up to 2 s to act on a change, workload controllers 3 s more",
        inject: |s| {
            s.controllers.max_reaction_delay = HumanDuration::from_secs(2);
            s.controllers.workload_delay = HumanDuration::from_secs(3);
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "sync-period-doubled",
        description: "the HPA controller's sync period is twice as long as the scenario assumes",
        inject: |s| double(&mut s.controllers.hpa_controller.sync_period),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "tolerance-doubled",
        description: "the HPA controller's tolerance is twice what the scenario assumes",
        inject: |s| s.controllers.hpa_controller.tolerance *= 2.0,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "helm-slow",
        description: "every helm command takes 20 s",
        inject: |s| s.helm.latency = HumanDuration::from_secs(20),
        expected: ALWAYS_PASS,
    },
];

fn schedule_injection(config: &mut SimConfig, trigger: InjectionTrigger, after_s: u64, action: InjectionAction) {
    config
        .controllers
        .injections
        .push(ClusterInjection { time: InjectionTime { trigger, after: HumanDuration::from_secs(after_s) }, action });
}
