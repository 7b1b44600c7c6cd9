//! Sums of the replica changes, so that the changes of a period are added up without a look at each of them.

use std::ops::Range;

use super::{RunView, SizeChange};
use crate::bounds::SLACK;

/// The replica changes in one direction.
#[derive(Debug, Default)]
struct DirectionTotals {
    /// Replicas of the first N changes that are writes to the scale subresource.
    written: Vec<i64>,
    /// Replicas of the first N changes that a status of the run's HPA confirms.
    confirmed: Vec<i64>,
}

/// The replica changes of a run, in their order.
#[derive(Debug, Default)]
pub(super) struct ChangeTotals {
    ups: DirectionTotals,
    downs: DirectionTotals,
    /// The earliest time of each change, milliseconds. It never goes back: a change is at most as late as those after it.
    earliest_ms: Vec<u64>,
}

/// Which changes are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountedChanges {
    /// Every write to the scale subresource.
    Written,
    /// Those that a status of the run's HPA confirms.
    Confirmed,
}

impl RunView<'_> {
    /// Replicas of the changes in one direction with these indices.
    pub(crate) fn changed_replicas(&self, up: bool, counted: CountedChanges, indices: Range<usize>) -> i64 {
        let totals = self.change_totals();
        let direction = if up { &totals.ups } else { &totals.downs };
        let sums = if counted == CountedChanges::Written { &direction.written } else { &direction.confirmed };
        let until = |count: usize| count.checked_sub(1).and_then(|last| sums.get(last)).unwrap_or(&0);
        until(indices.end.max(indices.start)) - until(indices.start)
    }

    /// Index of the first replica change that was observed later than `at_ms`.
    pub(crate) fn first_change_after(&self, at_ms: u64) -> usize {
        self.size_changes.partition_point(|change| change.at_ms <= at_ms)
    }

    /// Index of the first replica change that was made at `at_ms` or later, as far as its observation tells.
    pub(crate) fn first_change_made_since(&self, at_ms: u64) -> usize {
        self.change_totals().earliest_ms.partition_point(|earliest| *earliest < at_ms)
    }

    fn change_totals(&self) -> &ChangeTotals {
        self.change_totals.get_or_init(|| self.collect_change_totals())
    }

    fn collect_change_totals(&self) -> ChangeTotals {
        let mut totals = ChangeTotals::default();
        for change in &self.size_changes {
            let confirmed = self.confirming_status(change).is_some();
            for (up, direction) in [(true, &mut totals.ups), (false, &mut totals.downs)] {
                let counts = (change.to > change.from) == up;
                let replicas = i64::from(change.to.abs_diff(change.from));
                let add = |sums: &mut Vec<i64>, is_counted: bool| {
                    sums.push(sums.last().unwrap_or(&0) + if is_counted { replicas } else { 0 });
                };
                add(&mut direction.written, counts && change.is_scale_write());
                add(&mut direction.confirmed, counts && confirmed);
            }
        }
        let earliest = |change: &SizeChange<'_>| self.earliest_ms("workload", change.at_ms).saturating_sub(SLACK.ms());
        totals.earliest_ms = self.size_changes.iter().map(earliest).collect();
        let mut next = u64::MAX;
        for earliest in totals.earliest_ms.iter_mut().rev() {
            next = next.min(*earliest);
            *earliest = next;
        }
        totals
    }
}
