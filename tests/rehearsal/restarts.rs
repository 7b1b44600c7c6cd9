//! Restarts of the controller manager in a fall of several steps: the new process begins its stabilization window anew,
//! which the platform may do at any time.

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::sim::config::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, SimConfig};
use gpuhpa::units::HumanDuration;

use super::runner::{built_in_scenario, collect_failures, rehearse_with_timeout};

/// The built-in scenario with a fall of one pod each 15 s and a window of two minutes.
fn stepwise_fall() -> Scenario {
    let mut scenario = built_in_scenario();
    let rules = scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_down.as_mut());
    let rules = rules.expect("the built-in scenario sets scaleDown");
    let policies = serde_json::json!([{"type": "Pods", "value": 1, "periodSeconds": 15}]);
    rules.policies = serde_json::from_value(policies).expect("policies");
    rules.stabilization_window_seconds = Some(120);
    scenario
}

#[test]
fn a_controller_that_restarts_in_a_fall_of_several_steps_never_ends_in_a_fail() {
    let scenario = stepwise_fall();
    // Seconds after the first step; the second step is due 15 s after it.
    let cases: [(&[u64], bool); 3] = [(&[1], true), (&[1, 100], true), (&[1, 61, 121, 181, 241, 301, 361, 421], false)];
    let failures = collect_failures("restarts", 3 * cases.len() as u64, |number, dir| {
        let (restarts, passes) = cases[usize::try_from(number).expect("small") % cases.len()];
        let mut config = SimConfig { seed: number, ..SimConfig::from_scenario(&scenario, number) };
        config.controllers.injections = restarts
            .iter()
            .map(|seconds| ClusterInjection {
                time: InjectionTime {
                    trigger: InjectionTrigger::FirstScaleDown,
                    after: HumanDuration::from_secs(*seconds),
                },
                action: InjectionAction::ManagerRestart,
            })
            .collect();
        let outcome = rehearse_with_timeout(config, &scenario, dir);
        std::fs::remove_dir_all(dir).expect("the directory");
        let Some(outcome) = outcome else { return Some(format!("seed {number}: the run timed out")) };
        let verdict = outcome.verdict;
        let is_expected = match (passes, verdict.result) {
            (true, result) => result == CaseResult::Pass,
            (false, result) => {
                result == CaseResult::Inconclusive && verdict.reason.contains("the controller manager restarted")
            }
        };
        (!is_expected).then(|| format!("seed {number}, {restarts:?}: {}: {}", verdict.title(), verdict.reason))
    });
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
