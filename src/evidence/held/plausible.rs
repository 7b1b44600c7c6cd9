//! Figures that no run can have: whoever writes them wants to see arithmetic go wrong. The checks may then take every
//! figure for one that was measured.

use std::collections::BTreeMap;

use crate::record::inventory::Inventory;
use crate::record::journal::Entry;
use crate::record::observation::{Observation, Seen};

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
pub(super) fn observation(observation: &Observation) -> Result<(), String> {
    let counts: Vec<i32> = match &observation.seen {
        Seen::Workload(seen) => vec![seen.spec_replicas, seen.replicas, seen.ready],
        Seen::Hpa(seen) => vec![seen.min, seen.max, seen.desired, seen.current.unwrap_or(0)],
        Seen::Pod(seen) => vec![seen.restarts],
        _ => Vec::new(),
    };
    if let Some(count) = counts.into_iter().find(|count| count.unsigned_abs() > MAX_COUNT) {
        return Err(format!("{count} is no number of replicas"));
    }
    match &observation.seen {
        Seen::Pod(seen) => amounts(&seen.resources)?,
        Seen::Node(seen) => amounts(&seen.allocatable)?,
        _ => {}
    }
    let earlier = match &observation.seen {
        Seen::Metric(reading) => reading.asked_ms,
        Seen::Probe(probe) => probe.began_ms,
        Seen::Gap(gap) => gap.from_ms,
        _ => 0,
    };
    moment(observation.at_ms.max(earlier))?;
    match &observation.seen {
        Seen::Skew(skew) if skew.low_ms.unsigned_abs().max(skew.high_ms.unsigned_abs()) > MAX_SKEW_MS => {
            Err("the two clocks are further apart than any are".to_owned())
        }
        Seen::Skew(skew) if skew.low_ms > skew.high_ms => Err("lowMs is above highMs".to_owned()),
        _ => Ok(()),
    }
}

/// What is wrong with the figures of an inventory.
pub(super) fn inventory(inventory: &Inventory) -> Result<(), String> {
    inventory.nodes.iter().try_for_each(|node| amounts(&node.allocatable))?;
    inventory.accelerators_used.iter().try_for_each(amounts)?;
    inventory.charts.values().filter_map(|chart| chart.target_resources.as_ref()).try_for_each(amounts)
}

fn amounts(resources: &BTreeMap<String, i64>) -> Result<(), String> {
    match resources.values().find(|amount| amount.unsigned_abs() > MAX_AMOUNT) {
        Some(amount) => Err(format!("{amount} is no amount of a resource")),
        None => Ok(()),
    }
}

/// What is wrong with the figures of a line of the journal.
pub(super) fn entry(entry: &Entry) -> Result<(), String> {
    if entry.change > MAX_CHANGES {
        return Err(format!("{} is no number of a change", entry.change));
    }
    moment(entry.at_ms)
}

fn moment(at_ms: u64) -> Result<(), String> {
    if at_ms > MAX_MS { Err(format!("{at_ms} ms are longer than any run")) } else { Ok(()) }
}
