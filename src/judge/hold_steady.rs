//! Hold/Steady: under constant load, for at least the scale-down window and one lag on end in which the metric was served,
//! the size does not fall below what the metric asks for. A fall that the metric did not ask for: FAIL. A load that broke
//! off, or that nobody answered: INCONCLUSIVE.

use super::decisions_explained;
use super::replicas_rise;
use super::ruling::{Ruling, seconds};
use super::twice_divided;
use super::view::{SizeChange, TOGETHER_MS, View};
use crate::bounds::SLACK;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((began, end)) = view.loaded() else {
        return Ruling::open("the load has not begun");
    };
    let Some((seq, reached, _)) = replicas_rise::reached(view, began) else {
        return Ruling::open(format!("{} replicas are not reached", view.expect));
    };
    let mut findings = Vec::new();
    for fall in view.changes.iter().filter(|c| c.to < c.from && (reached..=end).contains(&c.at_ms)) {
        match judge_fall(view, fall) {
            Ok(finding) => findings.push(finding),
            Err(ruling) => return ruling.cite([fall.seq]),
        }
    }
    let (held, bound) = (view.measured_ms(reached, end), view.times.hold());
    let lowest =
        view.workloads.iter().filter(|(o, _)| (reached..=end).contains(&o.at_ms)).map(|(_, w)| w.spec_replicas);
    let lowest = lowest.min().unwrap_or(view.expect);
    let away = view.away_ms(reached, end);
    let without = if away > 0 {
        format!(" on end; the metric was away for {}, in which the autoscaler could not act", seconds(away))
    } else {
        String::new()
    };
    let text = format!("under load the size was at least {lowest} for {} (needed {bound}){without}", seconds(held));
    // Less than the bound before the metric went away, and the bound once more after it.
    let ruling = if held < bound.ms() && view.is_loaded() && end - reached < 2 * bound.ms() + away {
        Ruling::open(text)
    } else if held < bound.ms() {
        Ruling::unclear(text)
    } else if let Some(why) = not_constant(view, reached, end) {
        Ruling::unclear(format!("the load was not constant: {why}"))
    } else {
        Ruling::holds(text)
    };
    let last = view.size_at(end).map(|(seq, _)| seq);
    findings.into_iter().fold(ruling.cite([seq]).cite(last), Ruling::finding)
}

/// A fall under load: a finding where the metric asked for it.
fn judge_fall(view: &View<'_>, fall: &SizeChange<'_>) -> Result<String, Ruling> {
    let text = format!("replicas fell {} → {} under load, written by {}", fall.from, fall.to, fall.writer_text());
    if !fall.is_scale_write() {
        return Err(Ruling::unclear(text));
    }
    let mut asks = before(view, fall).filter_map(super::Served::asks);
    if asks.any(|asks| asks <= fall.to) {
        if fall.to < view.expect {
            let why = twice_divided::words(view).unwrap_or_else(|| "so the load did not hold".to_owned());
            return Err(Ruling::unclear(format!("{text}; the metric had asked for it, {why}")));
        }
        return Ok(format!("{text}; the metric had asked for it"));
    }
    let blind = view.blind_ms(pass(view, fall), fall.at_ms, |served| served.asks().is_some());
    if blind > TOGETHER_MS {
        return Err(Ruling::unclear(format!("{text}; the metric was not read for {} before it", seconds(blind))));
    }
    if !decisions_explained::is_inexplicable(view, fall) {
        let why =
            "every reading before asked for more, but what was served between them or another tolerance may explain it";
        return Err(Ruling::unclear(format!("{text}; {why}")));
    }
    let seqs: Vec<u64> = before(view, fall).map(|served| served.seq).collect();
    Err(Ruling::broken(format!("{text}, though every reading before asked for more")).cite(seqs))
}

/// Since when the readings may be what the pass of this fall saw. What it saw earlier can only hold the size up.
fn pass(view: &View<'_>, fall: &SizeChange<'_>) -> u64 {
    fall.at_ms.saturating_sub(view.times.assumed.sync_period.ms() + SLACK.ms())
}

/// Readings that the pass of this fall may have seen.
fn before<'v, 'a>(view: &'v View<'a>, fall: &SizeChange<'_>) -> impl Iterator<Item = &'v super::Served<'a>> {
    view.served_in(pass(view, fall), fall.at_ms)
}

/// Why the load was none, or not the same all the time.
fn not_constant(view: &View<'_>, from_ms: u64, to_ms: u64) -> Option<String> {
    if let Some(why) = view.records.load_void {
        return Some(why.to_owned());
    }
    let loads = || view.loads.iter().filter(|(o, _)| (from_ms..=to_ms).contains(&o.at_ms));
    let last = loads().next_back().map(|(_, load)| *load);
    // A long answer ends well after the hold, maybe; its connection is there from its first token on.
    match last {
        Some(load) if load.good == 0 && load.failed > 0 => return Some(format!("all {} requests failed", load.failed)),
        Some(load) if load.connections > 0 => {}
        _ => return Some("no request was answered".to_owned()),
    }
    let mut idle_since = None;
    for (o, load) in loads() {
        let since = *idle_since.get_or_insert(o.at_ms);
        if load.in_flight > 0 {
            idle_since = None;
        } else if o.at_ms - since > TOGETHER_MS {
            return Some(format!("no request was under way for {}", seconds(o.at_ms - since)));
        }
    }
    None
}
