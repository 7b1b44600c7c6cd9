//! Restarts of the controller manager: a new process begins its stabilization windows anew.

use super::run_fixture::{FALL, RunFixture, slow_metric};
use super::scale_down::stays_up;
use super::scale_up::stays_at_one;
use crate::judge::{Check, CheckStatus};
use crate::model::observation::ObservationKind;

use Check::{ReplicasFall, ReplicasRise};

/// Processes of the controller manager, each with the time at which its Lease is first seen; each renews it every minute.
fn with_processes(run: RunFixture, processes: &[(u64, &str)]) -> RunFixture {
    let end = run.timeline.last().map_or(0, |o| o.at_ms);
    processes.iter().enumerate().fold(run, |run, (index, (from, holder))| {
        let until = processes.get(index + 1).map_or(end, |(next, _)| *next);
        (*from..until).step_by(60_000).fold(run, |run, at| run.with_leader_from(at, holder))
    })
}

#[test]
fn a_controller_that_never_scales_down_fails_only_if_one_process_had_the_whole_time() {
    let one = with_processes(stays_up(), &[(0, "a")]);
    one.assert_fails(ReplicasFall, "still had 3 replicas");
    // The new process had its window, and more than that.
    with_processes(stays_up(), &[(0, "a"), (FALL + 40_000, "b")]).assert_fails(ReplicasFall, "still had 3 replicas");
    let late = with_processes(stays_up(), &[(0, "a"), (FALL + 80_000, "b")]);
    late.assert_inconclusive(ReplicasFall, "the controller manager restarted 44.");
    let often: Vec<(u64, &str)> = (0..12).map(|n| (n * 15_000, if n % 2 == 0 { "a" } else { "b" })).collect();
    with_processes(stays_up(), &often).assert_inconclusive(ReplicasFall, "the controller manager restarted");
}

#[test]
fn a_restart_that_was_not_observed_gets_one_window() {
    // 124 s after the load's end; 55 s are allowed, and a window of 30 s where no Lease is seen.
    stays_up().assert_fails(ReplicasFall, "still had 3 replicas");
    let end = FALL + 84_000;
    stays_up().ended_at(end).assert_inconclusive(ReplicasFall, "the Lease of the controller manager shows no process");
    with_processes(stays_up(), &[(0, "a")]).ended_at(end).assert_fails(ReplicasFall, "still had 3 replicas");
    // The Lease was not watched at the end; a gap between two observations of one holder hides nothing.
    let gap = |from, to| with_processes(stays_up(), &[(0, "a")]).gap("leader", from, to);
    gap(FALL, end - 1).ended_at(end).assert_inconclusive(ReplicasFall, "shows no process");
    gap(FALL, FALL + 30_000).ended_at(end).assert_fails(ReplicasFall, "still had 3 replicas");
    // A Lease that is not renewed is left over from a controller manager that elects no leader.
    let stale = with_processes(stays_up(), &[(0, "a")]).each(|o| {
        if let ObservationKind::Leader(leader) = &mut o.kind {
            leader.renewed = "2020-01-01T00:00:00Z".parse().ok();
        }
    });
    stale.ended_at(end).assert_inconclusive(ReplicasFall, "shows no process");
}

#[test]
fn while_a_restart_may_explain_it_the_run_waits() {
    let status_at = |run: &RunFixture, at_ms: u64| {
        let length = run.timeline.partition_point(|o| o.at_ms <= at_ms);
        run.clone().cut(length).evaluate(ReplicasFall).status
    };
    let (one, unseen) = (with_processes(stays_up(), &[(0, "a")]), stays_up());
    let restarted = with_processes(stays_up(), &[(0, "a"), (FALL + 40_000, "b")]);
    let at = FALL + 84_000;
    assert_eq!(status_at(&one, at), CheckStatus::Fail);
    assert_eq!([status_at(&unseen, at), status_at(&restarted, at)], [CheckStatus::Pending; 2]);
}

#[test]
fn a_fall_that_a_restart_delays_by_a_window_passes() {
    let late = || slow_metric().longer(106_000, 35_000);
    late().assert_inconclusive(ReplicasFall, "later than 1m3s");
    with_processes(late(), &[(0, "a")]).assert_inconclusive(ReplicasFall, "later than 1m3s");
    let delayed = with_processes(late(), &[(0, "a"), (FALL + 26_000, "b")]);
    delayed.assert_passes(ReplicasFall, "1 replica and no surplus pod 1m9s after the load ended");
    // A restart after the fall, or after the bound, extends nothing.
    let after = with_processes(late(), &[(0, "a"), (FALL + 66_000, "b")]);
    after.assert_inconclusive(ReplicasFall, "later than 1m3s");
}

#[test]
fn a_scale_up_that_a_new_process_has_not_had_time_for_is_not_a_fail() {
    // The metric recommends 2 for 41 s; a process must have seen it for 20 s.
    with_processes(stays_at_one(), &[(0, "a")]).assert_fails(ReplicasRise, "the metric recommends 2 replicas, but");
    let restarted = |before: u64| with_processes(stays_at_one(), &[(0, "a"), (FALL - before, "b")]);
    restarted(30_000).assert_fails(ReplicasRise, "the metric recommends 2 replicas, but");
    restarted(8_000).assert_inconclusive(ReplicasRise, "the controller manager restarted 7.");
}
