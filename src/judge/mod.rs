//! Evaluates the records of a run to a verdict. Pure: the same records always give the same verdict, with or without
//! the cluster. Each check is one file and one row of the table in `checks`; the head of the file says when it passes and
//! what it reports otherwise.
//!
//! `run` evaluates the same checks while a run goes on, so that a phase ends by the results that the verdict will have.

mod attribution;
mod check_result;
mod checks;
mod decisions;
mod diagnosis;
mod endpoint_chance;
mod evaluator;
mod figures;
mod interruption;
mod prediction;
mod refuted_assumption;
mod run_view;
mod waiting;

#[cfg(test)]
mod tests;

pub(crate) use check_result::{CheckResult, CheckStatus};
pub use checks::Check;
pub(crate) use checks::Prerequisite;
pub(crate) use evaluator::{EarlyExit, Evaluator};
pub use prediction::predict;
pub use run_view::RunView;
pub(crate) use run_view::{EvaluationCache, LiveStatus, ProgressEvent};
pub(crate) use waiting::{WaitingReason, waiting_for};

use interruption::Interruption;

use crate::model::revision::RULES;
use crate::model::run_records::RunRecords;
use crate::model::verdict::{Case, CaseResult, Verdict};

/// Root name of the cases. KAR-0057 prescribes no test name; a third-party suite already uses this one.
pub const SUITE: &str = "TestPodAutoscaling";

/// Why the requirement does not apply.
const HPA_API_NOT_SERVED: &str = "the platform does not serve autoscaling/v2";

/// Computes the verdict on these records.
#[must_use]
pub fn judge(records: RunRecords<'_>) -> Verdict {
    let evaluator = Evaluator::new(records);
    let interruption = Interruption::find(&records).map(|found| (found.evaluator(), found));
    let result_of = |check: Check| {
        let result = evaluator.evaluate(check);
        match &interruption {
            Some((before, interruption)) => interruption.apply(before, check, result),
            None => result,
        }
    };
    let cases: Vec<Case> = Check::all().map(|check| build_case(&evaluator, check, result_of)).collect();
    let (result, reason) = overall_result(&records, &cases);
    let view = evaluator.view();
    Verdict {
        rules: RULES,
        suite: SUITE.to_owned(),
        result,
        reason,
        stand_in: records.scenario.accelerator.is_stand_in(),
        rehearsal: records.inventory.simulated.is_some(),
        restored: evaluator.evaluate(Check::Restored).status == CheckStatus::Pass,
        duration_ms: view.took_ms(),
        min_duration_ms: view.times.min_duration_ms(records.scenario.phases.baseline_sync_periods),
        figures: figures::compute_figures(view),
        cases,
    }
}

/// What the cases add up to, and why: FAIL if one fails, else INCONCLUSIVE if one is, else PASS. What the clean-up left
/// behind has an exit code of its own, and says nothing about the platform.
#[must_use]
pub fn overall_result(records: &RunRecords<'_>, cases: &[Case]) -> (CaseResult, String) {
    let first = |result| {
        let mut judged = cases.iter().filter(|case| case.name != Check::Restored.name());
        judged.find(|case| case.result == result)
    };
    if records.is_not_applicable() {
        (CaseResult::NotApplicable, HPA_API_NOT_SERVED.to_owned())
    } else if let Some((_, reason)) = records.not_started() {
        (CaseResult::Inconclusive, reason.to_owned())
    } else if let Some(case) = first(CaseResult::Fail).or_else(|| first(CaseResult::Inconclusive)) {
        let interruption = Interruption::find(records).map(|interruption| interruption.statement());
        // Of a case that was pending then, the reason says it already.
        let interruption = interruption.filter(|statement| !case.reason.contains(statement));
        let interruption = interruption.map_or(String::new(), |statement| format!("; {statement}"));
        (case.result, format!("{}: {}{interruption}", case.name, case.reason))
    } else {
        let other = cases.iter().filter(|case| case.result == CaseResult::NotApplicable).map(|case| case.name.as_str());
        match other.collect::<Vec<_>>().join(", ").as_str() {
            "" => (CaseResult::Pass, "every case passed".to_owned()),
            names => (CaseResult::Pass, format!("every case that applies passed; {names} does not apply to this HPA")),
        }
    }
}

fn build_case(evaluator: &Evaluator<'_>, check: Check, result_of: impl Fn(Check) -> CheckResult) -> Case {
    let records = evaluator.view().records;
    let evaluated = match records.not_started() {
        Some((observation, reason)) if !records.is_not_applicable() => {
            CheckResult::inconclusive(reason).with_cites([observation.seq])
        }
        _ => result_of(check),
    };
    let (result, reason) = match evaluated.status {
        _ if records.is_not_applicable() => (CaseResult::NotApplicable, HPA_API_NOT_SERVED.to_owned()),
        CheckStatus::Pass => (CaseResult::Pass, evaluated.reason),
        CheckStatus::Fail => (CaseResult::Fail, evaluated.reason),
        CheckStatus::Inconclusive => (CaseResult::Inconclusive, evaluated.reason),
        CheckStatus::NotApplicable => (CaseResult::NotApplicable, evaluated.reason),
        CheckStatus::Pending => {
            (CaseResult::Inconclusive, format!("the run ended while this was pending: {}", evaluated.reason))
        }
    };
    let times_ms = || evaluated.cites.iter().filter_map(|seq| evaluator.view().observed_at_ms(*seq));
    let span_ms = times_ms().min().zip(times_ms().max()).map(|(from, to)| [from, to]);
    Case {
        name: check.name().to_owned(),
        result,
        reason,
        cited_seqs: evaluated.cites.clone(),
        span_ms,
        findings: evaluated.findings,
    }
}
