//! A metric that falls as pods are added, although the load goes on: an average over the pods with target type
//! AverageValue, which the controller divides by the number of pods once more. The size then swings, and more load or
//! another target would only hide it.

use super::view::{Served, View};
use crate::hpa;
use crate::units::Milli;

/// A value at the larger size may be so much more than its share, in percent: pods do not share evenly.
const UNEVEN: i64 = 25;

/// What the readings under load show of it; nothing where they do not.
pub(super) fn words(view: &View<'_>) -> Option<String> {
    let scenario = view.records.scenario;
    hpa::metric_of(&scenario.hpa.spec, &scenario.namespace, &[])?.divided_target_milli()?;
    let (began, end) = view.loaded()?;
    let small = view.before_the_rise(began).into_iter();
    let (was, asked) = small.filter_map(|(s, asks)| Some((at_size(s, view.min)?, asks))).max()?;
    let mut large: Vec<&Served<'_>> = view.served_in(began, end).filter(|served| served.size >= view.expect).collect();
    large.sort_by_key(|served| served.value_milli());
    let after = *large.get(large.len() / 2)?;
    let (is, asks) = (after.value_milli()?, after.asks()?);
    let share = was * i64::from(view.min) / i64::from(after.size);
    if asked < view.expect || asks >= view.expect || is * 100 > share * (100 + UNEVEN) {
        return None;
    }
    Some(format!(
        "but it falls as pods are added while the load goes on: {} with {} of them, which asks for {asked}, and a median of {} with {}, which asks for {asks}. So behaves an average over the pods, which target type AverageValue divides by their number once more, and the size swings: use target type Value, or a metric that is a sum over the pods",
        Milli(was),
        view.min,
        Milli(is),
        after.size
    ))
}

/// The value of a reading, which is divided by the number of pods, as a pass at this size reads it.
fn at_size(served: &Served<'_>, size: i32) -> Option<i64> {
    Some(served.value_milli()? * i64::from(served.size) / i64::from(size.max(1)))
}
