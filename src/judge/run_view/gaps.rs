//! Gaps in the observation: when a source could not be read, and whether the controller may have restarted, which
//! clears its recommendations and scale events.

use super::{ObservedItem, RecommendationRange, RunView};
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::model::observation::RecordedGap;

/// Age from which a Lease counts as unused, milliseconds: its renewals are recorded once a minute, and one may be a
/// minute late.
const LEASE_STALE_MS: i64 = 120_000;

impl RunView<'_> {
    /// A gap of a source within a span of time that is longer than the bounds allow: its description, and the sequence
    /// number of the observation that records it.
    pub(crate) fn find_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let long = |(since, (o, gap)): (u64, &ObservedItem<'_, RecordedGap>)| {
            let length = o.at_ms.saturating_sub(since);
            let within = since < to_ms && o.at_ms > from_ms && length > SLACK.ms();
            within.then(|| {
                (format!("the watch of {} had a gap of {} ({})", gap.source, format_ms(length), gap.reason), o.seq)
            })
        };
        self.gaps_with_start(source).find_map(long)
    }

    /// The gaps of a source, each with the time since which the source was not read. Gaps that follow each other
    /// without a break count as one: a watch that opens and fails at once with 410 Gone has shown nothing between them.
    fn gaps_with_start(&self, source: &str) -> impl Iterator<Item = (u64, &ObservedItem<'_, RecordedGap>)> {
        let (mut since_ms, mut until_ms) = (0, None);
        let of_source = self.gaps.iter().filter(move |(_, gap)| gap.source == source || gap.source == "observer");
        of_source.map(move |item| {
            let (o, gap) = item;
            if until_ms.is_none_or(|until| gap.from_ms > until) {
                since_ms = gap.from_ms;
            }
            until_ms = until_ms.max(Some(o.at_ms));
            (since_ms, item)
        })
    }

    /// True when a source has a gap within a span of time that is longer than the bounds allow.
    pub(crate) fn has_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        self.find_gap(source, from_ms, to_ms).is_some()
    }

    /// True when a source has no gap at all within a span of time.
    pub(crate) fn is_gapless(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        !self.gaps_with_start(source).any(|(since, (o, _))| since <= to_ms && o.at_ms >= from_ms)
    }

    /// The earliest time at which a state observed at `at_ms` may have begun: after a gap, a list shows the changes
    /// made in it.
    pub(crate) fn earliest_ms(&self, source: &str, at_ms: u64) -> u64 {
        let ends = |end: u64| (end..=end + SLACK.ms()).contains(&at_ms);
        let ended = self.gaps_with_start(source).filter(|(_, (o, gap))| gap.source == source && ends(o.at_ms));
        ended.map(|(since, _)| since).fold(at_ms, u64::min)
    }

    /// True unless the Lease of the controller manager shows one holder throughout a span of time.
    pub(crate) fn may_controller_have_restarted(&self, from_ms: u64, to_ms: u64) -> bool {
        let known = self.leaders.partition_point(|(o, _)| o.at_ms <= from_ms);
        let end = self.leaders.partition_point(|(o, _)| o.at_ms <= to_ms + SLACK.ms());
        let Some(leaders) = known.checked_sub(1).and_then(|first| self.leaders.get(first..end)) else { return true };
        let is_same = leaders
            .windows(2)
            .all(|pair| pair[0].1.holder == pair[1].1.holder && pair[0].1.transitions == pair[1].1.transitions);
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
        let name = self.hpa_creation().map(|(name, _)| name);
        let statuses = self.hpas.iter().zip(&self.status_recommendations);
        let of_hpa = statuses
            .filter(move |((o, hpa), _)| name == Some(hpa.name.as_str()) && (from_ms..=to_ms).contains(&o.at_ms));
        of_hpa.filter_map(|((o, hpa), cell)| {
            let range = (*cell.get_or_init(|| self.recommendation_from_status(o, hpa, u64::MAX)))?;
            Some((o.seq, self.earliest_ms("hpa", o.at_ms).saturating_sub(SLACK.ms()), range))
        })
    }
}
