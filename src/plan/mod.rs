//! Scenario + inventory → plan: the changes of a run, whether it can pass, and the time bounds of its phases. Planning is pure;
//! only the survey reads the cluster, and it changes nothing.

mod adapter_rule;
mod adoption;
mod api_services;
mod capacity;
mod changes;
mod chart_models;
mod claims;
mod double_average;
mod foreign_hpa;
mod hpa_preflight;
mod install_preflight;
mod lease;
mod metric_direction;
mod mig;
mod offline;
mod permissions;
mod preflight;
mod preflight_error;
mod pulls;
mod rendered_chart;
mod shared_accelerators;
mod survey;
mod trigger_query;

pub(crate) use adoption::is_adopted;
pub(crate) use offline::knows_target;
pub(crate) use survey::{SurveyError, read_adopted_hpa, survey, survey_offline};

use crate::bounds::TimingModel;
use crate::hpa;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::plan::{Plan, TimeBound};
use crate::model::revision::RULES;
use crate::model::scenario::Scenario;

/// The plan of the run with this id. Checks that need facts of a cluster are left out of a plan without one.
#[must_use]
pub fn plan(scenario: &Scenario, inventory: &Inventory, run: &str) -> Plan {
    let spec = &scenario.hpa.spec;
    let min = spec.min_replicas.unwrap_or(1);
    let expect = scenario.expect.replicas.unwrap_or(min + 1);
    // The skew of the clocks is measured during the run; no bound of a plan needs it.
    let times = TimingModel::new(scenario, inventory, hpa::behavior_times(scenario), 0);
    let periods = scenario.phases.baseline_sync_periods;
    let metric = MetricUnderTest::from_scenario(scenario);
    let bounds = vec![
        times.metric_served(),
        times.hpa_active(),
        times.baseline(periods),
        times.metric_follows_load(),
        times.metric_sustained(),
        times.scale_up(),
        times.pod_start(),
        times.traffic_visible(),
        times.hold(),
        times.metric_falls_back(),
        times.scale_down(),
    ];
    // Scale-up and hold may wait again for a metric that disappeared, scale-up for one that the first new pods interrupt, and hold
    // for more connections.
    let repeated = [
        times.metric_served(),
        times.metric_served(),
        times.pod_start(),
        times.metric_follows_load(),
        times.hold(),
        times.new_connections(),
    ];
    let longest = bounds.iter().chain(&repeated).map(TimeBound::lenient_ms).sum::<u64>();
    let mut plan = Plan {
        rules: RULES,
        run: run.to_owned(),
        hpa: hpa_name(scenario, run),
        service: run_object_name(run),
        lease: lease::name(scenario),
        reachable_replicas: capacity::reachable_replicas(scenario, metric.as_ref()),
        metric,
        expected_replicas: expect,
        accelerators: capacity::accelerator_capacity(scenario, inventory),
        min_duration_ms: times.min_duration_ms(periods),
        likely_duration_ms: times.likely_duration_ms(periods),
        max_duration_ms: longest + scenario.phases.install_timeout.ms() + scenario.phases.cleanup_timeout.ms(),
        bounds,
        ..Plan::default()
    };
    plan.changes = changes::list_changes(scenario, inventory, &plan);
    plan.errors = preflight::errors(scenario, inventory, &plan);
    plan.warnings = preflight::warnings(scenario, inventory, &plan, &times);
    plan.warnings.extend(hpa_preflight::warnings(scenario, inventory, plan.metric.as_ref()));
    plan.warnings.extend(adapter_rule::warnings(scenario, inventory, plan.metric.as_ref()));
    plan.warnings.extend(trigger_query::warnings(scenario, inventory, plan.metric.as_ref()));
    plan.warnings.extend(metric_direction::warnings(scenario, plan.metric.as_ref()));
    plan.warnings.extend(pulls::warnings(scenario, inventory));
    plan.pulls = pulls::list(scenario, inventory);
    plan.not_looked_at = offline::not_looked_at(scenario, inventory);
    plan.warnings.extend(shared_accelerators::warnings(scenario, inventory, &plan));
    plan.warnings.extend(mig::warning(scenario, inventory, &plan));
    plan
}

/// Name of the HPA under test.
fn hpa_name(scenario: &Scenario, run: &str) -> String {
    match scenario.hpa_source() {
        HpaSource::Applied => run_object_name(run),
        HpaSource::Adopted(name) => name.to_owned(),
        HpaSource::ScaledObject => hpa::scaled_object_hpa_name(&run_object_name(run)),
    }
}

/// Name of the HPA, the ScaledObject and the Service of a run. Unique per run: the controller keeps recommendations by the HPA's name, and an HPA
/// created again under an old name would inherit them.
#[must_use]
pub(crate) fn run_object_name(run: &str) -> String {
    format!("gpuhpa-{run}")
}
