//! Faults of the machine that runs gpuhpa. `tests/rehearsal/interruption.rs` covers interrupted runs.

use super::{ExpectedOutcome, FaultSpec, METRIC_FOLLOWS_LOAD};
use crate::sim::config::{ActiveWindow, StallSchedule, WindowStart};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "client-saturated",
        description: "the machine that runs gpuhpa is overloaded: under load it is stalled for 6 of every 9 s",
        inject: |s| {
            let window = ActiveWindow::starting_at(WindowStart::NthChat(2));
            s.client.stalls = Some(StallSchedule {
                window,
                run_for: HumanDuration::from_secs(3),
                stall_for: HumanDuration::from_secs(6),
            });
        },
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "disk-full",
        description: "the disk of the machine that runs gpuhpa is full after 16 KiB of evidence",
        inject: |s| s.client.disk_limit_bytes = Some(16 << 10),
        expected: &[ExpectedOutcome::NotStarted("no storage space")],
    },
];
