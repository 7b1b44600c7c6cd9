//! What could be seen when: stretches in which a source could not be read, and whether the controller may have begun
//! anew, which forgets all that it remembers of an HPA.

use super::{ObservedItem, RecommendationRange, RunView};
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::model::observation::RecordedGap;

/// The Lease's renewals are noted once a minute; one may be late by as much.
const LEASE_STALE_MS: i64 = 120_000;

impl RunView<'_> {
    /// A stretch of a span of time in which a source could not be read, longer than what the bounds allow for: in words,
    /// and the observation that tells of it.
    pub(crate) fn find_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let long = |(since, (o, gap)): (u64, &ObservedItem<'_, RecordedGap>)| {
            let length = o.at_ms.saturating_sub(since);
            let within = since < to_ms && o.at_ms > from_ms && length > SLACK.ms();
            within.then(|| {
                (format!("{} could not be read for {} ({})", gap.source, format_ms(length), gap.reason), o.seq)
            })
        };
        self.gaps_with_start(source).find_map(long)
    }

    /// The gaps of a source, each with the beginning of the stretch that it belongs to. What begins where the last one
    /// ended goes on with it: a watch that opens, and is told a moment later that its place is lost, has shown nothing in
    /// between.
    fn gaps_with_start(&self, source: &str) -> impl Iterator<Item = (u64, &ObservedItem<'_, RecordedGap>)> {
        let (mut since_ms, mut until_ms) = (0, None);
        let of_source = self.gaps.iter().filter(move |(_, gap)| gap.source == source || gap.source == "observer");
        of_source.map(move |noted| {
            let (o, gap) = noted;
            if until_ms.is_none_or(|until| gap.from_ms > until) {
                since_ms = gap.from_ms;
            }
            until_ms = until_ms.max(Some(o.at_ms));
            (since_ms, noted)
        })
    }

    /// True when a source could not be read somewhere in a span of time, for longer than what the bounds allow for.
    pub(crate) fn has_gap(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        self.find_gap(source, from_ms, to_ms).is_some()
    }

    /// True when a source was followed all the while, without the shortest gap.
    pub(crate) fn is_gapless(&self, source: &str, from_ms: u64, to_ms: u64) -> bool {
        !self.gaps_with_start(source).any(|(since, (o, _))| since <= to_ms && o.at_ms >= from_ms)
    }

    /// Since when a state may have been as it was seen at a moment: after a gap a list shows what came about in it.
    pub(crate) fn earliest_ms(&self, source: &str, at_ms: u64) -> u64 {
        let ends = |end: u64| (end..=end + SLACK.ms()).contains(&at_ms);
        let ended = self.gaps_with_start(source).filter(|(_, (o, gap))| gap.source == source && ends(o.at_ms));
        ended.map(|(since, _)| since).fold(at_ms, u64::min)
    }

    /// True unless the Lease of the controller manager shows that one process held it all the while.
    pub(crate) fn may_controller_have_restarted(&self, from_ms: u64, to_ms: u64) -> bool {
        let known = self.leaders.partition_point(|(o, _)| o.at_ms <= from_ms);
        let over = self.leaders.partition_point(|(o, _)| o.at_ms <= to_ms + SLACK.ms());
        let Some(held) = known.checked_sub(1).and_then(|first| self.leaders.get(first..over)) else { return true };
        let same = held
            .windows(2)
            .all(|two| two[0].1.holder == two[1].1.holder && two[0].1.transitions == two[1].1.transitions);
        let renewed = held.last().and_then(|(_, leader)| self.to_run_clock(leader.renewed?));
        let until = i64::try_from(to_ms).unwrap_or(i64::MAX);
        let in_use = renewed.is_some_and(|(from, _)| from + LEASE_STALE_MS >= until);
        !same || !in_use || self.has_gap("leader", from_ms, to_ms)
    }

    /// What each pass asked for whose status was received in a span of time: the status's number, since when that pass
    /// can have been, and what it asked for by the value that it reports.
    pub(crate) fn status_recommendations_in(
        &self,
        from_ms: u64,
        to_ms: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, u64, RecommendationRange)> {
        let name = self.hpa_creation().map(|(name, _)| name);
        let statuses = self.hpas.iter().zip(&self.status_recommendations);
        let ours = statuses
            .filter(move |((o, hpa), _)| name == Some(hpa.name.as_str()) && (from_ms..=to_ms).contains(&o.at_ms));
        ours.filter_map(|((o, hpa), cell)| {
            let asked = (*cell.get_or_init(|| self.recommendation_from_status(o, hpa, u64::MAX)))?;
            Some((o.seq, self.earliest_ms("hpa", o.at_ms).saturating_sub(SLACK.ms()), asked))
        })
    }
}
