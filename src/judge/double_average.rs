//! A metric that falls as pods are added, although the load goes on: an average over the pods with target type
//! AverageValue, which the controller divides by the number of pods once more. The size then swings, and more load or
//! another target would only hide it.

use super::run_view::{ApiReading, RunView};
use crate::hpa;
use crate::units::Milli;

/// A value at the larger size may be so much more than its share, in percent: pods do not share evenly.
const UNEVEN_PERCENT: i64 = 25;

/// What the readings under load show of it; nothing where they do not.
pub(super) fn describe(view: &RunView<'_>) -> Option<String> {
    let scenario = view.records.scenario;
    hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])?.divided_target_milli()?;
    let (began, end) = view.load_span()?;
    let small = view.readings_before_scale_up(began).into_iter();
    let (was, asked) = small.filter_map(|(s, asks)| Some((value_at_size(s, view.min_replicas)?, asks))).max()?;
    let mut large: Vec<&ApiReading<'_>> =
        view.api_readings_in(began, end).filter(|served| served.spec_replicas >= view.expected_replicas).collect();
    large.sort_by_key(|served| served.value_milli());
    let after = *large.get(large.len() / 2)?;
    let (is, asks) = (after.value_milli()?, after.recommendation()?);
    let share = was * i64::from(view.min_replicas) / i64::from(after.spec_replicas);
    if asked < view.expected_replicas || asks >= view.expected_replicas || is * 100 > share * (100 + UNEVEN_PERCENT) {
        return None;
    }
    Some(format!(
        "but it falls as pods are added while the load goes on: {} with {} of them, which asks for {asked}, and a median of {} with {}, which asks for {asks}. So behaves an average over the pods, which target type AverageValue divides by their number once more, and the size swings: use target type Value, or a metric that is a sum over the pods",
        Milli(was),
        view.min_replicas,
        Milli(is),
        after.spec_replicas
    ))
}

/// The value of a reading, which is divided by the number of pods, as a pass at this size reads it.
fn value_at_size(served: &ApiReading<'_>, size: i32) -> Option<i64> {
    Some(served.value_milli()? * i64::from(served.spec_replicas) / i64::from(size.max(1)))
}
