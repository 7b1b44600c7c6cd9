//! Of Hold/Steady: the load was constant. Most of its chats succeeded, and most of its workers had a request in flight
//! throughout; else what held the size is not known.

use crate::judge::check_result::format_ms;
use crate::judge::run_view::{MAX_READING_GAP_MS, ObservedItem, RunView};
use crate::model::observation::LoadSnapshot;

/// Why the load was absent or not constant.
pub(super) fn find_load_interruption(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<String> {
    if let Some(reason) = view.records.client_bound {
        return Some(reason.to_owned());
    }
    let loads: Vec<_> = view.loads.iter().filter(|(o, _)| (from_ms..=to_ms).contains(&o.at_ms)).copied().collect();
    let last = loads.last().map(|(_, load)| *load);
    // A long response may end after the hold; its connection counts from the first token on.
    match last {
        Some(load) if load.succeeded == 0 && load.failed > 0 => {
            return Some(format!("no request succeeded, and {} failed", load.failed));
        }
        Some(load) if load.answered_connections > 0 => {}
        _ => return Some("no request got a response".to_owned()),
    }
    find_pause(&loads, to_ms)
        .or_else(|| find_failures(view, &loads, from_ms))
        .or_else(|| find_missing_workers(view, &loads, to_ms))
}

/// The longest time without any request.
fn find_pause(loads: &[ObservedItem<'_, LoadSnapshot>], to_ms: u64) -> Option<String> {
    let (mut idle_since, mut longest_ms) = (None, 0);
    for (index, (o, load)) in loads.iter().enumerate() {
        if load.in_flight > 0 {
            idle_since = None;
            continue;
        }
        // Each sample holds until the next one.
        let until = loads.get(index + 1).map_or(to_ms, |(next, _)| next.at_ms);
        longest_ms = longest_ms.max(until.saturating_sub(*idle_since.get_or_insert(o.at_ms)));
    }
    (longest_ms > MAX_READING_GAP_MS).then(|| format!("no request was in flight for {}", format_ms(longest_ms)))
}

/// Most of the chats that ended in the hold failed, or those that succeeded generated nothing.
fn find_failures(view: &RunView<'_>, loads: &[ObservedItem<'_, LoadSnapshot>], from_ms: u64) -> Option<String> {
    let (_, last) = loads.last()?;
    let before = view.loads.iter().rfind(|(o, _)| o.at_ms < from_ms).map(|(_, load)| *load);
    let in_hold = |count: fn(&LoadSnapshot) -> u64| count(last).saturating_sub(before.map_or(0, count));
    let (succeeded, failed) = (in_hold(|load| load.succeeded), in_hold(|load| load.failed));
    if failed > succeeded {
        let example = last.failures.iter().max_by_key(|(_, failures)| failures.count);
        let example = example.map_or(String::new(), |(kind, failures)| format!(": {kind}: {}", failures.example));
        return Some(format!("(workload) only {succeeded} of {} chats succeeded{example}", succeeded + failed));
    }
    (last.succeeded > 0 && last.tokens == 0).then(|| {
        format!("(workload) {} chats succeeded with 0 tokens in sum, so nothing was generated", last.succeeded)
    })
}

/// For as long as the controller needs to act on it, or for most of the hold, fewer than half of the workers had a request
/// in flight.
fn find_missing_workers(view: &RunView<'_>, loads: &[ObservedItem<'_, LoadSnapshot>], to_ms: u64) -> Option<String> {
    let workers = u64::from(view.records.scenario.load.concurrency);
    let longest_ms = view.times.metric_sustained().total_ms();
    let (mut few_ms, mut all_ms, mut few_since, mut fewest) = (0, 0, None, u64::MAX);
    let mut longest_few_ms = 0;
    for (index, (o, load)) in loads.iter().enumerate() {
        // Each sample holds until the next one.
        let until = loads.get(index + 1).map_or(to_ms, |(next, _)| next.at_ms);
        let length_ms = until.saturating_sub(o.at_ms);
        all_ms += length_ms;
        if 2 * load.in_flight >= workers {
            few_since = None;
            continue;
        }
        few_ms += length_ms;
        fewest = fewest.min(load.in_flight);
        longest_few_ms = longest_few_ms.max(until.saturating_sub(*few_since.get_or_insert(o.at_ms)));
    }
    (longest_few_ms > longest_ms || 2 * few_ms > all_ms).then(|| {
        format!(
            "fewer than half of the {workers} workers had a request in flight for {} of {} ({fewest} at least)",
            format_ms(few_ms),
            format_ms(all_ms)
        )
    })
}
