//! Faults of pods, nodes and accelerators.

use super::{FALL, Fault, Must, PODS, RUN, SERVE};
use crate::sim::Setting;
use crate::sim::controllers::{Mishap, Moment, NewPods, What, When};
use crate::sim::servers::Who;
use crate::units::Span;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "one-accelerator",
        what: "there is one accelerator, and two are needed",
        spoil: |s| s.set_accelerators(1),
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "tenant-takes-all",
        what: "another tenant takes every free accelerator when the target is scaled up",
        spoil: |s| mishap(s, Moment::AutoscalerMade, Span::from_secs(1), What::Tenant(64)),
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "accelerators-stripped",
        what: "an admission plugin takes the requests for accelerators off the pods, which run on the CPU",
        spoil: |s| {
            s.controllers.strips_accelerators = true;
            s.servers.on_cpu = Who::Everyone;
        },
        must: &[Must::Inconclusive(PODS)],
    },
    Fault {
        name: "crash-loop",
        what: "new pods crash as soon as they run",
        spoil: |s| s.controllers.new_pods = NewPods::CrashLoop,
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "image-missing",
        what: "the image of new pods cannot be pulled",
        spoil: |s| s.controllers.new_pods = NewPods::NoImage,
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "never-ready",
        what: "new pods run, and never become Ready",
        spoil: |s| s.controllers.new_pods = NewPods::NeverReady,
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "late",
        what: "new pods become Ready an hour later",
        spoil: |s| s.controllers.new_pods = NewPods::Late(Span::from_secs(3600)),
        must: &[Must::Inconclusive(RUN)],
    },
    Fault {
        name: "wrong-node",
        what: "new pods land on a node without accelerators",
        spoil: |s| s.controllers.new_pods = NewPods::WrongNode,
        must: &[Must::Fail(RUN)],
    },
    Fault {
        name: "on-cpu",
        what: "the model of new pods lies in the node's memory and runs on its CPU",
        spoil: |s| s.servers.on_cpu = Who::NewPods,
        must: &[Must::Fail(SERVE)],
    },
    Fault {
        name: "hangs",
        what: "new pods take chats and never answer",
        spoil: |s| s.servers.hang = Who::NewPods,
        // A pod that does no work is soon taken away again, in the middle of its own chat.
        must: &[Must::Inconclusive(SERVE)],
    },
    Fault {
        name: "unending",
        what: "pods that are taken away never end",
        spoil: |s| s.controllers.new_pods = NewPods::Unending,
        must: &[Must::Fail(FALL)],
    },
    Fault {
        name: "node-lost",
        what: "the node of the newest pod is lost under load",
        spoil: |s| mishap(s, Moment::FirstRise, Span::from_secs(60), What::NodeLost),
        must: &[Must::Inconclusive(RUN), Must::Inconclusive(SERVE), Must::Inconclusive(FALL)],
    },
    Fault {
        name: "workloads-slow",
        what: "Deployments and StatefulSets are looked after an hour late",
        spoil: |s| s.controllers.workload_delay = Span::from_secs(3600),
        must: &[Must::Inconclusive(PODS)],
    },
];

fn mishap(setting: &mut Setting, moment: Moment, after: Span, what: What) {
    setting.controllers.mishaps.push(Mishap { when: When { moment, after }, what });
}
