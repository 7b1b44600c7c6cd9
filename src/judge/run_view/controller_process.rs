//! The process that runs the HPA controller, by the Lease of the controller manager. A new process has forgotten every
//! recommendation and scale event, so it begins its stabilization windows anew, and a bound of its reaction with them.

use super::RunView;
use super::gaps::LEASE_STALE_MS;
use crate::judge::check_result::format_ms;
use crate::model::observation::LeaderSnapshot;
use crate::model::plan::{BoundName, TimeBound};

/// The restarts that extend a bound. A controller manager that restarts more often may never act, which says nothing
/// about the HPA; each restart also takes the blame off.
const MAX_EXTENSIONS: usize = 3;

/// A process of the controller manager that took over from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ControllerRestart {
    /// When its Lease was observed.
    pub(crate) at_ms: u64,
    /// Sequence number of that observation.
    pub(crate) seq: u64,
}

/// For how long the records show one process of the controller manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControllerProcess {
    /// The process is the same since this observation of its Lease.
    Since(ControllerRestart),
    /// The Lease could not be read, or is not renewed: any number of processes may have followed each other.
    NotSeen,
}

impl RunView<'_> {
    /// The processes that took over while the Lease was watched, in order.
    pub(crate) fn controller_restarts(&self) -> impl Iterator<Item = ControllerRestart> {
        let pairs = self.leaders.iter().zip(self.leaders.iter().skip(1));
        let new = pairs.filter(|((_, before), (_, now))| !is_same_process(before, now) && !now.holder.is_empty());
        new.map(|(_, (o, _))| ControllerRestart { at_ms: o.at_ms, seq: o.seq })
    }

    /// The process that ran at a time, and since when it certainly did. A gap between two observations of one holder
    /// hides no restart, since each process has an identity of its own.
    pub(crate) fn controller_process(&self, at_ms: u64) -> ControllerProcess {
        let known = self.leaders.partition_point(|(o, _)| o.at_ms <= at_ms);
        let Some((last, holder)) = known.checked_sub(1).and_then(|index| self.leaders.get(index)) else {
            return ControllerProcess::NotSeen;
        };
        let (before, after) = self.leaders.split_at(known);
        let same = || before.iter().rev().take_while(|(_, leader)| is_same_process(leader, holder));
        let is_seen_again = after.first().is_some_and(|(_, leader)| is_same_process(leader, holder));
        let is_in_sight = is_seen_again || !self.has_gap("leader", last.at_ms, at_ms);
        // The Lease may be left over from a controller manager that elects no leader.
        let is_in_use = same().any(|(o, leader)| {
            let renewed = leader.renewed.and_then(|renewed| self.to_run_clock(renewed));
            renewed.is_some_and(|(from, _)| from + LEASE_STALE_MS >= i64::try_from(o.at_ms).unwrap_or(i64::MAX))
        });
        match same().last() {
            Some((first, _)) if is_in_sight && is_in_use => {
                ControllerProcess::Since(ControllerRestart { at_ms: first.at_ms, seq: first.seq })
            }
            _ => ControllerProcess::NotSeen,
        }
    }

    /// A bound of the controller's reaction from `from_ms` on, with the restarts in it until `until_ms`, each of which
    /// begins the controller's part of it anew.
    pub(crate) fn bound_with_restarts(&self, bound: TimeBound, from_ms: u64, until_ms: u64) -> TimeBound {
        let in_wait = self.controller_restarts().filter(|one| (from_ms + 1..=until_ms).contains(&one.at_ms));
        in_wait.take(MAX_EXTENSIONS).fold(bound, |bound, restart| {
            let after_ms = restart.at_ms - from_ms;
            let again = self.times.after_restart(bound.name.clone(), after_ms);
            let extends = after_ms <= bound.total_ms() && again.lenient_ms() > bound.lenient_ms();
            if extends { again } else { bound }
        })
    }

    /// What a restart that was not seen may add to a scale-down: one window, doubled where it is assumed.
    pub(crate) fn unseen_restart_ms(&self) -> u64 {
        TimeBound { name: BoundName::ScaleDown, terms: vec![self.times.down_window.clone()] }.lenient_ms()
    }

    /// Why a wait of the controller until `until_ms` does not count in full: another process took over in it, or may
    /// have. The wait counts from `from_ms` and must have `needed_ms`; `window_ms` is what one restart adds where none
    /// would be seen.
    pub(crate) fn find_restart_in_wait(
        &self,
        (from_ms, until_ms): (u64, u64),
        needed_ms: u64,
        window_ms: u64,
    ) -> Option<(String, Option<u64>)> {
        let waited_ms = |since: u64| until_ms.saturating_sub(since.max(from_ms));
        match self.controller_process(until_ms) {
            ControllerProcess::Since(seen) if waited_ms(seen.at_ms) < needed_ms => {
                let restarts = self.controller_restarts().any(|restart| restart == seen);
                let text = match restarts {
                    true => "the controller manager restarted",
                    false => "the Lease of the controller manager was first seen",
                };
                Some((
                    format!(
                        "{text} {} before, and a new process begins its stabilization window anew, for which {} are allowed",
                        format_ms(until_ms.saturating_sub(seen.at_ms)),
                        format_ms(needed_ms)
                    ),
                    Some(seen.seq),
                ))
            }
            ControllerProcess::NotSeen if waited_ms(from_ms) < needed_ms + window_ms => Some((
                format!(
                    "the Lease of the controller manager shows no process for that time; one that restarted unseen begins its stabilization window anew, for which {} are allowed",
                    format_ms(needed_ms + window_ms)
                ),
                None,
            )),
            _ => None,
        }
    }
}

fn is_same_process(one: &LeaderSnapshot, other: &LeaderSnapshot) -> bool {
    (&one.holder, one.transitions) == (&other.holder, other.transitions)
}
