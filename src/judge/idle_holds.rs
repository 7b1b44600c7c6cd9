//! Control/IdleHolds: without load the metric asks for no more than min, and replicas stay at min for several sync
//! periods. An autoscaler that scales up all the same: FAIL. A metric that asks for more at idle (a contaminated or
//! misread one), or another writer: INCONCLUSIVE.

use super::by_the_autoscaler::confirmed;
use super::decisions_explained;
use super::foreign;
use super::ruling::{Ruling, seconds};
use super::view::{SizeChange, TOGETHER_MS, View};
use crate::bounds::SLACK;
use crate::units::Milli;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((began, ended)) = view.idle() else {
        return Ruling::open("the idle baseline has not begun");
    };

    let end = ended.unwrap_or_else(|| view.end_ms());
    let readings: Vec<_> = view.served_in(began, end).collect();
    // From the last reading before the HPA's creation on: a metric that asks for more has scaled the target before the
    // baseline begins.
    let made = view.hpa_intended().map_or(began, |(_, at)| at.saturating_sub(TOGETHER_MS).min(began));
    if let Some(served) =
        view.served_in(made, end).find(|served| served.asks_from(view.min).is_some_and(|asks| asks > view.min))
    {
        return Ruling::unclear(asks_for_more(view, served)).cite([served.seq]);
    }
    if let Some(change) = view.changes.iter().find(|change| (began..=end).contains(&change.at_ms)) {
        return changed(view, change).cite([change.seq]).cite(readings.iter().map(|served| served.seq));
    }
    let bound = view.times.idle(view.records.scenario.phases.idle_sync_periods);
    let over = ended.is_some() || end >= began + bound.generous_ms() + view.times.lag().generous_ms();
    let Some((seq, workload)) = view.size_at(began) else {
        let why = "the target was not seen";
        return if over { Ruling::unclear(why) } else { Ruling::open(why) };
    };
    if workload.spec_replicas != view.min {
        return Ruling::unclear(format!(
            "the target had {} replicas when the idle baseline began, not minReplicas {}",
            workload.spec_replicas, view.min
        ))
        .cite([seq]);
    }
    if let Some((why, seq)) = view.unseen_during(began, end) {
        return Ruling::unclear(why).cite([seq]);
    }
    let spans = view.spans(&readings, |served| served.asks().is_some());
    let covered = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    if covered < bound.ms() {
        let text =
            format!("replicas held at {} for {} of {} without load", view.min, seconds(covered), seconds(bound.ms()));
        return if over { Ruling::unclear(text) } else { Ruling::open(text) };
    }
    let values = || readings.iter().filter_map(|served| served.value_milli());
    Ruling::holds(format!(
        "{} readings over {} without load asked for no more than {} (values {} to {}), and replicas stayed at {}",
        readings.len(),
        seconds(covered),
        view.min,
        Milli(values().min().unwrap_or(0)),
        Milli(values().max().unwrap_or(0)),
        view.min
    ))
    .cite([seq])
    .cite(readings.iter().map(|served| served.seq))
}

/// The size changed without load: by whom, and did the metric ask for it where nobody looked?
fn changed(view: &View<'_>, change: &SizeChange<'_>) -> Ruling {
    let text =
        format!("replicas went {} → {} without load, written by {}", change.from, change.to, change.writer_text());
    // A size up to min is enforced, whatever the metric says.
    if !change.is_scale_write() || change.to < change.from || change.to <= view.min {
        return Ruling::unclear(text);
    }
    if confirmed(view, change).is_none() {
        let waiting = view.now_ms() < change.at_ms + 2 * SLACK.ms();
        let text = format!("{text}, which the HPA's status does not confirm");
        return if waiting { Ruling::open(text) } else { Ruling::unclear(text) };
    }
    let from = change.at_ms.saturating_sub(view.times.assumed.sync_period.ms() + SLACK.ms());
    let blind = view.blind_ms(from, change.at_ms, |served| served.asks().is_some());
    if blind > TOGETHER_MS {
        return Ruling::unclear(format!("{text}; the metric was not read for {} before it", seconds(blind)));
    }
    if !decisions_explained::is_inexplicable(view, change) {
        return Ruling::unclear(format!("{text}; a value between two polls, or another tolerance, may explain it"));
    }
    Ruling::broken(format!("{text}, although the metric asked for no more than {}", view.min))
}

/// Names what makes the idle metric ask for more: pods that are not the target's, or the unit.
fn asks_for_more(view: &View<'_>, served: &super::Served<'_>) -> String {
    let value = served.value_milli().map_or(String::new(), |value| format!("value {}", Milli(value)));
    let target = view.target().map_or(String::new(), |target| format!(", target {target}"));
    let asks = served.asks_from(view.min).unwrap_or(0);
    let why = foreign::words(view, served.at_ms).unwrap_or_else(|| {
        "the target lies below the idle value, or in another unit: set it above what an idle pod shows".to_owned()
    });
    format!("without load the metric asks for {asks} replicas ({value}{target}): {why}")
}
