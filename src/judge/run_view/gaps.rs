//! Gaps in the observation: when a source could not be read, and whether the controller may have restarted, which
//! clears its recommendations and scale events.

use std::rc::Rc;

use super::received::received_before;
use super::{ObservedItem, RecommendationRange, RunView};
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::model::observation::{LeaderSnapshot, Observation, RecordedGap};

/// Age from which a Lease counts as unused, milliseconds: its renewals are recorded once a minute, and one may be a
/// minute late.
pub(super) const LEASE_STALE_MS: i64 = 120_000;

/// A gap of a source, the observer's own included.
#[derive(Clone, Copy, Debug)]
pub(super) struct GapSpan {
    /// The time since which the source was not read.
    since_ms: u64,
    /// The time of the observation that ends the gap.
    ended_ms: u64,
    /// Index of that observation among those of gaps.
    index: usize,
    /// False where the observer itself paused.
    is_of_source: bool,
}

impl<'a> RunView<'a> {
    pub(super) fn add_leader(&mut self, observation: &'a Observation, leader: &'a LeaderSnapshot) {
        let is_changed = self
            .leaders
            .last()
            .is_some_and(|(_, last)| (&last.holder, last.transitions) != (&leader.holder, leader.transitions));
        self.leader_changes.push(self.leader_changes.last().unwrap_or(&0) + usize::from(is_changed));
        self.leaders.push((observation, leader));
    }

    /// A gap of a source within a span of time that is longer than the bounds allow: its description, and the sequence
    /// number of the observation that records it.
    pub(crate) fn find_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let spans = self.gap_spans(source);
        let within = spans.iter().skip(spans.partition_point(|span| span.ended_ms <= from_ms));
        let length = |span: &GapSpan| span.ended_ms.saturating_sub(span.since_ms);
        let long = within.take_while(|span| span.since_ms < to_ms).find(|span| length(span) > SLACK.ms())?;
        let (ended, gap) = self.gaps.get(long.index)?;
        let length = format_ms(length(long));
        Some((format!("the watch of {} had a gap of {length} ({})", gap.source, gap.reason), ended.seq))
    }

    /// The gaps of a source. Gaps that follow each other without a break count as one: a watch that opens and fails at
    /// once with 410 Gone has shown nothing between them. Neither their beginnings nor their ends go back.
    fn gap_spans(&self, source: &str) -> Rc<[GapSpan]> {
        if let Some(spans) = self.gap_spans.borrow().get(source) {
            return Rc::clone(spans);
        }
        let (mut since_ms, mut until_ms) = (0, None);
        let of_source =
            |(_, (_, gap)): &(usize, &ObservedItem<'_, RecordedGap>)| gap.source == source || gap.source == "observer";
        let spans: Rc<[GapSpan]> = self
            .gaps
            .iter()
            .enumerate()
            .filter(of_source)
            .map(|(index, (ended, gap))| {
                let from_ms = gap.from_ms.min(ended.at_ms);
                if until_ms.is_none_or(|until| from_ms > until) {
                    since_ms = from_ms;
                }
                until_ms = until_ms.max(Some(ended.at_ms));
                GapSpan { since_ms, ended_ms: ended.at_ms, index, is_of_source: gap.source == source }
            })
            .collect();
        self.gap_spans.borrow_mut().insert(source.to_owned(), Rc::clone(&spans));
        spans
    }

    /// True when a source has a gap within a span of time that is longer than the bounds allow.
    pub(crate) fn has_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        self.find_gap(source, from_ms, to_ms).is_some()
    }

    /// True when a source has no gap at all within a span of time.
    pub(crate) fn is_gapless(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        let spans = self.gap_spans(source);
        let first = spans.get(spans.partition_point(|span| span.ended_ms < from_ms));
        first.is_none_or(|span| span.since_ms > to_ms)
    }

    /// The earliest time at which a state observed at `at_ms` may have begun: after a gap, a list shows the changes
    /// made in it.
    pub(crate) fn earliest_ms(&self, source: &str, at_ms: u64) -> u64 {
        let spans = self.gap_spans(source);
        let ended = spans.iter().skip(spans.partition_point(|span| span.ended_ms + SLACK.ms() < at_ms));
        let mut of_source = ended.take_while(|span| span.ended_ms <= at_ms).filter(|span| span.is_of_source);
        of_source.next().map_or(at_ms, |span| span.since_ms.min(at_ms))
    }

    /// True unless the Lease of the controller manager shows one holder throughout a span of time.
    pub(crate) fn may_controller_have_restarted(&self, from_ms: u64, to_ms: u64) -> bool {
        let known = self.leaders.partition_point(|(o, _)| o.at_ms <= from_ms);
        let end = self.leaders.partition_point(|(o, _)| o.at_ms <= to_ms + SLACK.ms());
        let Some(leaders) = known.checked_sub(1).and_then(|first| self.leaders.get(first..end)) else { return true };
        let changes_until = |count: usize| self.leader_changes.get(count - 1);
        let is_same = changes_until(known) == changes_until(end);
        let renewed = leaders.last().and_then(|(_, leader)| self.to_run_clock(leader.renewed?));
        let until = i64::try_from(to_ms).unwrap_or(i64::MAX);
        let is_in_use = renewed.is_some_and(|(from, _)| from + LEASE_STALE_MS >= until);
        !is_same || !is_in_use || self.has_gap("leader", from_ms, to_ms)
    }

    /// The recommendations of the passes whose status was received in a span of time: the sequence number of the
    /// status, the earliest time of the pass, and the possible recommendations for the value that it reports.
    pub(crate) fn status_recommendations_in(
        &self,
        from_ms: u64,
        to_ms: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, u64, RecommendationRange)> {
        let (from, to) =
            (received_before(&self.hpas, from_ms).len(), received_before(&self.hpas, to_ms.saturating_add(1)).len());
        let statuses = self.hpas.iter().zip(&self.recommendations.by_status);
        let of_hpa = statuses.take(to).skip(from);
        of_hpa.filter_map(|((o, hpa), cell)| {
            let range = (*cell.get_or_init(|| self.recommendation_from_status(o, hpa, u64::MAX)))?;
            Some((o.seq, self.earliest_ms("hpa", o.at_ms).saturating_sub(SLACK.ms()), range))
        })
    }
}
