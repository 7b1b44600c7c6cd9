//! Records → verdict. Pure: the same records always give the same verdict, with the cluster or without it. One file a
//! check; each states what it needs, when it holds, and what it is otherwise (DESIGN section 4).
//!
//! The conductor asks the same checks while the run goes on, so that what ends a phase is what will be judged.

mod bench;
mod blame;
mod check;
mod course;
mod foreign;
mod prediction;
mod ruling;
mod twice_divided;
mod view;

mod autoscaler_active;
mod by_the_autoscaler;
mod decisions_explained;
mod hold_steady;
mod idle_holds;
mod metric_follows_load;
mod metric_served;
mod new_pods_on_accelerators;
mod new_pods_serve;
mod not_early;
mod pods_request_accelerators;
mod replicas_fall;
mod replicas_rise;
mod restored;

#[cfg(test)]
mod tests;

pub use bench::{Bench, Outlook};
pub use check::{Check, Part};
pub use prediction::predict;
pub use ruling::{Ruling, State};
pub use view::{Memory, Picture, Served, SizeChange, View};

use crate::record::records::Records;
use crate::record::verdict::{Case, CaseResult, Verdict};

/// Root name of the cases. KAR-0057 names no test; a third-party suite already used this one.
pub const SUITE: &str = "TestPodAutoscaling";

/// Why the requirement does not apply.
const NOT_SERVED: &str = "the platform does not serve autoscaling/v2";

/// The verdict on these records.
#[must_use]
pub fn judge(records: Records<'_>) -> Verdict {
    let bench = Bench::new(records);
    let cases: Vec<Case> = Check::ALL.iter().map(|check| case(&bench, *check)).collect();
    let judged = || cases.iter().filter(|case| case.name != Check::Restored.name());
    let first = |result| judged().find(|case| case.result == result);
    let (result, reason) = if records.is_not_applicable() {
        (CaseResult::NotApplicable, NOT_SERVED.to_owned())
    } else if let Some((_, why)) = records.not_begun() {
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
        restored: bench.rule(Check::Restored).state == State::Holds,
        took_ms: view.took_ms(),
        least_ms: view.times.least_ms(records.scenario.phases.idle_sync_periods),
        cases,
    }
}

fn case(bench: &Bench<'_>, check: Check) -> Case {
    let records = bench.view().records;
    let ruling = match records.not_begun() {
        Some((seen, why)) if !records.is_not_applicable() => Ruling::unclear(why).cite([seen.seq]),
        _ => bench.rule(check),
    };
    let (result, reason) = match ruling.state {
        _ if records.is_not_applicable() => (CaseResult::NotApplicable, NOT_SERVED.to_owned()),
        State::Holds => (CaseResult::Pass, ruling.reason),
        State::Broken => (CaseResult::Fail, ruling.reason),
        State::Unclear => (CaseResult::Inconclusive, ruling.reason),
        State::Open => (CaseResult::Inconclusive, format!("the run ended before it could be told: {}", ruling.reason)),
    };
    let moments = || ruling.cites.iter().filter_map(|seq| bench.view().at_ms(*seq));
    let span_ms = moments().min().zip(moments().max()).map(|(from, to)| [from, to]);
    Case {
        name: check.name().to_owned(),
        result,
        reason,
        cites: ruling.cites.clone(),
        span_ms,
        findings: ruling.findings,
    }
}
