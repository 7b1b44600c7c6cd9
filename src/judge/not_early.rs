//! ScaleDown/NotEarly: the fall comes no earlier than b + window − sync − skew − 1 s, b being the end of the last span
//! of at least one sync period in which every value that could have been served asked for more than the new size; where
//! there is none, b is when the autoscaler last rose above that size.
//! The controller keeps the largest recommendation of the window (Kubernetes 1.37.2,
//! pkg/controller/podautoscaler/horizontal.go), so an earlier fall breaks the HPA's own spec: FAIL, where the window is
//! the spec's, no value can have been missed, and twice the sync period does not explain it.

use super::by_the_autoscaler::confirmed;
use super::decisions_explained;
use super::ruling::{Ruling, State, seconds};
use super::view::{SizeChange, View};
use crate::record::plan::TermSource;
use crate::record::reading::Answer;

pub(super) fn rule<'v>(view: &'v View<'v>) -> Ruling {
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
fn one<'v>(view: &'v View<'v>, fall: &'v SizeChange<'v>) -> Ruling {
    let text = format!("{} → {}", fall.from, fall.to);
    let sync = view.times.assumed.sync_period.ms();
    let asked =
        asking(view, fall, sync).map(|ended| (ended, "the metric had last asked for more for a whole sync period"));
    let risen = || risen(view, fall).map(|risen| (risen, "the autoscaler itself had last asked for more"));
    let Some((ended, what)) = asked.or_else(risen) else {
        return Ruling::unclear(format!("{text}: no span of a sync period before it asked for more")).cite([fall.seq]);
    };
    let (after, least) = (fall.at_ms.saturating_sub(ended), view.times.not_before_ms());
    let words = format!(
        "{text} came {} after {what} (window {}, not before {})",
        seconds(after),
        seconds(view.times.window.ms),
        seconds(least)
    );
    let shown = view.served.iter().filter(|s| s.asked_ms == ended).map(|served| served.seq);
    let seqs: Vec<u64> = shown.chain(view.changes.iter().filter(|c| c.at_ms == ended).map(|c| c.seq)).collect();
    // After a gap of the watch it may have come as long before it was seen.
    let came = view.came_ms("workload", fall.at_ms);
    if after >= least && came.saturating_sub(ended) < least {
        let blind = seconds(fall.at_ms - came);
        return Ruling::unclear(format!("{words}; but the target was not read for {blind} before it")).cite([fall.seq]);
    }
    let ruling = match after >= least {
        true => kept(view, fall, least, words),
        false => early(view, fall, least, words),
    };
    ruling.cite([fall.seq]).cite(seqs)
}

/// Late enough by what was read; a stretch in which nothing was read could hide that it asked for more until later.
fn kept(view: &View<'_>, fall: &SizeChange<'_>, least: u64, words: String) -> Ruling {
    let blind = blind_ms(view, fall.at_ms.saturating_sub(least), fall.at_ms);
    if blind > view.times.assumed.sync_period.ms() {
        return Ruling::unclear(format!("{words}; but the metric was not read for {} before it", seconds(blind)));
    }
    Ruling::holds(words)
}

/// Too early by what was read: does anything explain it?
fn early<'v>(view: &'v View<'v>, fall: &'v SizeChange<'v>, least: u64, words: String) -> Ruling {
    if view.times.window.source == TermSource::Assumed {
        return Ruling::unclear(format!("{words}; the window is assumed, and may be shorter"));
    }
    if view.may_miss_values() {
        return Ruling::unclear(format!("{words}; a value between two polls may explain it"));
    }
    let sync = view.times.assumed.sync_period.ms();
    let since = asking(view, fall, 2 * sync).map(|ended| fall.at_ms.saturating_sub(ended));
    if since.is_none_or(|since| since >= least.saturating_sub(sync)) {
        return Ruling::unclear(format!("{words}; twice the assumed sync period explains it"));
    }
    // Another tolerance, pods that were seen a little earlier or later than the controller saw them.
    if !decisions_explained::is_inexplicable(view, fall) {
        return Ruling::unclear(format!(
            "{words}; what the controller can have seen and tolerated besides may explain it"
        ));
    }
    Ruling::broken(words)
}

/// The longest stretch in which nothing was read. An API that fails is read: it asks the controller for nothing.
fn blind_ms(view: &View<'_>, from_ms: u64, to_ms: u64) -> u64 {
    view.blind_ms(from_ms, to_ms, |served| !matches!(served.reading.answer, Answer::NotReadable(_)))
}

/// When the autoscaler last rose above the new size, if the metric was read ever since: its pass asked for more, if only
/// for a moment.
fn risen(view: &View<'_>, fall: &SizeChange<'_>) -> Option<u64> {
    let own = |c: &SizeChange<'_>| confirmed(view, c).is_some();
    let above = |c: &&SizeChange<'_>| c.to > c.from.max(fall.to) && c.at_ms < fall.at_ms && own(c);
    let risen = view.came_ms("workload", view.changes.iter().rfind(above)?.at_ms);
    (blind_ms(view, risen, fall.at_ms) <= view.times.assumed.sync_period.ms()).then_some(risen)
}

/// The end of the last span, at least so long, in which every reading asked for more than the new size.
fn asking(view: &View<'_>, fall: &SizeChange<'_>, least_ms: u64) -> Option<u64> {
    let readings: Vec<_> = view.served_in(0, fall.at_ms).collect();
    let spans = view.spans(&readings, |served| served.asks().is_some_and(|asks| asks > fall.to));
    spans.into_iter().rev().find(|(from, to)| to - from >= least_ms).map(|(_, to)| to)
}
