//! Faults of the API server, of rights, and of helm.

use super::{Fault, Must, PODS, SERVED};
use crate::sim::api::{Denied, Share, Window};
use crate::sim::helm::HelmFault;
use crate::units::Span;

/// From the middle of the run to its end.
const REST: Window = Window { from: Span::from_secs(60), lasts: Span::from_secs(36_000) };

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "hpa-api-unserved",
        what: "the platform does not serve autoscaling/v2",
        spoil: |s| s.api.unserved.push("autoscaling/v2".to_owned()),
        must: &[Must::NotApplicable],
    },
    Fault {
        name: "permission-missing",
        what: "the right to create HPAs is missing",
        spoil: |s| s.api.denied.push(denied("create", "autoscaling", "horizontalpodautoscalers")),
        must: &[Must::NotBegin("horizontalpodautoscalers")],
    },
    Fault {
        name: "pods-unreadable",
        what: "pods may not be watched",
        spoil: |s| s.api.denied.push(denied("*", "", "pods")),
        must: &[Must::NotBegin("pods")],
    },
    Fault {
        name: "api-gone",
        what: "the API server is gone from the first minute on",
        spoil: |s| s.api.away = Some(REST),
        must: &[SERVED],
    },
    Fault {
        name: "api-500",
        what: "the API server answers every request with 500 from the first minute on",
        spoil: |s| s.api.failing = Some(Share { during: REST, percent: 100 }),
        must: &[SERVED],
    },
    Fault {
        name: "api-429",
        what: "the API server has too much to do for every request, from the first minute on",
        spoil: |s| s.api.busy = Some(Share { during: REST, percent: 100 }),
        must: &[SERVED],
    },
    Fault {
        name: "helm-fails",
        what: "helm cannot install",
        spoil: |s| s.helm.fault = Some(HelmFault::Fails),
        must: &[Must::Inconclusive(PODS)],
    },
    Fault {
        name: "helm-fails-half-way",
        what: "helm fails after half of a release's objects",
        spoil: |s| s.helm.fault = Some(HelmFault::FailsHalfWay),
        must: &[Must::Inconclusive(PODS)],
    },
    Fault {
        name: "namespace-stuck",
        what: "a namespace that is deleted never goes: a finalizer in it is nobody's",
        spoil: |s| s.controllers.namespace_stuck = true,
        must: &[Must::NotRestored],
    },
    Fault {
        name: "helm-hangs",
        what: "helm does not come back",
        spoil: |s| s.helm.fault = Some(HelmFault::Hangs),
        must: &[Must::Inconclusive(PODS)],
    },
];

fn denied(verb: &str, group: &str, resource: &str) -> Denied {
    Denied { verb: verb.to_owned(), group: group.to_owned(), resource: resource.to_owned(), namespace: String::new() }
}
