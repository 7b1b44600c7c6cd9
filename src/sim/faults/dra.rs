//! Faults of resource claims (DRA). They need a scenario whose charts make claims; elsewhere they change nothing.

use super::{FaultSpec, METRIC_SERVED};

pub(super) const FAULTS: &[FaultSpec] = &[FaultSpec {
    name: "claims-unattributed",
    description: "the exporter does not resolve resource claims to pods (dcgm-exporter without KUBERNETES_ENABLE_DRA=true)",
    inject: |s| s.pipeline.resolves_claims = false,
    expected: &[METRIC_SERVED],
}];
