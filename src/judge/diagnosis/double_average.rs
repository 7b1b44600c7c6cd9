//! Diagnosis of a metric that is averaged twice: it is an average over the pods, and with target type AverageValue the
//! controller divides it by the number of pods again. It falls as pods are added although the load goes on, so replicas
//! oscillate; more load or another target value would only hide it.

use crate::hpa;
use crate::judge::check_result::format_replicas;
use crate::judge::run_view::{ApiReading, RunView};
use crate::units::Milli;

/// How far a value at the larger size may exceed its share, in percent: the Service does not spread the load evenly.
const UNEVEN_PERCENT: i64 = 25;

/// Describes the double average where the readings under load show one.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<String> {
    let scenario = view.records.scenario;
    hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])?.divided_target_milli()?;
    let (began, end) = view.load_span()?;
    let small = view.readings_before_scale_up(began).into_iter();
    let (value_before, replicas_before) =
        small.filter_map(|(reading, replicas)| Some((value_at_size(reading, view.min_replicas)?, replicas))).max()?;
    let mut large: Vec<&ApiReading<'_>> =
        view.api_readings_in(began, end).filter(|reading| reading.spec_replicas >= view.expected_replicas).collect();
    large.sort_by_key(|reading| reading.value_milli());
    let median = *large.get(large.len() / 2)?;
    let (value_after, replicas_after) = (median.value_milli()?, median.recommendation()?);
    let share = value_before * i64::from(view.min_replicas) / i64::from(median.spec_replicas);
    if replicas_before < view.expected_replicas
        || replicas_after >= view.expected_replicas
        || value_after * 100 > share * (100 + UNEVEN_PERCENT)
    {
        return None;
    }
    Some(format!(
        "the metric is averaged twice: under load it falls as pods are added, from {} at {} (recommends {replicas_before}) to a median of {} at {} (recommends {replicas_after}). It is an average over the pods, and target type AverageValue divides by the pods again, so replicas oscillate: use target type Value, or a metric that is a sum over the pods",
        Milli(value_before),
        format_replicas(view.min_replicas),
        Milli(value_after),
        format_replicas(median.spec_replicas)
    ))
}

/// The value of a reading, which the controller divides by the number of pods, as a pass at this number of replicas
/// would compute it.
fn value_at_size(reading: &ApiReading<'_>, replicas: i32) -> Option<i64> {
    Some(reading.value_milli()? * i64::from(reading.spec_replicas) / i64::from(replicas.max(1)))
}
