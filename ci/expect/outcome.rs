//! How a run ended, compared with its row.

use gpuhpa::judge::Check;
use gpuhpa::scenario;

use crate::cases::{ExpectedOutcome, RigCase};
use crate::findings::Findings;
use crate::rig_run::RigRun;

/// Compares exit code, scenario, deciding case and clean-up.
pub(crate) fn check_outcome(run: &RigRun, case: &RigCase, exit_code: i32, findings: &mut Findings) {
    findings.expect(case.exit_codes.contains(&exit_code), || format!("exit code {exit_code}; expected is {case}"));
    let is_refused = |words: &String| run.changed_nothing() && run.output.contains(words);
    let is_met = run.verdict().is_some_and(|verdict| case.is_met_by(verdict))
        || case
            .outcomes
            .iter()
            .any(|outcome| matches!(outcome, ExpectedOutcome::Refused { words } if is_refused(words)));
    findings.expect(is_met, || format!("ended with {}; expected is {case}", run.ended()));
    let Some(bundle) = &run.bundle else { return };
    match scenario::load(&case.scenarios, None) {
        Ok(scenario) => findings.expect(scenario.name == bundle.scenario.name, || {
            format!("scenario {}; the row has {}", bundle.scenario.name, scenario.name)
        }),
        Err(error) => findings.differences.push(error.to_string()),
    }
    let Some(verdict) = &bundle.verdict else {
        findings.differences.push("the bundle has no verdict.json".to_owned());
        return;
    };
    findings.expect(verdict.restored, || "the clean-up did not remove every object of the run".to_owned());
    let names: Vec<&str> = verdict.cases.iter().map(|case| case.name.as_str()).collect();
    findings.expect(names.iter().copied().eq(Check::all().map(Check::name)), || {
        format!("verdict.json has the cases {}", names.join(", "))
    });
}
