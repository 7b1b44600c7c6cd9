//! Control/MetricFollowsLoad: under load the metric asks for at least the expected size for one sync period plus the
//! lag, and after the load its readings lead back to min. A metric that does not follow (a frozen or contaminated
//! one, a wrong sign, a wrong unit, too little load) says nothing about the autoscaler: INCONCLUSIVE.

use super::course;
use super::foreign;
use super::ruling::{Ruling, State, seconds};
use super::view::View;
use crate::record::observation::{LoadSeen, Phase};
use crate::units::Milli;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let up = rises(view);
    if !up.is(State::Holds) {
        return up;
    }
    let down = falls(view);
    let mut both = Ruling { reason: format!("{}; {}", up.reason, down.reason), ..down }.cite(up.cites);
    if let Some((_, load)) = view.loads.last().filter(|(_, load)| load.failed > 0) {
        both = both.finding(format!(
            "{} of the load's chats failed ({} were good): {}",
            load.failed,
            load.good,
            kinds(load)
        ));
    }
    both
}

/// Under load.
pub(super) fn rises(view: &View<'_>) -> Ruling {
    let Some((began, end)) = view.loaded() else {
        return Ruling::open("the load has not begun");
    };
    let readings: Vec<_> = view.served_in(began, end).collect();
    let need = view.times.sustained().ms();
    let spans = view.asking_spans();
    let longest = spans.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    let highest = readings.iter().filter_map(|s| Some((s.asks()?, s.value_milli()?, s.seq))).max();
    let target = view.target().map_or(String::new(), |target| format!(" against the target {target}"));
    let text = match highest {
        Some((asks, value, _)) => format!(
            "under load the metric asked for at least {} replicas for {} on end, of the {} that are needed (highest reading {}{target}, which asks for {asks})",
            view.expect,
            seconds(longest),
            seconds(need),
            Milli(value)
        ),
        None => "no reading under load yet".to_owned(),
    };
    let cites: Vec<u64> = match spans.iter().find(|(from, to)| to - from >= need) {
        Some((from, to)) => view.served_in(*from, to + need).map(|s| s.seq).take(200).collect(),
        None => highest.map(|(_, _, seq)| seq).into_iter().collect(),
    };
    if longest >= need && !is_cause(view, began) {
        return Ruling::unclear(format!("{text}, but no reading before the rise asks for more than {}", view.min));
    }
    if longest >= need {
        return Ruling::holds(text).cite(cites);
    }
    let last_chance = began + view.times.follows().generous_ms() + view.away_ms(began, end);
    // A span that began in time may still become long enough.
    let under_way = spans.last().is_some_and(|(from, to)| *from < last_chance && end.saturating_sub(*to) <= need)
        && view.now_ms() < last_chance + 2 * need;
    if view.is_loaded() && (view.now_ms() < last_chance || under_way) {
        return Ruling::open(text);
    }
    let void = view.records.load_void.map_or(String::new(), |why| format!("; the load is void: {why}"));
    Ruling::unclear(format!("{}{text}{}{}{void}", failed_words(view), course::words(view), load_words(view)))
        .cite(cites)
}

/// The metric asked for a rise while the target was small. Once it is not, a value may ask for what is there already.
fn is_cause(view: &View<'_>, began: u64) -> bool {
    view.before_the_rise(began).iter().any(|(_, asks)| *asks > view.min)
}

/// After the load.
pub(super) fn falls(view: &View<'_>) -> Ruling {
    let Some(began) = view.began(Phase::Fall) else {
        return Ruling::open("the load has not ended");
    };
    let held = view.size_at(began).map_or(view.expect, |(_, workload)| workload.spec_replicas);
    let back = view.served_in(began, view.end_ms()).find(|s| s.leads_to(held, view.min) == Some(view.min));
    if let Some(served) = back {
        return Ruling::holds(format!(
            "{} after the load a reading ({}) leads from {held} replicas back to {}",
            seconds(served.at_ms - began),
            Milli(served.value_milli().unwrap_or(0)),
            view.min
        ))
        .cite([served.seq]);
    }
    let lowest = view.served_in(began, view.end_ms()).filter_map(|s| Some((s.value_milli()?, s.seq))).min();
    let text = format!(
        "after the load no reading leads from {held} replicas back to {} (lowest {}{}){}",
        view.min,
        lowest.map_or("none".to_owned(), |(value, _)| Milli(value).to_string()),
        course::after_words(view, began, view.end_ms()),
        foreign::words(view, view.end_ms()).map_or(String::new(), |words| format!("; {words}"))
    );
    if view.began(Phase::Cleanup).is_none() && view.now_ms() < began + view.times.falls_back().generous_ms() {
        return Ruling::open(text);
    }
    Ruling::unclear(text).cite(lowest.map(|(_, seq)| seq))
}

/// A load of which most chats failed, said first: whatever the metric did, that is to be mended.
fn failed_words(view: &View<'_>) -> String {
    let Some((_, load)) = view.loads.last().filter(|(_, load)| load.failed > load.good) else { return String::new() };
    format!(
        "(workload) {} of {} chats failed: {}; the server's log is in diagnostics/{}/ of the evidence; ",
        load.failed,
        load.failed + load.good,
        kinds(load),
        view.records.scenario.namespace
    )
}

/// Failed chats by kind, with the first words of each.
fn kinds(load: &LoadSeen) -> String {
    let kinds = load.failures.iter().map(|(kind, seen)| match seen.example.as_str() {
        "" => format!("{} {kind}", seen.count),
        example => format!("{} {kind}, the first: {example}", seen.count),
    });
    kinds.collect::<Vec<_>>().join("; ")
}

/// What the load was, for a metric that did not follow it.
fn load_words(view: &View<'_>) -> String {
    view.loads.last().map_or(String::new(), |(_, load)| {
        let kinds = match kinds(load) {
            kinds if kinds.is_empty() || load.failed > load.good => String::new(),
            kinds => format!(" ({kinds})"),
        };
        format!(
            "; the load: {} connections, {} good answers, {} failed{kinds}",
            load.connections, load.good, load.failed
        )
    })
}
