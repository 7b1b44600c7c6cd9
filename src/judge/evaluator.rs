//! The bench: all checks over one set of records, with what each needs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::attribution;
use super::check::{Check, Prerequisite};
use super::check_result::{CheckResult, CheckStatus};
use super::run_view::{EvaluationCache, RunView};
use super::{
    autoscaler_active, by_the_autoscaler, decisions_explained, hold_steady, idle_holds, metric_follows_load,
    metric_served, new_pods_run_on_accelerators, new_pods_serve, not_early, pods_request_accelerators, replicas_fall,
    replicas_rise, restored,
};
use crate::model::observation::Phase;
use crate::model::run_records::RunRecords;

/// What a run may still show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyExit {
    /// It may pass, or a check that is open may fail.
    No,
    /// It cannot pass any more, and only the oracle has something to wait for: the autoscaler has a size to take back, and
    /// may do so too early or too fast. No load is needed for that.
    AfterScaleDown,
    /// Nothing.
    Now,
}

/// Rules on each check once; rulings are kept.
#[derive(Debug)]
pub struct Evaluator<'a> {
    view: RunView<'a>,
    results: RefCell<BTreeMap<Prerequisite, CheckResult>>,
}

impl<'a> Evaluator<'a> {
    /// A bench over these records.
    #[must_use]
    pub fn new(records: RunRecords<'a>) -> Self {
        Self::with_cache(records, &EvaluationCache::default())
    }

    /// The same, with what was worked out when this run was looked at before.
    #[must_use]
    pub fn with_cache(records: RunRecords<'a>, memory: &EvaluationCache) -> Self {
        Self { view: RunView::with_cache(records, memory), results: RefCell::default() }
    }

    /// What the records show.
    #[must_use]
    pub fn view(&self) -> &RunView<'a> {
        &self.view
    }

    /// The ruling on a check, what it needs included.
    #[must_use]
    pub fn evaluate(&self, check: Check) -> CheckResult {
        self.evaluate_prerequisite(Prerequisite::Whole(check))
    }

    /// The ruling on a check or on half of one.
    #[must_use]
    pub fn evaluate_prerequisite(&self, part: Prerequisite) -> CheckResult {
        if let Some(ruling) = self.results.borrow().get(&part) {
            return ruling.clone();
        }
        let needs = match part {
            Prerequisite::Whole(check) => check.prerequisites(),
            Prerequisite::MetricRises | Prerequisite::MetricFalls => Check::MetricFollowsLoad.prerequisites(),
        };
        let ruling = self.unmet_prerequisite(needs).unwrap_or_else(|| self.run_check(part));
        let ruling = match part {
            Prerequisite::Whole(check) => attribution::downgrade_fail(&self.view, check, ruling),
            // Halves blame nobody.
            Prerequisite::MetricRises | Prerequisite::MetricFalls => ruling,
        };
        self.results.borrow_mut().insert(part, ruling.clone());
        ruling
    }

    /// True when the run has nothing left to show.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.early_exit() == EarlyExit::Now
    }

    /// What the run may still show. It is settled when it has failed, or PASS is impossible and nothing that is still open
    /// could turn INCONCLUSIVE into FAIL, as of pods without accelerators nothing can: accelerators are expensive. The
    /// clean-up comes anyhow.
    #[must_use]
    pub fn early_exit(&self) -> EarlyExit {
        let waited_for =
            Check::ALL.iter().filter(|check| !matches!(check, Check::Restored | Check::DecisionsExplained));
        let rulings: Vec<CheckResult> = waited_for.map(|check| self.evaluate(*check)).collect();
        let any = |state| rulings.iter().any(|ruling| ruling.has_status(state));
        let oracle = self.evaluate(Check::DecisionsExplained);
        // What it finds in a fall, the checks of the fall can say in their own words once the surplus pods are gone: soon,
        // and without load.
        let is_falling = self.view.phase_start(Phase::ScaleDown).is_some()
            && self.evaluate(Check::ReplicasFall).has_status(CheckStatus::Pending);
        let no_accelerators = self.evaluate(Check::PodsRequestAccelerators).has_status(CheckStatus::Inconclusive);
        if any(CheckStatus::Fail) || (oracle.has_status(CheckStatus::Fail) && !is_falling) || no_accelerators {
            EarlyExit::Now
        } else if any(CheckStatus::Pending) || !any(CheckStatus::Inconclusive) {
            // A check with a dead need is Unclear already, so what is Open can still fail.
            EarlyExit::No
        } else if oracle.has_status(CheckStatus::Pending) && decisions_explained::can_still_fail(&self.view) {
            EarlyExit::AfterScaleDown
        } else {
            EarlyExit::Now
        }
    }

    /// Why the check cannot be ruled on, if what it needs does not hold.
    fn unmet_prerequisite(&self, needs: &[Prerequisite]) -> Option<CheckResult> {
        let rulings: Vec<(Prerequisite, CheckResult)> =
            needs.iter().map(|need| (*need, self.evaluate_prerequisite(*need))).collect();
        let with = |state: CheckStatus| rulings.iter().find(|(_, ruling)| ruling.has_status(state));
        if let Some((need, _)) = with(CheckStatus::Fail).or_else(|| with(CheckStatus::Inconclusive)) {
            return Some(CheckResult::inconclusive(format!("needs {}, which does not hold", need.name())));
        }
        with(CheckStatus::Pending)
            .map(|(need, ruling)| CheckResult::pending(format!("needs {}: {}", need.name(), ruling.reason)))
    }

    /// The claim itself, given that all it needs holds.
    fn run_check(&self, part: Prerequisite) -> CheckResult {
        let view = &self.view;
        match part {
            Prerequisite::MetricRises => metric_follows_load::evaluate_rise(view),
            Prerequisite::MetricFalls => metric_follows_load::evaluate_fall(view),
            Prerequisite::Whole(check) => match check {
                Check::PodsRequestAccelerators => pods_request_accelerators::evaluate(view),
                Check::MetricServed => metric_served::evaluate(view),
                Check::AutoscalerActive => autoscaler_active::evaluate(view),
                Check::IdleHolds => idle_holds::evaluate(view),
                Check::ByTheAutoscaler => by_the_autoscaler::evaluate(view),
                Check::MetricFollowsLoad => metric_follows_load::evaluate(view),
                Check::ReplicasRise => replicas_rise::evaluate(view),
                Check::NewPodsRunOnAccelerators => new_pods_run_on_accelerators::evaluate(view),
                Check::NewPodsServe => new_pods_serve::evaluate(view),
                Check::HoldSteady => hold_steady::evaluate(view),
                Check::ReplicasFall => replicas_fall::evaluate(view),
                Check::NotEarly => not_early::evaluate(view),
                Check::DecisionsExplained => decisions_explained::evaluate(view),
                Check::Restored => restored::evaluate(view),
            },
        }
    }
}
