//! Hold/Steady: under constant load, for at least the scale-down window and one lag, the size does not fall below what
//! the metric asks for. A fall that the metric did not ask for: FAIL.

use super::ruling::{Ruling, seconds};
use super::view::{SizeChange, View};
use crate::bounds::SLACK;

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let Some((began, end)) = view.loaded() else {
        return Ruling::open("the load has not begun");
    };
    let Some((seq, reached, _)) = view.first_workload(began, |workload| workload.replicas >= view.expect) else {
        return Ruling::open(format!("{} replicas are not reached", view.expect));
    };
    let mut findings = Vec::new();
    let falls = view.changes.iter().filter(|c| c.to < c.from && (reached..=end).contains(&c.at_ms));
    for fall in falls {
        let text = format!("replicas fell {} → {} under load, written by {}", fall.from, fall.to, fall.writer_text());
        if !fall.is_scale_write() {
            return Ruling::unclear(text).cite([fall.seq]);
        }
        match asked_for(view, fall) {
            Some(true) => findings.push(format!("{text}; the metric had asked for it")),
            Some(false) => {
                let seqs: Vec<u64> = before(view, fall).map(|s| s.seq).collect();
                return Ruling::broken(format!("{text}, though every reading before asked for more"))
                    .cite([fall.seq])
                    .cite(seqs);
            }
            None => return Ruling::unclear(format!("{text}; the metric was not served before it")).cite([fall.seq]),
        }
    }
    if let Some(why) = view.records.load_void {
        return Ruling::unclear(format!("the load was not constant: {why}"));
    }
    let (held, bound) = (end.saturating_sub(reached), view.times.hold());
    let lowest =
        view.workloads.iter().filter(|(o, _)| (reached..=end).contains(&o.at_ms)).map(|(_, w)| w.spec_replicas);
    let lowest = lowest.min().unwrap_or(view.expect);
    let text = format!("under load the size was at least {lowest} for {} (needed {bound})", seconds(held));
    let ruling = if held >= bound.ms() {
        Ruling::holds(text)
    } else if view.is_loaded() {
        Ruling::open(text)
    } else {
        Ruling::unclear(text)
    };
    let last = view.size_at(end).map(|(seq, _)| seq);
    findings.into_iter().fold(ruling.cite([seq]).cite(last), Ruling::finding)
}

/// Readings that the pass of this fall may have seen.
fn before<'v, 'a>(view: &'v View<'a>, fall: &SizeChange<'_>) -> impl Iterator<Item = &'v super::Served<'a>> {
    let back = view.times.window.ms + view.times.assumed.sync_period.ms() + SLACK.ms();
    view.served_in(fall.at_ms.saturating_sub(back), fall.at_ms)
}

/// Whether some reading asked for the new size or less; `None` without readings.
fn asked_for(view: &View<'_>, fall: &SizeChange<'_>) -> Option<bool> {
    let mut asks = before(view, fall).filter_map(super::Served::asks).peekable();
    asks.peek()?;
    Some(asks.any(|asks| asks <= fall.to))
}
