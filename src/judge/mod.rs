//! Records → verdict. Pure: the same records always give the same verdict, with the cluster or without it. One file a
//! check; each states what it needs, when it holds, and what it is otherwise (DESIGN section 4).
//!
//! The conductor asks the same checks while the run goes on, so that what ends a phase is what will be judged.

mod attribution;
mod check;
mod check_result;
mod contamination;
mod double_average;
mod evaluator;
mod metric_diagnosis;
mod prediction;
mod run_view;

mod autoscaler_active;
mod by_the_autoscaler;
mod decisions_explained;
mod hold_steady;
mod idle_holds;
mod metric_follows_load;
mod metric_served;
mod new_pods_run_on_accelerators;
mod new_pods_serve;
mod not_early;
mod pods_request_accelerators;
mod replicas_fall;
mod replicas_rise;
mod restored;

#[cfg(test)]
mod tests;

pub use check::{Check, Prerequisite};
pub use check_result::{CheckResult, CheckStatus};
pub use evaluator::{EarlyExit, Evaluator};
pub use prediction::predict;
pub use run_view::{ApiReading, EvaluationCache, LiveStatus, RunView, SizeChange};

use crate::model::run_records::RunRecords;
use crate::model::verdict::{Case, CaseResult, Verdict};

/// Root name of the cases. KAR-0057 names no test; a third-party suite already used this one.
pub const SUITE: &str = "TestPodAutoscaling";

/// Why the requirement does not apply.
const HPA_API_NOT_SERVED: &str = "the platform does not serve autoscaling/v2";

/// The verdict on these records.
#[must_use]
pub fn judge(records: RunRecords<'_>) -> Verdict {
    let bench = Evaluator::new(records);
    let cases: Vec<Case> = Check::ALL.iter().map(|check| build_case(&bench, *check)).collect();
    let judged = || cases.iter().filter(|case| case.name != Check::Restored.name());
    let first = |result| judged().find(|case| case.result == result);
    let (result, reason) = if records.is_not_applicable() {
        (CaseResult::NotApplicable, HPA_API_NOT_SERVED.to_owned())
    } else if let Some((_, why)) = records.not_started() {
        (CaseResult::Inconclusive, why.to_owned())
    } else if let Some(case) = first(CaseResult::Fail) {
        (CaseResult::Fail, format!("{}: {}", case.name, case.reason))
    } else if let Some(case) = first(CaseResult::Inconclusive) {
        (CaseResult::Inconclusive, format!("{}: {}", case.name, case.reason))
    } else {
        (CaseResult::Pass, "every case holds".to_owned())
    };
    let view = bench.view();
    Verdict {
        format: 1,
        suite: SUITE.to_owned(),
        result,
        reason,
        stand_in: records.scenario.accelerator.is_stand_in(),
        rehearsal: records.inventory.simulated.is_some(),
        restored: bench.evaluate(Check::Restored).status == CheckStatus::Pass,
        duration_ms: view.took_ms(),
        min_duration_ms: view.times.min_duration_ms(records.scenario.phases.baseline_sync_periods),
        cases,
    }
}

fn build_case(bench: &Evaluator<'_>, check: Check) -> Case {
    let records = bench.view().records;
    let ruling = match records.not_started() {
        Some((seen, why)) if !records.is_not_applicable() => CheckResult::inconclusive(why).with_cites([seen.seq]),
        _ => bench.evaluate(check),
    };
    let (result, reason) = match ruling.status {
        _ if records.is_not_applicable() => (CaseResult::NotApplicable, HPA_API_NOT_SERVED.to_owned()),
        CheckStatus::Pass => (CaseResult::Pass, ruling.reason),
        CheckStatus::Fail => (CaseResult::Fail, ruling.reason),
        CheckStatus::Inconclusive => (CaseResult::Inconclusive, ruling.reason),
        CheckStatus::Pending => {
            (CaseResult::Inconclusive, format!("the run ended before it could be told: {}", ruling.reason))
        }
    };
    let moments = || ruling.cites.iter().filter_map(|seq| bench.view().observed_at_ms(*seq));
    let span_ms = moments().min().zip(moments().max()).map(|(from, to)| [from, to]);
    Case {
        name: check.name().to_owned(),
        result,
        reason,
        cited_seqs: ruling.cites.clone(),
        span_ms,
        findings: ruling.findings,
    }
}
