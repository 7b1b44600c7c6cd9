//! Scenario + inventory → plan: what a run would do, whether it can pass at all, and how long its parts may take.
//! Planning is pure; only the survey asks the cluster, and it changes nothing.

mod capacity;
mod changes;
mod claim;
mod foreseen;
mod obstacles;
mod refusals;
mod rendered;
mod rights;
mod survey;
mod twice_divided;

pub use rendered::read_rendered;
pub use survey::{SurveyError, survey};

use crate::bounds::Times;
use crate::hpa;
use crate::record::inventory::Inventory;
use crate::record::plan::{Bound, Plan};
use crate::record::scenario::Scenario;

/// The plan of the run with this id.
#[must_use]
pub fn plan(scenario: &Scenario, inventory: &Inventory, run: &str) -> Plan {
    let spec = &scenario.hpa.spec;
    let min = spec.min_replicas.unwrap_or(1);
    let expect = scenario.expect.replicas.unwrap_or(min + 1);
    // The skew of the clocks is measured during the run; no bound of a plan needs it.
    let times = Times::of(scenario, hpa::spec_times(scenario), 0);
    let periods = scenario.phases.idle_sync_periods;
    let bounds = vec![
        times.served(),
        times.active(),
        times.idle(periods),
        times.follows(),
        times.sustained(),
        times.rise(),
        times.pod_start(),
        times.traffic(),
        times.hold(),
        times.falls_back(),
        times.fall(),
    ];
    // Rise and hold wait once more for the metric, should it go away, and for connections, should they be few.
    let again = [times.served(), times.served(), times.hold(), times.connections()];
    let longest = bounds.iter().chain(&again).map(Bound::generous_ms).sum::<u64>();
    let mut plan = Plan {
        run: run.to_owned(),
        hpa: object_name(run),
        service: object_name(run),
        claim: claim::name(scenario),
        reachable: capacity::reachable(scenario),
        expect,
        accelerators: capacity::capacity(scenario, inventory),
        least_ms: times.least_ms(periods),
        longest_ms: longest + scenario.phases.install.ms() + scenario.phases.cleanup.ms(),
        bounds,
        ..Plan::default()
    };
    plan.changes = changes::changes(scenario, inventory, &plan);
    plan.refusals = refusals::refusals(scenario, inventory, &plan);
    plan.warnings = refusals::warnings(scenario, inventory, &plan, &times);
    plan.warnings.extend(foreseen::foreseen(scenario, inventory));
    plan
}

/// Name of the objects that a run makes. An HPA made again under an old name would inherit the old one's memory.
#[must_use]
pub fn object_name(run: &str) -> String {
    format!("gpuhpa-{run}")
}

/// True when this release is used as it stands: it is there already, or somebody else serves what it would serve, and
/// the scenario says adopt.
#[must_use]
pub fn is_adopted(scenario: &Scenario, inventory: &Inventory, name: &str) -> bool {
    use crate::record::scenario::IfExists;
    let adopt = scenario.releases.get(name).is_some_and(|release| release.if_exists == IfExists::Adopt);
    adopt && (inventory.releases.contains_key(name) || refusals::taken_api(inventory, name).is_some())
}
