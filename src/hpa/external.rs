//! External metrics: the sum of the series that a selector matches in the external metrics API.

use super::integer::{TWO_63, double, to_i64};
use super::ratio::{ceil_saturating, value_replicas};
use super::{ExternalMetric, MetricError, Proposal, Workload};

/// The proposal of an External metric with a value target. Values and targets are in thousandths; `values_milli` has
/// one value per series, or the error text of the request.
///
/// The sum stops at `i64::MAX` if a positive value would exceed it; below `i64::MIN` it wraps.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `GetExternalMetricReplicas`;
/// SCHEMA.md, `external_value`.
///
/// # Errors
/// [`MetricError::ExternalNotFetched`], [`MetricError::NoExternalSeries`], and [`MetricError::NoPodsToCount`] outside
/// the tolerance if the selector matches no pod.
pub fn external_value(
    metric: &ExternalMetric,
    values_milli: Result<&[i64], &str>,
    target_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<Proposal, MetricError> {
    let value_milli = sum_saturating(fetched(metric, values_milli)?);
    let replicas = value_replicas(value_milli, target_value_milli, workload)?;
    Ok(Proposal { replicas, value_milli })
}

/// The proposal of an External metric with an average value target: the sum divided by the target; pods do not matter.
/// Inside the tolerance the proposal is the *status* replicas, not the spec's. The controller takes a running sum below
/// 0 for an overflow and uses `i64::MAX`, so a negative value scales up. At 0 status replicas the reported average is
/// `i64::MIN`.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `GetExternalPerPodMetricReplicas`;
/// SCHEMA.md, `external_average_value`.
///
/// # Errors
/// [`MetricError::ExternalNotFetched`] and [`MetricError::NoExternalSeries`].
pub fn external_average_value(
    metric: &ExternalMetric,
    values_milli: Result<&[i64], &str>,
    target_average_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<Proposal, MetricError> {
    let value = double(sum_negative_as_overflow(fetched(metric, values_milli)?));
    let target = double(target_average_value_milli);
    let status = f64::from(workload.status_replicas);
    let replicas = if workload.tolerance.within(value / (target * status)) {
        workload.status_replicas
    } else {
        ceil_saturating((value / target).ceil())
    };
    let value_milli = if value >= TWO_63 { i64::MAX } else { to_i64((value / status).ceil()) };
    Ok(Proposal { replicas, value_milli })
}

fn fetched<'a>(metric: &ExternalMetric, values_milli: Result<&'a [i64], &str>) -> Result<&'a [i64], MetricError> {
    match values_milli {
        Err(text) => Err(MetricError::ExternalNotFetched(Box::new(metric.clone()), text.to_owned())),
        Ok([]) => Err(MetricError::NoExternalSeries(Box::new(metric.clone()))),
        Ok(values) => Ok(values),
    }
}

fn sum_saturating(values: &[i64]) -> i64 {
    let mut sum = 0_i64;
    for &value in values {
        if value > 0 && sum > i64::MAX.wrapping_sub(value) {
            return i64::MAX;
        }
        sum = sum.wrapping_add(value);
    }
    sum
}

fn sum_negative_as_overflow(values: &[i64]) -> i64 {
    let mut sum = 0_i64;
    for &value in values {
        sum = sum.wrapping_add(value);
        if sum < 0 {
            return i64::MAX;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_value_counts_as_an_overflow_for_averages_only() {
        assert_eq!(sum_negative_as_overflow(&[-1, 5]), i64::MAX);
        assert_eq!(sum_saturating(&[-1, 5]), 4);
        assert_eq!(sum_saturating(&[i64::MAX, 1, i64::MIN]), i64::MAX);
        assert_eq!(sum_saturating(&[i64::MIN, -1]), i64::MAX, "downward the sum wraps");
    }
}
