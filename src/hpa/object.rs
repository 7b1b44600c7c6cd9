//! Object metrics: one value of one object.

use super::integer::{double, to_i32, to_i64};
use super::ratio::value_replicas;
use super::{MetricError, ObjectMetric, Proposal, Workload};

/// The proposal of an Object metric with target type Value. Values and targets are in thousandths; `value_milli` is the
/// value or the error text of the request.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `GetObjectMetricReplicas`;
/// SCHEMA.md, `object_value`.
///
/// # Errors
/// [`MetricError::ObjectNotFetched`], and [`MetricError::NoPodsToCount`] outside the tolerance if the selector
/// matches no pod.
pub fn object_value(
    metric: &ObjectMetric,
    value_milli: Result<i64, &str>,
    target_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<Proposal, MetricError> {
    let value_milli = fetched(metric, value_milli)?;
    let replicas = value_replicas(value_milli, target_value_milli, workload)?;
    Ok(Proposal { replicas, value_milli })
}

/// The proposal of an Object metric with target type `AverageValue`: the value divided by the target; pods do not
/// matter. Inside the tolerance the proposal is the *status* replicas, not the spec's. At 0 status replicas the
/// reported average is `i64::MIN`.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `GetObjectPerPodMetricReplicas`;
/// SCHEMA.md, `object_average_value`. Nothing saturates: a count that does not fit 32 bits gives `i32::MIN`.
///
/// # Errors
/// [`MetricError::ObjectNotFetched`].
pub fn object_average_value(
    metric: &ObjectMetric,
    value_milli: Result<i64, &str>,
    target_average_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<Proposal, MetricError> {
    let value = double(fetched(metric, value_milli)?);
    let target = double(target_average_value_milli);
    let status = f64::from(workload.status_replicas);
    let replicas = if workload.tolerance.within(value / (target * status)) {
        workload.status_replicas
    } else {
        to_i32((value / target).ceil())
    };
    Ok(Proposal { replicas, value_milli: to_i64((value / status).ceil()) })
}

fn fetched(metric: &ObjectMetric, value_milli: Result<i64, &str>) -> Result<i64, MetricError> {
    value_milli.map_err(|text| MetricError::ObjectNotFetched(Box::new(metric.clone()), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::{DescribedObjectRef, PodPhase, PodState, Tolerance};

    const TOLERANCE: Tolerance = Tolerance { up: 0.1, down: 0.1 };

    fn gpu() -> ObjectMetric {
        let object = DescribedObjectRef { kind: "Service".into(), namespace: "default".into(), name: "llm".into() };
        ObjectMetric { name: "gpu".into(), selector: None, object }
    }

    fn ready(n: usize) -> Vec<PodState> {
        let pod = |i| PodState { name: format!("p{i}"), phase: PodPhase::Running, ready: true, deleting: false };
        (0..n).map(pod).collect()
    }

    #[test]
    fn rounding_noise_shows_290_of_70_with_7_pods_is_30() {
        let pods = ready(7);
        let workload = Workload { spec_replicas: 7, status_replicas: 7, pods: &pods, tolerance: TOLERANCE };
        let proposal = object_value(&gpu(), Ok(290_000), 70_000, &workload);
        assert_eq!(proposal, Ok(Proposal { replicas: 30, value_milli: 290_000 }));
    }

    #[test]
    fn exactly_one_point_one_keeps_the_spec_for_value_and_the_status_for_average_value() {
        let pods = ready(3);
        let workload = Workload { spec_replicas: 3, status_replicas: 4, pods: &pods, tolerance: TOLERANCE };
        let value = object_value(&gpu(), Ok(77_000), 70_000, &workload);
        assert_eq!(value, Ok(Proposal { replicas: 3, value_milli: 77_000 }));
        let average = object_average_value(&gpu(), Ok(308_000), 70_000, &workload);
        assert_eq!(average, Ok(Proposal { replicas: 4, value_milli: 77_000 }));
    }

    #[test]
    fn a_huge_average_value_recommends_negative_replicas_but_a_huge_value_saturates() {
        let pods = ready(1);
        let workload = Workload { spec_replicas: 1, status_replicas: 1, pods: &pods, tolerance: TOLERANCE };
        let average = object_average_value(&gpu(), Ok(i64::MAX), 1, &workload);
        assert_eq!(average, Ok(Proposal { replicas: i32::MIN, value_milli: i64::MIN }));
        let value = object_value(&gpu(), Ok(i64::MAX), 1, &workload);
        assert_eq!(value, Ok(Proposal { replicas: i32::MAX, value_milli: i64::MAX }));
    }

    #[test]
    fn an_average_over_no_replicas_is_the_minimum() {
        let workload = Workload { spec_replicas: 0, status_replicas: 0, pods: &[], tolerance: TOLERANCE };
        let average = object_average_value(&gpu(), Ok(0), 70_000, &workload);
        assert_eq!(average, Ok(Proposal { replicas: 0, value_milli: i64::MIN }));
    }
}
