//! Replica changes of the target, each with its writer.

use std::cell::OnceCell;

use jiff::Timestamp;

use super::received::{received_before, received_in};
use super::{ByTime, ObservedItem, RunView};
use crate::bounds::SLACK;
use crate::model::observation::{HpaSnapshot, Phase, ReplicasManager, WorkloadSnapshot};

/// One change of spec.replicas.
#[derive(Clone, Debug)]
pub(crate) struct SizeChange<'a> {
    /// Sequence number of the observation that shows the change.
    pub(crate) seq: u64,
    /// When the change was observed.
    pub(crate) at_ms: u64,
    /// spec.replicas before.
    pub(crate) from: i32,
    /// spec.replicas after.
    pub(crate) to: i32,
    /// The managedFields entry that owns the new value: that of the scale subresource, else the newest.
    pub(crate) writer: Option<&'a ReplicasManager>,
    /// Index of the confirming status among the snapshots of the run's HPA, computed on first use.
    pub(crate) confirming_index: OnceCell<Option<usize>>,
}

impl SizeChange<'_> {
    /// True when the change was written through the scale subresource, as an HPA controller does; `kubectl scale` does
    /// so too.
    #[must_use]
    pub(crate) fn is_scale_write(&self) -> bool {
        self.writer.is_some_and(|writer| writer.subresource == "scale" && writer.operation == "Update")
    }

    /// Describes the writer.
    #[must_use]
    pub(crate) fn describe_writer(&self) -> String {
        self.writer.map_or_else(
            || "an unknown writer".to_owned(),
            |writer| match writer.subresource.as_str() {
                "" => format!("{} ({})", writer.manager, writer.operation),
                sub => format!("{} ({} of subresource {sub})", writer.manager, writer.operation),
            },
        )
    }
}

/// Collects the replica changes between the HPA's creation and the clean-up.
pub(super) fn collect_size_changes<'a>(view: &RunView<'a>) -> Vec<SizeChange<'a>> {
    let Some((_, from_ms)) = view.hpa_creation() else { return Vec::new() };
    let to_ms = view.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
    let pairs = view.workloads.iter().zip(view.workloads.iter().skip(1));
    let change =
        |((_, before), (now, after)): (&ObservedItem<'a, WorkloadSnapshot>, &ObservedItem<'a, WorkloadSnapshot>)| {
            let changed = before.spec_replicas != after.spec_replicas && (from_ms..to_ms).contains(&now.at_ms);
            changed.then(|| SizeChange {
                seq: now.seq,
                at_ms: now.at_ms,
                from: before.spec_replicas,
                to: after.spec_replicas,
                // Writes to the scale subresource carry no time; an update takes the field from every other updater.
                writer: after
                    .replicas_managers
                    .iter()
                    .max_by_key(|writer| (writer.subresource == "scale", writer.time)),
                confirming_index: OnceCell::new(),
            })
        };
    pairs.filter_map(change).collect()
}

impl<'a> RunView<'a> {
    /// The status of the run's HPA that confirms a write to the scale subresource. A change without one is another
    /// writer's.
    pub(crate) fn confirming_status(&self, change: &SizeChange<'_>) -> Option<&ObservedItem<'a, HpaSnapshot>> {
        let find = || self.find_confirming_status(change);
        let index = *change.confirming_index.get_or_init(|| change.is_scale_write().then(find).flatten());
        self.hpas.get(index?)
    }

    /// The first status with the new size whose scale time can be that of the change.
    fn find_confirming_status(&self, change: &SizeChange<'_>) -> Option<usize> {
        self.find_at_change(self.scale_statuses.get(&change.to)?, change).map(|(first, _)| first)
    }

    /// The smallest and the largest index of the items whose time, in whole seconds of the cluster, can be that of an
    /// observed change: a write to the scale subresource carries no time. After a gap of the target's watch the change may
    /// be as old as the gap.
    pub(in crate::judge) fn find_at_change(&self, items: &ByTime, change: &SizeChange<'_>) -> Option<(usize, usize)> {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let (latest_ms, slack_ms) = (signed(change.at_ms), signed(SLACK.ms()));
        let earliest_ms = signed(self.earliest_ms("workload", change.at_ms));
        // Without a measured clock no time is that of the change.
        let is_too_early = |at: Timestamp| self.to_run_clock(at).is_none_or(|(_, to)| to + slack_ms < earliest_ms);
        let is_too_late = |at: Timestamp| self.to_run_clock(at).is_some_and(|(from, _)| from - slack_ms > latest_ms);
        items.find_extremes(is_too_early, is_too_late)
    }

    /// The target at this time, with the sequence number of the observation.
    pub(crate) fn workload_at(&self, at_ms: u64) -> Option<(u64, &'a WorkloadSnapshot)> {
        received_before(&self.workloads, at_ms.saturating_add(1)).last().map(|(o, w)| (o.seq, *w))
    }

    /// The first observation from `from_ms` on in which the target satisfies a condition: its sequence number, the
    /// time, and the target.
    pub(crate) fn first_workload(
        &self,
        from_ms: u64,
        is: impl Fn(&WorkloadSnapshot) -> bool,
    ) -> Option<(u64, u64, &'a WorkloadSnapshot)> {
        // A state that exists already counts from `from_ms` on.
        if let Some((seq, workload)) = self.workload_at(from_ms).filter(|(_, workload)| is(workload)) {
            return Some((seq, from_ms, workload));
        }
        let mut later = received_in(&self.workloads, from_ms..=u64::MAX).iter();
        later.find(|(_, w)| is(w)).map(|(o, w)| (o.seq, o.at_ms, *w))
    }

    /// When spec.replicas and status.replicas both had the expected size under load. The surge pods of a rollout count
    /// in status.replicas alone.
    pub(crate) fn expected_size_reached(&self, began: u64) -> Option<(u64, u64, &'a WorkloadSnapshot)> {
        let expected = self.expected_replicas;
        self.first_workload(began, |w| w.spec_replicas >= expected && w.replicas >= expected)
    }
}
