//! What a row of the table of checks holds, and how the rest of the judge reads it.

use super::{CHECK_PARTS, CHECKS, Check, CheckPart, not_early};
use crate::judge::check_result::CheckResult;
use crate::judge::run_view::RunView;
use crate::model::observation::Phase;
use crate::model::run_records::RunRecords;

/// Evaluates a check or a part of one, once all its prerequisites have passed.
pub(in crate::judge) type EvaluateFn = for<'v> fn(&'v RunView<'v>) -> CheckResult;

/// Everything that the judge and the run know of a check.
pub(in crate::judge) struct CheckSpec {
    pub(super) check: Check,
    /// The name of the case in the suite: the group, a slash, and the name in the group.
    pub(super) name: &'static str,
    /// When it passes, as reports/README.md lists it.
    pub(super) sentence: &'static str,
    /// Unless all of them pass, the check is inconclusive or pending.
    pub(super) prerequisites: &'static [Prerequisite],
    /// The phase that waits for its result; `None` for a check that no phase waits for.
    pub(super) awaited_in: Option<Phase>,
    /// Whether its status decides if the run may stop early.
    pub(in crate::judge) counts_for_early_exit: bool,
    /// `None` for a check whose FAIL does not concern the platform.
    pub(super) attribution: Option<Attribution>,
    pub(super) evaluate: EvaluateFn,
}

/// One direction of Control/MetricFollowsLoad, where another check needs it before the whole check has a result.
pub(super) struct CheckPartSpec {
    pub(super) part: CheckPart,
    pub(super) check: Check,
    /// The name as reasons print it.
    pub(super) name: &'static str,
    pub(super) awaited_in: Option<Phase>,
    pub(super) evaluate: EvaluateFn,
}

/// What must have been observed before a FAIL of a check is attributed to the platform.
pub(in crate::judge) struct Attribution {
    /// The sources of the check's observations. A gap in one of them excuses a FAIL.
    pub(in crate::judge) sources: &'static [&'static str],
    /// When the evaluated time begins.
    pub(in crate::judge) since: EvaluatedSince,
    /// Whether a node of the target that was not Ready excuses a FAIL.
    pub(in crate::judge) lost_node_excuses: bool,
}

/// The beginning of the time that a check evaluates.
#[derive(Clone, Copy)]
pub(in crate::judge) enum EvaluatedSince {
    HpaCreation,
    PhaseStart(Phase),
}

/// A check that must pass before another one is evaluated, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prerequisite {
    /// The whole check.
    Whole(Check),
    /// A part of a check.
    Part(CheckPart),
}

impl Check {
    /// All checks, in the order of a run.
    pub fn all() -> impl Iterator<Item = Self> {
        CHECKS.iter().map(|spec| spec.check)
    }

    /// The name of the case in the suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// When the check passes, in one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.spec().sentence
    }

    /// The prerequisites: unless all of them pass, this check is inconclusive or pending.
    #[must_use]
    pub fn prerequisites(self) -> &'static [Prerequisite] {
        self.spec().prerequisites
    }

    /// Why no run can decide the check on this HPA. It reads the scenario, and the query of an adopted HPA: nothing that is missing
    /// may make a check inapplicable.
    pub(in crate::judge) fn find_inapplicable(self, records: RunRecords<'_>) -> Option<String> {
        match self {
            Self::NotEarly => not_early::find_inapplicable(records),
            _ => None,
        }
    }

    /// The result of the check alone, without its prerequisites.
    pub(in crate::judge) fn evaluate_alone(self, view: &RunView<'_>) -> CheckResult {
        (self.spec().evaluate)(view)
    }

    pub(in crate::judge) fn spec(self) -> &'static CheckSpec {
        &CHECKS[self as usize]
    }
}

impl CheckPart {
    fn spec(self) -> &'static CheckPartSpec {
        &CHECK_PARTS[self as usize]
    }
}

impl Prerequisite {
    /// What a phase waits for, in the order in which its progress names what is pending: parts, then the checks of the
    /// phase's own group, then those of other groups.
    #[must_use]
    pub(crate) fn awaited_in(phase: Phase) -> Vec<Self> {
        let parts = CHECK_PARTS.iter().filter(|spec| spec.awaited_in == Some(phase)).map(|spec| Self::Part(spec.part));
        let checks = CHECKS.iter().filter(|spec| spec.awaited_in == Some(phase));
        let (own, others): (Vec<_>, Vec<_>) = checks.partition(|spec| spec.is_in_group_of(phase));
        parts.chain(own.into_iter().chain(others).map(|spec| Self::Whole(spec.check))).collect()
    }

    /// The name as reasons print it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole(check) => check.name(),
            Self::Part(part) => part.spec().name,
        }
    }

    /// Its own prerequisites.
    #[must_use]
    pub(crate) fn prerequisites(self) -> &'static [Self] {
        match self {
            Self::Whole(check) => check.prerequisites(),
            Self::Part(part) => part.spec().check.prerequisites(),
        }
    }

    pub(in crate::judge) fn attribution(self) -> Option<&'static Attribution> {
        match self {
            Self::Whole(check) => check.spec().attribution.as_ref(),
            // A part never fails.
            Self::Part(_) => None,
        }
    }

    /// Why no run can decide it on this scenario's HPA.
    pub(in crate::judge) fn find_inapplicable(self, records: RunRecords<'_>) -> Option<String> {
        match self {
            Self::Whole(check) => check.find_inapplicable(records),
            Self::Part(_) => None,
        }
    }

    /// The result, once all its prerequisites have passed.
    pub(in crate::judge) fn evaluate_alone(self, view: &RunView<'_>) -> CheckResult {
        match self {
            Self::Whole(check) => check.evaluate_alone(view),
            Self::Part(part) => (part.spec().evaluate)(view),
        }
    }
}

impl CheckSpec {
    /// Whether the case is in the JUnit group that has the phase's name: ScaleUp, scale-up.
    fn is_in_group_of(&self, phase: Phase) -> bool {
        let group = self.name.split('/').next().unwrap_or_default();
        phase.as_str().replace('-', "").eq_ignore_ascii_case(group)
    }
}
