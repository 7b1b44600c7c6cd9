//! Value targets: the ratio of one value to its target, multiplied by the ready pods.

use super::integer::{count, double, to_i32};
use super::{MetricError, Workload};

/// The replicas that a value recommends for a Value target, both in thousandths.
///
/// At 0 replicas it is the ratio rounded up, without tolerance and pods. Else, outside the tolerance, it is the ratio
/// times the pods that are Running and ready, at most `i32::MAX`.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `getUsageRatioReplicaCount`;
/// SCHEMA.md, `object_value` steps 3 and 4.
///
/// # Errors
/// [`MetricError::NoPodsToCount`] outside the tolerance if the selector matches no pod.
pub(super) fn value_replicas(
    value_milli: i64,
    target_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<i32, MetricError> {
    let ratio = double(value_milli) / double(target_value_milli);
    if workload.spec_replicas == 0 {
        return Ok(to_i32(ratio.ceil()));
    }
    if workload.tolerance.within(ratio) {
        return Ok(workload.spec_replicas);
    }
    if workload.pods.is_empty() {
        return Err(MetricError::NoPodsToCount);
    }
    let ready = workload.pods.iter().filter(|pod| pod.counts_as_ready()).count();
    Ok(ceil_saturating(ratio * count(ready)))
}

/// Rounds up; above `i32::MAX` the result is `i32::MAX`, below `i32::MIN` and for NaN it is `i32::MIN`.
pub(super) fn ceil_saturating(x: f64) -> i32 {
    if x > f64::from(i32::MAX) { i32::MAX } else { to_i32(x.ceil()) }
}
