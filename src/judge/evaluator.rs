//! Evaluates all checks on one set of records, prerequisites first.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::attribution;
use super::check_result::{CheckResult, CheckStatus};
use super::checks::{Check, Prerequisite};
use super::decisions;
use super::refuted_assumption;
use super::run_view::{EvaluationCache, RunView};
use crate::model::observation::Phase;
use crate::model::run_records::RunRecords;

/// Whether a run may stop early: accelerators are expensive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlyExit {
    /// The run goes on: it may pass, or a pending check may fail.
    No,
    /// The run skips to the scale-down, without load: it cannot pass any more, and only Oracle/DecisionsExplained can
    /// still fail, if the HPA scales down too early or too fast.
    AfterScaleDown,
    /// The run stops: nothing can change its verdict.
    Now,
}

/// Evaluates each check once and keeps the results.
#[derive(Debug)]
pub(crate) struct Evaluator<'a> {
    view: RunView<'a>,
    results: RefCell<BTreeMap<Prerequisite, CheckResult>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of these records.
    #[must_use]
    pub(crate) fn new(records: RunRecords<'a>) -> Self {
        Self::with_cache(records, &EvaluationCache::default())
    }

    /// The same, reusing what an earlier evaluator of this run has computed.
    #[must_use]
    pub(crate) fn with_cache(records: RunRecords<'a>, cache: &EvaluationCache) -> Self {
        Self { view: RunView::with_cache(records, cache), results: RefCell::default() }
    }

    /// The view of the records that the checks read.
    #[must_use]
    pub(crate) fn view(&self) -> &RunView<'a> {
        &self.view
    }

    /// The result of a check, its prerequisites included.
    #[must_use]
    pub(crate) fn evaluate(&self, check: Check) -> CheckResult {
        self.evaluate_prerequisite(Prerequisite::Whole(check))
    }

    /// The result of a check or of a part of one, its prerequisites included.
    #[must_use]
    pub(crate) fn evaluate_prerequisite(&self, prerequisite: Prerequisite) -> CheckResult {
        if let Some(result) = self.results.borrow().get(&prerequisite) {
            return result.clone();
        }
        let result = match prerequisite.find_inapplicable(self.view.records) {
            Some(reason) => CheckResult::not_applicable(reason),
            None => {
                let unmet = self.unmet_prerequisite(prerequisite.prerequisites());
                unmet.unwrap_or_else(|| self.run_check(prerequisite))
            }
        };
        let result = refuted_assumption::reconsider_fail(&self.view, prerequisite, result);
        let result = match prerequisite.attribution() {
            Some(needed) => attribution::downgrade_fail(&self.view, needed, result),
            None => result,
        };
        self.results.borrow_mut().insert(prerequisite, result.clone());
        result
    }

    /// True when nothing can change the verdict of the run.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        self.early_exit() == EarlyExit::Now
    }

    /// Whether the run may stop early. It may when a check has failed, or when it cannot pass and no pending check can
    /// turn INCONCLUSIVE into FAIL. Pods without accelerators are outside of the requirement, so none of their checks
    /// can fail. The clean-up always follows.
    #[must_use]
    pub(crate) fn early_exit(&self) -> EarlyExit {
        let checks = Check::all().filter(|check| check.spec().counts_for_early_exit);
        let results: Vec<CheckResult> = checks.map(|check| self.evaluate(check)).collect();
        let any = |status| results.iter().any(|result| result.has_status(status));
        let oracle = self.evaluate(Check::DecisionsExplained);
        // The checks of the scale-down report what the oracle finds in it more precisely, once the surplus pods are
        // gone: soon, and without load.
        let is_scaling_down = self.view.phase_start(Phase::ScaleDown).is_some()
            && self.evaluate(Check::ReplicasFall).has_status(CheckStatus::Pending);
        let no_accelerators = self.evaluate(Check::PodsRequestAccelerators).has_status(CheckStatus::Inconclusive);
        if any(CheckStatus::Fail) || (oracle.has_status(CheckStatus::Fail) && !is_scaling_down) || no_accelerators {
            EarlyExit::Now
        } else if any(CheckStatus::Pending) || !any(CheckStatus::Inconclusive) {
            // A check whose prerequisite cannot pass is Inconclusive already, so a Pending one can still fail.
            EarlyExit::No
        } else if oracle.has_status(CheckStatus::Pending) && decisions::can_still_fail(&self.view) {
            EarlyExit::AfterScaleDown
        } else {
            EarlyExit::Now
        }
    }

    /// The result of a check of which a prerequisite has not passed.
    fn unmet_prerequisite(&self, prerequisites: &[Prerequisite]) -> Option<CheckResult> {
        let results: Vec<(Prerequisite, CheckResult)> =
            prerequisites.iter().map(|one| (*one, self.evaluate_prerequisite(*one))).collect();
        let with = |status: CheckStatus| results.iter().find(|(_, result)| result.has_status(status));
        if let Some((prerequisite, _)) = with(CheckStatus::Fail).or_else(|| with(CheckStatus::Inconclusive)) {
            return Some(CheckResult::inconclusive(format!("prerequisite {} did not pass", prerequisite.name())));
        }
        with(CheckStatus::Pending).map(|(prerequisite, result)| {
            CheckResult::pending(format!("prerequisite {} is pending: {}", prerequisite.name(), result.reason))
        })
    }

    /// Evaluates the check itself, once all prerequisites have passed.
    fn run_check(&self, prerequisite: Prerequisite) -> CheckResult {
        prerequisite.evaluate_alone(&self.view)
    }
}
