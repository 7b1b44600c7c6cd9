//! A run that a signal interrupted. What the clean-up does afterwards, without load and without HPA, says nothing about the
//! platform: a check that was pending at the signal stays undecided because of the signal.

use super::check_result::{CheckResult, CheckStatus};
use super::checks::Check;
use super::evaluator::Evaluator;
use crate::model::observation::{Observation, ObservationKind, Phase, PhaseEdge};
use crate::model::run_records::RunRecords;

/// The first signal that interrupted a run.
pub(super) struct Interruption<'a> {
    /// The observation of the signal.
    observation: &'a Observation,
    signal: &'a str,
    /// The phase that it interrupted.
    phase: Option<Phase>,
    /// The records until then.
    before: RunRecords<'a>,
}

impl<'a> Interruption<'a> {
    /// The interruption of a run; `None` if the run was not interrupted before its clean-up.
    pub(super) fn find(records: &RunRecords<'a>) -> Option<Self> {
        let timeline = records.timeline;
        let (index, signal) = timeline.iter().enumerate().find_map(|(index, observation)| match &observation.kind {
            ObservationKind::Interrupted { signal } => Some((index, signal.as_str())),
            _ => None,
        })?;
        let (before, rest) = timeline.split_at(index);
        let phase = open_phase(before);
        let is_cleanup = phase == Some(Phase::Cleanup);
        let before = RunRecords { timeline: before, ..*records };
        rest.first().filter(|_| !is_cleanup).map(|observation| Self { observation, signal, phase, before })
    }

    /// The checks when the signal came.
    pub(super) fn evaluator(&self) -> Evaluator<'a> {
        Evaluator::new(self.before)
    }

    /// The result of a check: what it was, if it was decided when the signal came.
    pub(super) fn apply(&self, before: &Evaluator<'_>, check: Check, result: CheckResult) -> CheckResult {
        // The clean-up follows every interruption.
        if check == Check::Restored || result.status == CheckStatus::Pass {
            return result;
        }
        let before = before.evaluate(check);
        if before.status != CheckStatus::Pending {
            return result;
        }
        let reason = format!("{} while this was pending: {}", self.statement(), before.reason);
        CheckResult::inconclusive(reason).with_cites(before.cites.into_iter().chain([self.observation.seq]))
    }

    /// That the run was interrupted, without a full stop.
    pub(super) fn statement(&self) -> String {
        let phase = self.phase.map_or(String::new(), |phase| format!(" in the phase {}", phase.as_str()));
        format!("the run was interrupted by {}{phase}", self.signal)
    }
}

/// The phase that has begun and not ended.
fn open_phase(timeline: &[Observation]) -> Option<Phase> {
    let last = timeline.iter().rev().find_map(|observation| match &observation.kind {
        ObservationKind::Phase(change) => Some(*change),
        _ => None,
    })?;
    (last.edge == PhaseEdge::Began).then_some(last.phase)
}

/// The signal that interrupted the clean-up.
pub(super) fn cleanup_signal<'a>(records: &RunRecords<'a>) -> Option<&'a str> {
    let is_cleanup =
        |kind: &ObservationKind| matches!(kind, ObservationKind::Phase(change) if change.phase == Phase::Cleanup);
    let from = records.timeline.iter().position(|observation| is_cleanup(&observation.kind))?;
    records.timeline[from..].iter().find_map(|observation| match &observation.kind {
        ObservationKind::Interrupted { signal } => Some(signal.as_str()),
        _ => None,
    })
}
