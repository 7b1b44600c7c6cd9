//! The three logs that the controller keeps in memory for each HPA: ages and numbers, in slot order.
//!
//! The order is that of the slots, which are used again, not that of time. Nothing here knows what time it is: ages
//! count back from the pass in question, and [`Logs::older_by`] lets time go by between two passes.

use std::time::Duration;

/// One slot of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSlot {
    /// How long before this pass it was recorded.
    pub age: Duration,
    /// The size proposed, or by how many replicas the size was changed (absolute).
    pub count: i32,
}

/// The log of changes of size; the controller keeps it only while `spec.behavior` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScaleEvents {
    /// Rises.
    pub ups: Vec<LogSlot>,
    /// Falls, as positive numbers.
    pub downs: Vec<LogSlot>,
}

/// All that the controller remembers of one HPA; lost when the controller starts anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HpaLogs {
    /// Proposals, neither stabilized nor limited. Empty means that no pass has read the scale yet.
    pub recommendations: Vec<LogSlot>,
    /// Changes of size.
    pub events: ScaleEvents,
}

impl HpaLogs {
    /// The same logs when so much more time has gone by.
    #[must_use]
    pub fn older_by(mut self, time: Duration) -> Self {
        let slots = self.recommendations.iter_mut().chain(&mut self.events.ups).chain(&mut self.events.downs);
        for slot in slots {
            slot.age = slot.age.saturating_add(time);
        }
        self
    }
}

/// Writes a number of this pass over the last slot (in slot order) that is older than `keep`, or appends it.
///
/// Source: SCHEMA, behavior step 1, legacy step 1, reconcile step 7.
pub(super) fn record(log: &mut Vec<LogSlot>, count: i32, keep: Duration) {
    let new = LogSlot { age: Duration::ZERO, count };
    match log.iter_mut().rev().find(|slot| slot.age > keep) {
        Some(slot) => *slot = new,
        None => log.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(slots: &[(u64, i32)]) -> Vec<LogSlot> {
        slots.iter().map(|&(age, count)| LogSlot { age: Duration::from_secs(age), count }).collect()
    }

    #[test]
    fn the_last_old_slot_is_used_again_and_one_exactly_at_the_edge_is_not_old() {
        let keep = Duration::from_secs(300);
        let mut old = log(&[(400, 1), (301, 2), (300, 3)]);
        record(&mut old, 9, keep);
        assert_eq!(old, log(&[(400, 1), (0, 9), (300, 3)]));
        let mut young = log(&[(300, 3)]);
        record(&mut young, 9, keep);
        assert_eq!(young, log(&[(300, 3), (0, 9)]));
    }
}
