//! Faults of the API server, permissions, namespaces and helm.

use super::{AUTOSCALER_ACTIVE, ExpectedOutcome, FaultSpec, METRIC_SERVED, PODS_REQUEST_ACCELERATORS};
use crate::sim::config::{ApiFaultWindow, DeniedPermission, HelmFault, HpaSpecChange, RequestShare};
use crate::units::HumanDuration;

/// From 60 s after the start to the end of the run: the duration exceeds that of every run.
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
        name: "hpa-field-dropped",
        description: "the API server drops behavior.*.tolerance of the HPA, or its scale-up policies if it states none",
        inject: |s| s.api.hpa_spec_change = Some(HpaSpecChange::DropsField),
        expected: &[ExpectedOutcome::Inconclusive(AUTOSCALER_ACTIVE)],
    },
    FaultSpec {
        name: "webhook-changes-target",
        description: "a mutating webhook raises the target of the HPA's metric",
        inject: |s| s.api.hpa_spec_change = Some(HpaSpecChange::RaisesTarget),
        expected: &[ExpectedOutcome::Inconclusive(AUTOSCALER_ACTIVE)],
    },
    FaultSpec {
        name: "webhook-adds-metric",
        description: "a mutating webhook adds a metric to the HPA",
        inject: |s| s.api.hpa_spec_change = Some(HpaSpecChange::AddsMetric),
        expected: &[ExpectedOutcome::Inconclusive(AUTOSCALER_ACTIVE)],
    },
    FaultSpec {
        name: "permission-missing",
        description: "permission to create HPAs is missing",
        inject: |s| {
            s.api.denied_permissions.push(denied_permission("create", "autoscaling", "horizontalpodautoscalers"))
        },
        expected: &[ExpectedOutcome::NotStarted("horizontalpodautoscalers")],
    },
    FaultSpec {
        name: "pod-watch-forbidden",
        description: "permission to get, list and watch pods is missing",
        inject: |s| s.api.denied_permissions.push(denied_permission("*", "", "pods")),
        expected: &[ExpectedOutcome::NotStarted("pods")],
    },
    FaultSpec {
        name: "api-server-down",
        description: "the API server is unreachable after the first minute",
        inject: |s| s.api.unavailable = Some(REST_OF_RUN),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "api-500",
        description: "the API server answers every request with 500 after the first minute",
        inject: |s| s.api.server_errors = Some(RequestShare { window: REST_OF_RUN, percent: 100 }),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "api-429",
        description: "the API server answers every request with 429 after the first minute",
        inject: |s| s.api.too_many_requests = Some(RequestShare { window: REST_OF_RUN, percent: 100 }),
        expected: &[METRIC_SERVED],
    },
    FaultSpec {
        name: "helm-fails",
        description: "helm install fails",
        inject: |s| s.helm.fault = Some(HelmFault::Fails),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "helm-fails-mid-install",
        description: "helm install fails after half of a release's objects",
        inject: |s| s.helm.fault = Some(HelmFault::FailsHalfWay),
        expected: &[ExpectedOutcome::Inconclusive(PODS_REQUEST_ACCELERATORS)],
    },
    FaultSpec {
        name: "namespace-stuck",
        description: "namespace deletion never completes: no controller removes a finalizer",
        inject: |s| s.controllers.namespace_stuck = true,
        expected: &[ExpectedOutcome::NotRestored],
    },
    FaultSpec {
        name: "helm-hangs",
        description: "helm install hangs",
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
