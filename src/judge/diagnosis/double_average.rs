//! Diagnosis of a metric that is averaged twice (see `hpa`'s `double_average`), by the readings under load.

use crate::hpa::ValueAtSize;
use crate::judge::check_result::format_replicas;
use crate::judge::run_view::{ApiReading, RunView};
use crate::units::Milli;

/// Describes the double average where the readings under load show one.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<String> {
    let metric = view.metric.as_ref()?;
    metric.divided_target()?;
    let (began, end) = view.load_span()?;
    let small = view.readings_before_scale_up(began).into_iter();
    let (value_before, replicas_before) =
        small.filter_map(|(reading, replicas)| Some((value_at_size(reading, view.min_replicas)?, replicas))).max()?;
    let mut large: Vec<&ApiReading<'_>> =
        view.api_readings_in(began, end).filter(|reading| reading.spec_replicas >= view.expected_replicas).collect();
    large.sort_by_key(|reading| reading.value_milli());
    let median = *large.get(large.len() / 2)?;
    let (value_after, replicas_after) = (median.value_milli()?, median.recommendation()?);
    let before =
        ValueAtSize { value: Milli(value_before), replicas: view.min_replicas, recommendation: replicas_before };
    let after =
        ValueAtSize { value: Milli(value_after), replicas: median.spec_replicas, recommendation: replicas_after };
    if !metric.is_averaged_twice(before, after, view.expected_replicas) {
        return None;
    }
    Some(format!(
        "the metric is averaged twice: under load it falls as pods are added, from {} at {} (recommends {replicas_before}) to a median of {} at {} (recommends {replicas_after}). It is an average over the pods, and target type AverageValue divides by the pods again, so replicas oscillate: use target type Value, or a metric that is a sum over the pods",
        before.value,
        format_replicas(before.replicas),
        after.value,
        format_replicas(after.replicas)
    ))
}

/// The value of a reading, which the controller divides by the number of pods, as a pass at this number of replicas
/// would compute it.
fn value_at_size(reading: &ApiReading<'_>, replicas: i32) -> Option<i64> {
    Some(reading.value_milli()? * i64::from(reading.spec_replicas) / i64::from(replicas.max(1)))
}
