//! The HPA that the cluster holds against the one that was applied.

use super::run_fixture::{FALL, RISE, RunFixture, SCALED_TO_3, healthy, phase_began, recorded};
use crate::judge::Check::{self, AutoscalerActive, MetricFollowsLoad};
use crate::model::observation::{HpaMetricStatus, ObservationKind, Phase};
use crate::model::scenario::Scenario;
use crate::model::verdict::CaseResult;

/// The run with the spec of its scenario recorded, after a webhook or the API server has made this change to it.
fn stored_as(run: RunFixture, change: impl Fn(&mut Scenario)) -> RunFixture {
    let mut stored = run.scenario.clone();
    change(&mut stored);
    let (spec, mut is_first) = (Box::new(stored.hpa.spec), true);
    run.hpas(move |_, hpa| {
        (hpa.min_replicas, hpa.max_replicas) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
        // Recorded once, as the observer does.
        hpa.spec = Some(spec.clone()).filter(|_| std::mem::take(&mut is_first));
    })
}

fn target(scenario: &mut Scenario, value: &str) {
    let metric = scenario.hpa.spec.metrics.as_mut().and_then(|all| all[0].pods.as_mut()).unwrap();
    metric.target.average_value.as_mut().unwrap().0 = value.to_owned();
}

#[test]
fn a_run_on_the_applied_hpa_passes_with_and_without_the_record_of_its_spec() {
    healthy().assert_passes(AutoscalerActive, "ScalingActive=True/ValidMetricFound");
    let recorded = stored_as(healthy(), |scenario| {
        // What the API server stores of the same spec.
        scenario.hpa.spec.min_replicas = Some(1);
        target(scenario, "60000m");
    });
    recorded.assert_passes(AutoscalerActive, "ScalingActive=True/ValidMetricFound");
}

#[test]
fn another_target_than_the_applied_one_is_no_pass() {
    let run = stored_as(healthy().scenario(|scenario| target(scenario, "30")), |scenario| target(scenario, "85"));
    run.assert_inconclusive(
        AutoscalerActive,
        "the HPA is not what was applied: metrics.0.pods.target.averageValue is 85 (applied: 30)",
    );
    run.assert_inconclusive(Check::DecisionsExplained, "prerequisite Setup/AutoscalerActive");
    let run = stored_as(healthy(), |scenario| scenario.hpa.spec.max_replicas = 5);
    run.assert_inconclusive(AutoscalerActive, "maxReplicas is 5 (applied: 3)");
}

#[test]
fn a_tolerance_that_the_api_server_dropped_is_no_fault_of_its_controller() {
    // 78 of 60 lies inside the stated tolerance, and outside the controller's own.
    let stated = |scenario: &mut Scenario| {
        let rules = scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_up.as_mut()).unwrap();
        rules.tolerance = Some(serde_json::from_str("\"900m\"").unwrap());
    };
    let dropped = |scenario: &mut Scenario| {
        scenario.hpa.spec.behavior.as_mut().and_then(|behavior| behavior.scale_up.as_mut()).unwrap().tolerance = None;
    };
    let run = stored_as(healthy().scenario(stated), dropped);
    run.assert_inconclusive(
        AutoscalerActive,
        "behavior.scaleUp.tolerance is missing (applied: 0.9); an API server before",
    );
    let unrecorded = healthy().scenario(stated).verdict();
    assert_ne!(unrecorded.result, CaseResult::Pass, "without the record it is judged as before: {}", unrecorded.reason);
}

#[test]
fn an_hpa_that_is_changed_during_the_run_is_no_pass() {
    let mut other = healthy().scenario.hpa.spec;
    let metrics = other.metrics.as_mut().unwrap();
    metrics.push(metrics[0].clone());
    let run = stored_as(healthy(), |_| ()).hpas(|at, hpa| {
        if at >= RISE {
            hpa.spec = Some(Box::new(other.clone()));
        }
    });
    run.assert_inconclusive(AutoscalerActive, "metrics.1 was added (Pods gpu_utilization)");
    let fails = stored_as(recorded("hpa-controller-off"), |_| ());
    fails.assert_fails(AutoscalerActive, "no controller has written a condition");
}

#[test]
fn a_metric_of_the_status_that_the_scenario_does_not_have_is_no_pass_in_an_old_bundle_either() {
    let run = healthy().hpas(|at, hpa| {
        if at >= RISE {
            hpa.current_metrics.push(HpaMetricStatus {
                kind: "Resource".to_owned(),
                name: "cpu".to_owned(),
                ..HpaMetricStatus::default()
            });
        }
    });
    run.assert_inconclusive(AutoscalerActive, "its status reports Resource cpu, which the scenario does not have");
}

#[test]
fn statuses_without_a_value_of_the_metric_until_the_load_ends_contradict_themselves() {
    let emptied = |from_ms: u64, to_ms: u64| {
        healthy().hpas(move |at, hpa| {
            if (from_ms..to_ms).contains(&at) {
                hpa.current_metrics.clear();
            }
        })
    };
    emptied(SCALED_TO_3, FALL).assert_inconclusive(
        MetricFollowsLoad,
        "the HPA's status says ScalingActive=True/ValidMetricFound and has no value of the Pods metric gpu_utilization",
    );
    // A single status is a moment.
    emptied(66_000, FALL).assert_passes(MetricFollowsLoad, "under load the metric recommends at least");
    // A controller that could not read the metric says so.
    let inactive = emptied(SCALED_TO_3, FALL).hpas(|at, hpa| {
        if (SCALED_TO_3..FALL).contains(&at) {
            hpa.conditions.iter_mut().filter(|c| c.kind == "ScalingActive").for_each(|c| c.status = "False".to_owned());
        }
    });
    assert!(!inactive.evaluate(MetricFollowsLoad).reason.contains("contradict"));
}

#[test]
fn a_run_that_ends_before_its_hpa_names_what_could_not_be_read() {
    let mut run = healthy().without(|o| matches!(o.kind, ObservationKind::Hpa(_)) || o.at_ms > 10_700);
    run.journal.retain(|entry| entry.change < 5);
    let run = run.gap("pods", 6_000, 10_600).with_observation(10_800, phase_began(Phase::Cleanup));
    run.assert_inconclusive(
        AutoscalerActive,
        "the HPA is not created yet: the run ended in phase metric; pods could not be read",
    );
}
