//! Faults of the API server, of rights, and of helm.

use super::{ExpectedOutcome, FaultSpec, METRIC_SERVED, PODS_REQUEST_ACCELERATORS};
use crate::sim::api::{ApiFaultWindow, DeniedPermission, RequestShare};
use crate::sim::helm::HelmFault;
use crate::units::HumanDuration;

/// From the middle of the run to its end.
const REST_OF_RUN: ApiFaultWindow =
    ApiFaultWindow { start: HumanDuration::from_secs(60), duration: HumanDuration::from_secs(36_000) };

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "hpa-api-unserved",
        description: "the platform does not serve autoscaling/v2",
        inject: |s| s.api.unserved_versions.push("autoscaling/v2".to_owned()),
        expected: &[ExpectedOutcome::NotApplicable],
    },
    FaultSpec {
        name: "permission-missing",
        description: "the right to create HPAs is missing",
        inject: |s| {
            s.api.denied_permissions.push(denied_permission("create", "autoscaling", "horizontalpodautoscalers"))
        },
        expected: &[ExpectedOutcome::NotStarted("horizontalpodautoscalers")],
    },
    FaultSpec {
        name: "pods-unreadable",
        description: "pods may not be watched",
        inject: |s| s.api.denied_permissions.push(denied_permission("*", "", "pods")),
        expected: &[ExpectedOutcome::NotStarted("pods")],
    },
    FaultSpec {
        name: "api-gone",
        description: "the API server is gone from the first minute on",
        inject: |s| s.api.unavailable = Some(REST_OF_RUN),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "api-500",
        description: "the API server answers every request with 500 from the first minute on",
        inject: |s| s.api.server_errors = Some(RequestShare { window: REST_OF_RUN, percent: 100 }),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "api-429",
        description: "the API server has too much to do for every request, from the first minute on",
        inject: |s| s.api.too_many_requests = Some(RequestShare { window: REST_OF_RUN, percent: 100 }),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "helm-fails",
        description: "helm cannot install",
        inject: |s| s.helm.fault = Some(HelmFault::Fails),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "helm-fails-half-way",
        description: "helm fails after half of a release's objects",
        inject: |s| s.helm.fault = Some(HelmFault::FailsHalfWay),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "namespace-stuck",
        description: "a namespace that is deleted never goes: a finalizer in it is nobody's",
        inject: |s| s.controllers.namespace_stuck = true,
        expected: &[ExpectedOutcome::NotRestored],
    },
    FaultSpec {
        name: "helm-hangs",
        description: "helm does not come back",
        inject: |s| s.helm.fault = Some(HelmFault::Hangs),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
];

fn denied_permission(verb: &str, group: &str, resource: &str) -> DeniedPermission {
    DeniedPermission {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: String::new(),
    }
}
