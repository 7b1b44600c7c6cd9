//! ScaleDown/NotEarly: the fall comes no earlier than b + window − sync − skew − 1 s, b being the end of the last span
//! of at least one sync period in which every value that could have been served asked for more than the new size.
//! The controller keeps the largest recommendation of the window (Kubernetes 1.37.2,
//! pkg/controller/podautoscaler/horizontal.go), so an earlier fall breaks the HPA's own spec: FAIL.

use super::ruling::{Ruling, State, seconds};
use super::view::{SizeChange, View};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let window = view.times.window.ms;
    let blind = view.times.assumed.sync_period.ms() + view.times.lag().ms();
    if window <= blind {
        return Ruling::unclear(format!(
            "the scale-down window {} is not longer than sync period and lag together ({}), so an early fall cannot be told from a timely one",
            seconds(window),
            seconds(blind)
        ));
    }
    let falls: Vec<_> = view.changes.iter().filter(|c| c.to < c.from && c.is_scale_write()).collect();
    if falls.is_empty() {
        return Ruling::open("no fall was seen");
    }
    let (mut words, mut cites) = (Vec::new(), Vec::new());
    for fall in falls {
        let ruling = one(view, fall);
        if !ruling.is(State::Holds) {
            return ruling;
        }
        words.push(ruling.reason);
        cites.extend(ruling.cites);
    }
    Ruling::holds(words.join("; ")).cite(cites)
}

/// One fall against the window.
pub(super) fn one(view: &View<'_>, fall: &SizeChange<'_>) -> Ruling {
    let text = format!("{} → {}", fall.from, fall.to);
    let Some((_, (_, ended))) = asking(view, fall) else {
        return Ruling::unclear(format!("{text}: no span of a sync period before it asked for more")).cite([fall.seq]);
    };
    let (after, least) = (fall.at_ms.saturating_sub(ended), view.times.not_before_ms());
    let words = format!(
        "{text} came {} after the metric had last asked for more for a whole sync period (window {}, not before {})",
        seconds(after),
        seconds(view.times.window.ms),
        seconds(least)
    );
    let seqs: Vec<u64> = view.served_in(ended, ended).map(|served| served.seq).collect();
    let ruling = if after >= least { Ruling::holds(words) } else { Ruling::broken(words) };
    ruling.cite([fall.seq]).cite(seqs)
}

/// The last span of at least one sync period in which every reading asked for more than the new size: how long it
/// was, and its ends.
fn asking(view: &View<'_>, fall: &SizeChange<'_>) -> Option<(u64, (u64, u64))> {
    let sync = view.times.assumed.sync_period.ms();
    let readings: Vec<_> = view.served_in(0, fall.at_ms).collect();
    let spans = view.spans(&readings, |served| served.asks().is_some_and(|asks| asks > fall.to));
    spans.into_iter().rev().map(|span| (span.1 - span.0, span)).find(|(length, _)| *length >= sync)
}
