//! Changes of the target's spec that no observation shows.

use super::RunView;
use super::received::received_before;
use crate::bounds::SLACK;
use crate::model::observation::Phase;

/// What a later observation says of changes that were not observed: the text, and the sequence number of that observation.
type UnseenChange = (String, u64);

/// The unseen changes of a run, in the order of the observations that reveal them.
#[derive(Debug, Default)]
pub(super) struct UnseenChanges {
    /// Each with the time of the observation that reveals it.
    revealed: Vec<(u64, UnseenChange)>,
    /// The gaps in which the target was not observed until the clean-up, each with its beginning, which is earlier than those
    /// before it.
    at_end: Vec<(u64, UnseenChange)>,
}

impl RunView<'_> {
    /// A change of the target's spec between the HPA's creation and the clean-up that no observation shows: a jump of
    /// the generation, or without a generation a gap. Its description, and the sequence number of the observation that
    /// reveals it.
    pub(crate) fn find_unseen_change(&self) -> Option<UnseenChange> {
        let (_, from_ms) = self.hpa_creation()?;
        self.find_unseen_change_in(from_ms, self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX))
    }

    /// True when a change of the target's spec between two times may be unseen.
    pub(crate) fn has_unseen_change(&self, from_ms: u64, to_ms: u64) -> bool {
        self.find_unseen_change_in(from_ms, to_ms.saturating_add(1)).is_some()
    }

    /// An unseen change within a span of time after which the run goes on: the next observation reveals it.
    pub(crate) fn find_unseen_change_during(&self, from_ms: u64, to_ms: u64) -> Option<UnseenChange> {
        let next = self.workloads.get(received_before(&self.workloads, to_ms).len());
        let cleanup = self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
        self.find_unseen_change_in(from_ms, next.map_or(to_ms, |(o, _)| o.at_ms + 1).min(cleanup))
    }

    fn find_unseen_change_in(&self, from_ms: u64, to_ms: u64) -> Option<UnseenChange> {
        let UnseenChanges { revealed, at_end } = self.unseen_changes.get_or_init(|| self.collect_unseen_changes());
        let first = revealed.get(revealed.partition_point(|(at_ms, _)| *at_ms < from_ms));
        let revealed = first.filter(|(at_ms, _)| *at_ms < to_ms);
        // The target was not observed any more before the clean-up changed it.
        let until_ms = self.phase_start(Phase::Cleanup).unwrap_or(0).min(to_ms);
        let at_end = || at_end.get(at_end.partition_point(|(since_ms, _)| since_ms + SLACK.ms() >= until_ms));
        revealed.or_else(at_end).map(|(_, change)| change.clone())
    }

    fn collect_unseen_changes(&self) -> UnseenChanges {
        let pairs = self.workloads.iter().zip(self.workloads.iter().skip(1));
        let revealed = pairs.filter_map(|((then, before), (now, after))| {
            let Some((earlier, later)) = before.generation.zip(after.generation) else {
                return Some((now.at_ms, self.find_gap("workload", then.at_ms, now.at_ms)?));
            };
            let observed = i64::from(before.spec_replicas != after.spec_replicas);
            let text = || {
                format!(
                    "the target's spec changed unseen (generation {earlier}, then {later}; spec.replicas {}, then {}): a \
                     rollout, or a size that was set and set back between two observations; nothing but the autoscaler may \
                     change the target during a run",
                    before.spec_replicas, after.spec_replicas
                )
            };
            (before.uid == after.uid && later - earlier > observed).then(|| (now.at_ms, (text(), now.seq)))
        });
        let mut changes = UnseenChanges { revealed: revealed.collect(), at_end: Vec::new() };
        let Some(cleanup_ms) = self.phase_start(Phase::Cleanup) else { return changes };
        let known = received_before(&self.gaps, (cleanup_ms + SLACK.ms()).saturating_add(1)).len();
        for (o, gap) in self.gaps.iter().skip(known).filter(|(_, gap)| gap.source == "workload") {
            if changes.at_end.last().is_none_or(|(since_ms, _)| gap.from_ms < *since_ms) {
                let text = format!("the target could not be read any more ({})", gap.reason);
                changes.at_end.push((gap.from_ms, (text, o.seq)));
            }
        }
        changes
    }
}
