//! The three logs that the controller keeps in memory for each HPA: recommendations, scale-up events and scale-down
//! events.
//!
//! Entries are in slot order, not in the order of time, because the controller reuses slots. Ages count back from the
//! current pass; [`HpaLogs::older_by`] advances the time between two passes.

use std::time::Duration;

/// One slot of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSlot {
    /// Time from the recording to the current pass.
    pub age: Duration,
    /// The recommended replicas, or the absolute change of replicas.
    pub count: i32,
}

/// The logs of replica changes; the controller keeps them only while `spec.behavior` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScaleEvents {
    /// Scale-ups.
    pub ups: Vec<LogSlot>,
    /// Scale-downs, as positive numbers.
    pub downs: Vec<LogSlot>,
}

/// Everything that the controller keeps in memory for one HPA. A restart of the controller loses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HpaLogs {
    /// Proposals before stabilization and limits. Empty until a pass has read the scale.
    pub recommendations: Vec<LogSlot>,
    /// Replica changes.
    pub events: ScaleEvents,
}

impl HpaLogs {
    /// The logs after another `time` has passed.
    #[must_use]
    pub(crate) fn older_by(mut self, time: Duration) -> Self {
        let slots = self.recommendations.iter_mut().chain(&mut self.events.ups).chain(&mut self.events.downs);
        for slot in slots {
            slot.age = slot.age.saturating_add(time);
        }
        self
    }
}

/// Records a value of the current pass: overwrites the last slot (in slot order) that is older than `keep`, else
/// appends.
///
/// Source: SCHEMA.md, behavior step 1, legacy step 1, reconcile step 7.
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
    fn the_last_old_slot_is_reused_and_one_exactly_at_the_limit_is_not_old() {
        let keep = Duration::from_secs(300);
        let mut old = log(&[(400, 1), (301, 2), (300, 3)]);
        record(&mut old, 9, keep);
        assert_eq!(old, log(&[(400, 1), (0, 9), (300, 3)]));
        let mut young = log(&[(300, 3)]);
        record(&mut young, 9, keep);
        assert_eq!(young, log(&[(300, 3), (0, 9)]));
    }
}
