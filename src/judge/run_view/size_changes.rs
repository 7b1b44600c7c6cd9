//! Changes of the target's size, each with whoever wrote it.

use std::cell::OnceCell;

use super::RunView;
use crate::bounds::SLACK;
use crate::model::observation::{Phase, ReplicasManager, WorkloadSnapshot};

/// One change of spec.replicas.
#[derive(Clone, Debug)]
pub struct SizeChange<'a> {
    /// Number of the observation that shows it.
    pub seq: u64,
    /// When it was received.
    pub at_ms: u64,
    /// Size before.
    pub from: i32,
    /// Size after.
    pub to: i32,
    /// The managedFields entry that owns the new value; of several the scale subresource's, else the newest.
    pub writer: Option<&'a ReplicasManager>,
    /// The status that confirms it, by its place among those of our HPA, once it was looked for.
    pub(crate) confirming_index: OnceCell<Option<usize>>,
}

impl SizeChange<'_> {
    /// Written through the scale subresource, as an HPA controller does; a hand may do so too.
    #[must_use]
    pub fn is_scale_write(&self) -> bool {
        self.writer.is_some_and(|writer| writer.subresource == "scale" && writer.operation == "Update")
    }

    /// The writer for people.
    #[must_use]
    pub fn describe_writer(&self) -> String {
        self.writer.map_or_else(
            || "an unknown writer".to_owned(),
            |writer| match writer.subresource.as_str() {
                "" => format!("{} ({})", writer.manager, writer.operation),
                sub => format!("{} ({} of subresource {sub})", writer.manager, writer.operation),
            },
        )
    }
}

/// Changes from the HPA's creation to the clean-up.
pub(super) fn collect_size_changes<'a>(view: &RunView<'a>) -> Vec<SizeChange<'a>> {
    let Some((_, from_ms)) = view.hpa_creation() else { return Vec::new() };
    let to_ms = view.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
    let pairs = view.workloads.iter().zip(view.workloads.iter().skip(1));
    let change = |((_, before), (now, after)): (
        &super::ObservedItem<'a, WorkloadSnapshot>,
        &super::ObservedItem<'a, WorkloadSnapshot>,
    )| {
        let changed = before.spec_replicas != after.spec_replicas && (from_ms..to_ms).contains(&now.at_ms);
        changed.then(|| SizeChange {
            seq: now.seq,
            at_ms: now.at_ms,
            from: before.spec_replicas,
            to: after.spec_replicas,
            // Writes to the scale subresource carry no time; an update takes the field from every other updater.
            writer: after.replicas_managers.iter().max_by_key(|writer| (writer.subresource == "scale", writer.time)),
            confirming_index: OnceCell::new(),
        })
    };
    pairs.filter_map(change).collect()
}

impl<'a> RunView<'a> {
    /// A change of the target's spec between the HPA's creation and the clean-up that no observation shows: the
    /// generation counts the changes; where there is none, a gap may hide some. In words, and what tells of it.
    pub(crate) fn find_unseen_change(&self) -> Option<(String, u64)> {
        let (_, from_ms) = self.hpa_creation()?;
        self.find_unseen_change_in(from_ms, self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX))
    }

    /// True when a change of the target's spec between two moments may not have been seen.
    pub(crate) fn has_unseen_change(&self, from_ms: u64, to_ms: u64) -> bool {
        self.find_unseen_change_in(from_ms, to_ms.saturating_add(1)).is_some()
    }

    /// The same for a span of time after which the run goes on: what is seen next tells of what was not seen in it.
    pub(crate) fn find_unseen_change_during(&self, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        let next = self.workloads.iter().map(|(o, _)| o.at_ms).find(|at| *at >= to_ms);
        let cleanup = self.phase_start(Phase::Cleanup).unwrap_or(u64::MAX);
        self.find_unseen_change_in(from_ms, next.map_or(to_ms, |at| at + 1).min(cleanup))
    }

    fn find_unseen_change_in(&self, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
        self.unseen_change_by_generation(from_ms, to_ms).or_else(|| self.unseen_change_at_end(to_ms))
    }

    /// The target could not be read any more, until the clean-up had changed it.
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
                let seen = i64::from(before.spec_replicas != after.spec_replicas);
                let words =
                    || format!("the target's spec was changed without being seen (generation {earlier}, then {later})");
                (before.uid == after.uid && later - earlier > seen).then(|| (words(), now.seq))
            },
        )
    }

    /// Size of the target at a moment: spec.replicas and status.replicas, with the observation's number.
    pub(crate) fn workload_at(&self, at_ms: u64) -> Option<(u64, &'a WorkloadSnapshot)> {
        self.workloads.iter().take_while(|(o, _)| o.at_ms <= at_ms).last().map(|(o, w)| (o.seq, *w))
    }

    /// First observation at or after a moment that shows the workload in some state.
    pub(crate) fn first_workload(
        &self,
        from_ms: u64,
        is: impl Fn(&WorkloadSnapshot) -> bool,
    ) -> Option<(u64, u64, &'a WorkloadSnapshot)> {
        // The state at the moment itself counts from that moment on.
        if let Some((seq, workload)) = self.workload_at(from_ms).filter(|(_, workload)| is(workload)) {
            return Some((seq, from_ms, workload));
        }
        self.workloads.iter().find(|(o, w)| o.at_ms >= from_ms && is(w)).map(|(o, w)| (o.seq, o.at_ms, *w))
    }
}
