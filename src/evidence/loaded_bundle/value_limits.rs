//! Limits of the numbers in a bundle. A number beyond them was not measured, and could overflow the arithmetic of the checks.

use std::collections::BTreeMap;

use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::scenario::Scenario;
use crate::model::scenario_limits::{self, OutOfRange};

/// Largest time of a run's clock, milliseconds: a year.
const MAX_MS: u64 = 366 * 24 * 3600 * 1000;
/// Largest skew of two clocks, milliseconds: that of a clock that was never set.
const MAX_SKEW_MS: u64 = 200 * MAX_MS;
/// Largest count of replicas, restarts and so on: far more than a cluster has.
const MAX_COUNT: u32 = 10_000_000;
/// Largest amount of an extended resource of a node: the amounts of thousands of nodes can be added.
const MAX_AMOUNT: u64 = 1 << 48;
/// Most changes of a run.
const MAX_CHANGES: u32 = 1_000_000;

/// Checks the numbers of an observation.
pub(super) fn check_observation(observation: &Observation) -> Result<(), String> {
    let counts: Vec<i32> = match &observation.kind {
        ObservationKind::Workload(seen) => vec![seen.spec_replicas, seen.replicas, seen.ready_replicas],
        ObservationKind::Hpa(seen) => {
            vec![seen.min_replicas, seen.max_replicas, seen.desired_replicas, seen.current_replicas.unwrap_or(0)]
        }
        ObservationKind::Pod(seen) => vec![seen.restarts],
        _ => Vec::new(),
    };
    if let Some(count) = counts.into_iter().find(|count| count.unsigned_abs() > MAX_COUNT) {
        return Err(format!("{count} is out of range for replicas"));
    }
    match &observation.kind {
        ObservationKind::Pod(seen) => check_amounts(&seen.extended_resources)?,
        ObservationKind::Node(seen) => check_amounts(&seen.allocatable)?,
        _ => {}
    }
    let earlier = match &observation.kind {
        ObservationKind::Metric(reading) => reading.requested_ms,
        ObservationKind::Probe(probe) => probe.began_ms,
        ObservationKind::Gap(gap) => gap.from_ms,
        _ => 0,
    };
    check_time(observation.at_ms.max(earlier))?;
    match &observation.kind {
        ObservationKind::ClockSkew(skew)
            if skew.low_ms.unsigned_abs().max(skew.high_ms.unsigned_abs()) > MAX_SKEW_MS =>
        {
            Err("the clock skew is out of range".to_owned())
        }
        ObservationKind::ClockSkew(skew) if skew.low_ms > skew.high_ms => Err("lowMs is above highMs".to_owned()),
        _ => Ok(()),
    }
}

/// Checks the numbers of a scenario by the table of the scenario files, and the lists of its profile.
pub(super) fn check_scenario(scenario: &Scenario) -> Result<(), String> {
    if let Some(OutOfRange { field, message, .. }) = scenario_limits::find_out_of_range(scenario).into_iter().next() {
        return Err(format!("{field}: {message}"));
    }
    match &scenario.metric.profile {
        Some(profile) if profile.has_endless_list() => Err("a list of metric.profile is too long".to_owned()),
        _ => Ok(()),
    }
}

/// Checks the numbers of an inventory.
pub(super) fn check_inventory(inventory: &Inventory) -> Result<(), String> {
    inventory.nodes.iter().try_for_each(|node| check_amounts(&node.allocatable))?;
    inventory.accelerators_used.iter().try_for_each(check_amounts)?;
    inventory.charts.values().filter_map(|chart| chart.target_resources.as_ref()).try_for_each(check_amounts)
}

fn check_amounts(resources: &BTreeMap<String, i64>) -> Result<(), String> {
    match resources.values().find(|amount| amount.unsigned_abs() > MAX_AMOUNT) {
        Some(amount) => Err(format!("{amount} is out of range for a resource")),
        None => Ok(()),
    }
}

/// Checks the numbers of a line of the journal.
pub(super) fn check_entry(entry: &JournalEntry) -> Result<(), String> {
    if entry.change > MAX_CHANGES {
        return Err(format!("{} is out of range for a change", entry.change));
    }
    check_time(entry.at_ms)
}

fn check_time(at_ms: u64) -> Result<(), String> {
    if at_ms > MAX_MS { Err(format!("{at_ms} ms is out of range")) } else { Ok(()) }
}
