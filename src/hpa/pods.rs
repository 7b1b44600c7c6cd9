//! Pods metrics: one sample per pod, compared with a target average.

use std::collections::{BTreeMap, BTreeSet};

use super::integer::{count, double, to_i32};
use super::{MetricError, PodPhase, PodState, PodsMetric, Proposal, Workload};

/// The proposal of a Pods metric. Samples (by pod name) and target are in thousandths; `samples_milli` is the
/// response or the error text of the request. Samples of pods outside the workload count in the average.
///
/// Nothing saturates: sums wrap, and a count that does not fit 32 bits is `i32::MIN`, so a huge value scales *down*.
///
/// Source: Kubernetes 1.37.2 `pkg/controller/podautoscaler/replica_calculator.go`, `GetMetricReplicas` and
/// `calcPlainMetricReplicas`; SCHEMA.md, `pods_metric`.
///
/// # Errors
/// [`MetricError::PodsNotFetched`], [`MetricError::NoPodSamples`], [`MetricError::NoPods`],
/// [`MetricError::NoUsableSamples`].
pub fn pods_metric(
    metric: &PodsMetric,
    samples_milli: Result<&BTreeMap<String, i64>, &str>,
    target_average_value_milli: i64,
    workload: &Workload<'_>,
) -> Result<Proposal, MetricError> {
    let all = samples_milli.map_err(|text| MetricError::PodsNotFetched(metric.clone(), text.to_owned()))?;
    if all.is_empty() {
        return Err(MetricError::NoPodSamples(metric.clone()));
    }
    if workload.pods.is_empty() {
        return Err(MetricError::NoPods);
    }
    let groups = PodGroups::new(workload.pods, all);
    let samples = SampleSum::usable(all, &groups);
    if samples.count == 0 {
        return Err(MetricError::NoUsableSamples);
    }
    let ratio = samples.ratio(target_average_value_milli);
    let unready_damps_growth = groups.unready > 0 && ratio > 1.0;
    let replicas = if groups.missing == 0 && !unready_damps_growth {
        plain_replicas(ratio, groups.ready, workload)
    } else {
        let filled = samples.filled(ratio, &groups, target_average_value_milli);
        damped_replicas(ratio, filled.ratio(target_average_value_milli), filled.count, workload)
    };
    Ok(Proposal { replicas, value_milli: samples.average() })
}

/// SCHEMA.md, `pods_metric` step 5.
fn plain_replicas(ratio: f64, ready: usize, workload: &Workload<'_>) -> i32 {
    if workload.tolerance.within(ratio) { workload.spec_replicas } else { to_i32((ratio * count(ready)).ceil()) }
}

/// SCHEMA.md, `pods_metric` step 6: filled-in samples may reduce a change, never reverse it.
fn damped_replicas(before: f64, after: f64, samples: usize, workload: &Workload<'_>) -> i32 {
    let current = workload.spec_replicas;
    let reversed = (before < 1.0 && after > 1.0) || (before > 1.0 && after < 1.0);
    if workload.tolerance.within(after) || reversed {
        return current;
    }
    let replicas = to_i32((after * count(samples)).ceil());
    let wrong_side = (after < 1.0 && replicas > current) || (after > 1.0 && replicas < current);
    if wrong_side { current } else { replicas }
}

/// The workload's pods, grouped by the use of their samples (SCHEMA.md, `pods_metric` step 2). Readiness does not
/// matter.
struct PodGroups<'a> {
    /// Names of deleting, Failed and Pending pods; their samples are dropped.
    dropped: BTreeSet<&'a str>,
    /// Number of Pending pods.
    unready: usize,
    /// Number of other pods without a sample.
    missing: usize,
    /// Number of other pods with a sample.
    ready: usize,
}

impl<'a> PodGroups<'a> {
    fn new(pods: &'a [PodState], samples: &BTreeMap<String, i64>) -> Self {
        let mut groups = Self { dropped: BTreeSet::new(), unready: 0, missing: 0, ready: 0 };
        for pod in pods {
            if pod.deleting || pod.phase == PodPhase::Failed {
                groups.dropped.insert(&pod.name);
            } else if pod.phase == PodPhase::Pending {
                groups.dropped.insert(&pod.name);
                groups.unready += 1;
            } else if samples.contains_key(&pod.name) {
                groups.ready += 1;
            } else {
                groups.missing += 1;
            }
        }
        groups
    }
}

/// Sum and number of samples; the sum wraps.
#[derive(Clone, Copy)]
struct SampleSum {
    sum_milli: i64,
    count: usize,
}

impl SampleSum {
    /// The samples of all pods but the dropped ones.
    fn usable(all: &BTreeMap<String, i64>, groups: &PodGroups<'_>) -> Self {
        let kept = all.iter().filter(|(pod, _)| !groups.dropped.contains(pod.as_str()));
        kept.fold(Self { sum_milli: 0, count: 0 }, |so_far, (_, &sample)| so_far.with(1, sample))
    }

    /// Adds samples of missing and unready pods. Below a ratio of 1, missing pods count as the target; above it,
    /// missing and unready pods count as 0.
    fn filled(self, ratio: f64, groups: &PodGroups<'_>, target_milli: i64) -> Self {
        if ratio < 1.0 {
            self.with(groups.missing, target_milli)
        } else if ratio > 1.0 {
            self.with(groups.missing, 0).with(groups.unready, 0)
        } else {
            self
        }
    }

    fn with(self, samples: usize, each_milli: i64) -> Self {
        let added = each_milli.wrapping_mul(integer_count(samples));
        Self { sum_milli: self.sum_milli.wrapping_add(added), count: self.count.saturating_add(samples) }
    }

    /// The integer average, truncated toward zero; 0 without samples.
    fn average(self) -> i64 {
        self.sum_milli.checked_div(integer_count(self.count)).unwrap_or(0)
    }

    fn ratio(self, target_milli: i64) -> f64 {
        double(self.average()) / double(target_milli)
    }
}

fn integer_count(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::Tolerance;

    fn proposal(phases: &[PodPhase], samples: &[(&str, i64)], spec_replicas: i32) -> Result<Proposal, MetricError> {
        let pod = |(i, &phase)| PodState { name: format!("p{i}"), phase, ready: true, deleting: false };
        let pods: Vec<PodState> = phases.iter().enumerate().map(pod).collect();
        let samples = samples.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        let tolerance = Tolerance { up: 0.1, down: 0.1 };
        let workload = Workload { spec_replicas, status_replicas: spec_replicas, pods: &pods, tolerance };
        pods_metric(&PodsMetric { name: "gpu".into() }, Ok(&samples), 1000, &workload)
    }

    #[test]
    fn a_huge_sample_recommends_negative_replicas() {
        let result = proposal(&[PodPhase::Running], &[("p0", i64::MAX)], 1);
        assert_eq!(result, Ok(Proposal { replicas: i32::MIN, value_milli: i64::MAX }));
    }

    #[test]
    fn a_pending_pod_damps_a_scale_up_but_not_a_scale_down() {
        let phases = [PodPhase::Running, PodPhase::Running, PodPhase::Pending];
        let up = proposal(&phases, &[("p0", 2000), ("p1", 2000)], 3);
        assert_eq!(up.map(|p| p.replicas), Ok(4), "4000 over 3 pods is 1333: 1.333 * 3 pods, not 2 * 2");
        let down = proposal(&phases, &[("p0", 400), ("p1", 400)], 3);
        assert_eq!(down.map(|p| p.replicas), Ok(1));
    }

    #[test]
    fn a_stray_sample_alone_avoids_the_error() {
        let result = proposal(&[PodPhase::Pending], &[("stray", 500)], 1);
        assert_eq!(result, Ok(Proposal { replicas: 0, value_milli: 500 }));
        assert_eq!(proposal(&[PodPhase::Pending], &[("p0", 500)], 1), Err(MetricError::NoUsableSamples));
    }
}
