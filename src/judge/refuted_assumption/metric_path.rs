//! The way of the metric from the device to the metrics API, by the time at which the metric first showed the load.

use super::RefutedAssumption;
use crate::judge::check_result::format_ms;
use crate::judge::run_view::{ApiReading, RunView};
use crate::model::reading::{MetricHop, MetricReading};
use crate::units::HumanDuration;

pub(super) fn find_refutation(view: &RunView<'_>) -> Option<RefutedAssumption> {
    let (_, end_ms) = view.load_span()?;
    // The target works from its first answer on.
    let (answered, _) = view.loads.iter().find(|(_, load)| load.answered_connections > 0)?;
    let first_shown = |hop: MetricHop| find_first_shown(view, hop, answered.at_ms, end_ms);
    let (shown_ms, seq) = first_shown(MetricHop::Api)?;
    let (after_ms, allowed_ms) = (shown_ms - answered.at_ms, view.times.metric_follows_load().total_ms());
    if after_ms <= allowed_ms {
        return None;
    }
    let before: Vec<String> = [MetricHop::Exporter, MetricHop::Store]
        .into_iter()
        .filter_map(|hop| {
            let (shown_ms, _) = first_shown(hop)?;
            Some(format!("the {} after {}", hop.as_str(), format_ms(shown_ms - answered.at_ms)))
        })
        .collect();
    let before = if before.is_empty() { String::new() } else { format!(" ({})", before.join(", ")) };
    let assumed = view.times.assumptions;
    Some(RefutedAssumption {
        statement: format!(
            "assumptions.exporterInterval {}, scrapeInterval {} and storeOffset {}, which allow {} until the metrics API shows the load: it showed it {} after the first answer{before}; set them to the intervals of the exporter and the store, and to the delay of the store's queries",
            assumed.exporter_interval,
            assumed.scrape_interval,
            assumed.store_offset,
            format_ms(allowed_ms),
            format_ms(after_ms)
        ),
        seqs: vec![answered.seq, seq],
        observed: HumanDuration::from_ms(after_ms - allowed_ms),
        // Which of them is longer does not matter: the checks add them.
        set: |assumptions, more| {
            assumptions.store_offset = HumanDuration::from_ms(assumptions.store_offset.ms() + more.ms());
        },
    })
}

/// The first reading of a hop from `from_ms` on that is higher than the one before by more than a tenth of the target
/// value: its time and sequence number.
fn find_first_shown(view: &RunView<'_>, hop: MetricHop, from_ms: u64, end_ms: u64) -> Option<(u64, u64)> {
    let noise = view.target_value().map_or(0, |target| target.0 / 10);
    if hop == MetricHop::Api {
        let idle = view.api_readings_in(0, from_ms).rev().find_map(ApiReading::value_milli)?;
        let is_higher = |reading: &&ApiReading<'_>| reading.value_milli().is_some_and(|value| value > idle + noise);
        let shown = view.api_readings_in(from_ms, end_ms).find(is_higher)?;
        return Some((shown.received_ms, shown.seq));
    }
    let highest = |reading: &MetricReading| {
        let of_target = view.current_samples(reading).filter(|sample| view.is_of_target(sample));
        of_target.filter_map(|sample| sample.value).max().map(|value| value.0)
    };
    let idle = view.readings_at_hop(hop, 0..=from_ms).rev().find_map(|(_, reading)| highest(reading))?;
    let is_higher = |reading: &MetricReading| highest(reading).is_some_and(|value| value > idle + noise);
    let (shown, _) = view.readings_at_hop(hop, from_ms..=end_ms).find(|(_, reading)| is_higher(reading))?;
    Some((shown.at_ms, shown.seq))
}
