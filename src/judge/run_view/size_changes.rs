//! Replica changes of the target, each with its writer.

use std::cell::OnceCell;

use jiff::Timestamp;

use super::{ObservedItem, RunView};
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
    /// A change of the target's spec between the HPA's creation and the clean-up that no observation shows: a jump of
    /// the generation, or without a generation a gap. Its description, and the sequence number of the observation that
    /// reveals it.
    pub(crate) fn find_unseen_change(&self) -> Option<(String, u64)> {
        let (_, from_ms) = self.hpa_creation()?;
        self.find_unseen_change_in(from_ms, self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX))
    }

    /// True when a change of the target's spec between two times may be unseen.
    pub(crate) fn has_unseen_change(&self, from_ms: u64, to_ms: u64) -> bool {
        self.find_unseen_change_in(from_ms, to_ms.saturating_add(1)).is_some()
    }

    /// An unseen change within a span of time after which the run goes on: the next observation reveals it.
    pub(crate) fn find_unseen_change_during(&self, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let next = self.workloads.iter().map(|(o, _)| o.at_ms).find(|at| *at >= to_ms);
        let cleanup = self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
        self.find_unseen_change_in(from_ms, next.map_or(to_ms, |at| at + 1).min(cleanup))
    }

    fn find_unseen_change_in(&self, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        self.unseen_change_by_generation(from_ms, to_ms).or_else(|| self.unseen_change_at_end(to_ms))
    }

    /// The target was not observed any more before the clean-up changed it.
    fn unseen_change_at_end(&self, to_ms: u64) -> Option<(String, u64)> {
        let cleanup = self.phase_start(Phase::Cleanup)?;
        let (o, gap) = self.gaps.iter().find(|(o, gap)| {
            gap.source == "workload" && o.at_ms > cleanup + SLACK.ms() && gap.from_ms + SLACK.ms() < to_ms.min(cleanup)
        })?;
        Some((format!("the target could not be read any more ({})", gap.reason), o.seq))
    }

    fn unseen_change_by_generation(&self, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let pairs = self.workloads.iter().zip(self.workloads.iter().skip(1));
        pairs.filter(|(_, (now, _))| (from_ms..to_ms).contains(&now.at_ms)).find_map(
            |((then, before), (now, after))| {
                let Some((earlier, later)) = before.generation.zip(after.generation) else {
                    return self.find_gap("workload", then.at_ms, now.at_ms);
                };
                let observed = i64::from(before.spec_replicas != after.spec_replicas);
                let text = || format!("the target's spec changed unseen (generation {earlier}, then {later})");
                (before.uid == after.uid && later - earlier > observed).then(|| (text(), now.seq))
            },
        )
    }

    /// The status of the run's HPA that confirms a write to the scale subresource. A change without one is another
    /// writer's.
    pub(crate) fn confirming_status(&self, change: &SizeChange<'_>) -> Option<&ObservedItem<'a, HpaSnapshot>> {
        let matches = |hpa: &HpaSnapshot| {
            hpa.desired_replicas == change.to
                && hpa.last_scale_time.is_some_and(|at| self.is_time_of_change(at, change))
        };
        let find = || self.our_hpa_snapshots().position(|(_, hpa)| matches(hpa));
        let index = *change.confirming_index.get_or_init(|| change.is_scale_write().then(find).flatten());
        self.our_hpa_snapshots().nth(index?)
    }

    /// True when a time of the cluster, in whole seconds, can be that of an observed change: a write to the scale
    /// subresource carries no time.
    pub(crate) fn is_time_of_change(&self, at: Timestamp, change: &SizeChange<'_>) -> bool {
        let Some((from, to)) = self.to_run_clock(at) else { return false };
        let (observed_ms, slack_ms) =
            (i64::try_from(change.at_ms).unwrap_or(i64::MAX), i64::try_from(SLACK.ms()).unwrap_or(0));
        (from - slack_ms..=to + slack_ms).contains(&observed_ms)
    }

    /// The target at this time, with the sequence number of the observation.
    pub(crate) fn workload_at(&self, at_ms: u64) -> Option<(u64, &'a WorkloadSnapshot)> {
        self.workloads.iter().take_while(|(o, _)| o.at_ms <= at_ms).last().map(|(o, w)| (o.seq, *w))
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
        self.workloads.iter().find(|(o, w)| o.at_ms >= from_ms && is(w)).map(|(o, w)| (o.seq, o.at_ms, *w))
    }
    /// When spec.replicas and status.replicas both had the expected size under load. The surge pods of a rollout count
    /// in status.replicas alone.
    pub(crate) fn expected_size_reached(&self, began: u64) -> Option<(u64, u64, &'a WorkloadSnapshot)> {
        let expected = self.expected_replicas;
        self.first_workload(began, |w| w.spec_replicas >= expected && w.replicas >= expected)
    }
}
