//! Figures that no run can have: whoever writes them wants to see arithmetic go wrong. The checks may then take every
//! figure for one that was measured.

use std::collections::BTreeMap;

use crate::model::inventory::Inventory;
use crate::model::journal::JournalEntry;
use crate::model::observation::{Observation, ObservationKind};

/// Milliseconds of a run's clock at most: a year.
const MAX_MS: u64 = 366 * 24 * 3600 * 1000;
/// Milliseconds between two clocks at most: as far as one that was never set is off.
const MAX_SKEW_MS: u64 = 200 * MAX_MS;
/// Replicas, restarts and the like at most: far more than a cluster holds.
const MAX_COUNT: u32 = 10_000_000;
/// Amount of an extended resource at most: thousands of nodes of it can be summed.
const MAX_AMOUNT: u64 = 1 << 48;
/// Changes of a run at most.
const MAX_CHANGES: u32 = 1_000_000;

/// What is wrong with an observation's figures.
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
        return Err(format!("{count} is no number of replicas"));
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
            Err("the two clocks are further apart than any are".to_owned())
        }
        ObservationKind::ClockSkew(skew) if skew.low_ms > skew.high_ms => Err("lowMs is above highMs".to_owned()),
        _ => Ok(()),
    }
}

/// What is wrong with the figures of an inventory.
pub(super) fn check_inventory(inventory: &Inventory) -> Result<(), String> {
    inventory.nodes.iter().try_for_each(|node| check_amounts(&node.allocatable))?;
    inventory.accelerators_used.iter().try_for_each(check_amounts)?;
    inventory.charts.values().filter_map(|chart| chart.target_resources.as_ref()).try_for_each(check_amounts)
}

fn check_amounts(resources: &BTreeMap<String, i64>) -> Result<(), String> {
    match resources.values().find(|amount| amount.unsigned_abs() > MAX_AMOUNT) {
        Some(amount) => Err(format!("{amount} is no amount of a resource")),
        None => Ok(()),
    }
}

/// What is wrong with the figures of a line of the journal.
pub(super) fn check_entry(entry: &JournalEntry) -> Result<(), String> {
    if entry.change > MAX_CHANGES {
        return Err(format!("{} is no number of a change", entry.change));
    }
    check_time(entry.at_ms)
}

fn check_time(at_ms: u64) -> Result<(), String> {
    if at_ms > MAX_MS { Err(format!("{at_ms} ms are longer than any run")) } else { Ok(()) }
}
