//! The phases of a run: their beginnings and ends, milliseconds of the run's clock.

use super::RunView;
use crate::model::observation::Phase;

impl RunView<'_> {
    /// The beginning of a phase, and its end if it has ended.
    #[must_use]
    pub(in crate::judge) fn phase_span(&self, phase: Phase) -> Option<(u64, Option<u64>)> {
        self.phases.get(&phase).copied()
    }

    /// The beginning of a phase.
    #[must_use]
    pub(crate) fn phase_start(&self, phase: Phase) -> Option<u64> {
        self.phase_span(phase).map(|(began, _)| began)
    }

    /// The phase at this time.
    pub(in crate::judge) fn phase_at(&self, at_ms: u64) -> Option<Phase> {
        self.phases.iter().rev().find(|(_, (began, _))| *began <= at_ms).map(|(phase, _)| *phase)
    }

    /// The baseline: its beginning, and its end if it has ended. Where its end is not recorded, the next phase ends it.
    pub(in crate::judge) fn baseline_span(&self) -> Option<(u64, Option<u64>)> {
        let (began, ended) = self.phase_span(Phase::Baseline)?;
        Some((began, ended.or_else(|| self.phase_start(Phase::ScaleUp)).or_else(|| self.phase_start(Phase::Cleanup))))
    }

    /// The end of the evaluated time: the beginning of the clean-up, or the last observation.
    pub(in crate::judge) fn end_ms(&self) -> u64 {
        self.phase_start(Phase::Cleanup).unwrap_or_else(|| self.now_ms())
    }

    /// The load: its beginning, and its end or the last observation.
    pub(in crate::judge) fn load_span(&self) -> Option<(u64, u64)> {
        let began = self.phase_start(Phase::ScaleUp)?;
        Some((began, self.phase_start(Phase::ScaleDown).unwrap_or_else(|| self.end_ms())))
    }

    /// True while the load runs.
    pub(in crate::judge) fn is_under_load(&self) -> bool {
        let over = self.phase_start(Phase::ScaleDown).is_some() || self.phase_start(Phase::Cleanup).is_some();
        self.phase_start(Phase::ScaleUp).is_some() && !over
    }
}
