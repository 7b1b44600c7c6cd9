//! Faults of the machine on which gpuhpa itself runs. That it is stopped at any moment is `tests/rehearsal/stops.rs`.

use super::{ExpectedOutcome, FaultSpec, METRIC_FOLLOWS_LOAD};
use crate::sim::client::StallSchedule;
use crate::sim::ollama::{ActiveWindow, WindowStart};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "client-saturated",
        description: "the machine on which gpuhpa runs is overloaded: under load it stands still for 6 s of every 9",
        inject: |s| {
            let during = ActiveWindow::starting_at(WindowStart::NthChat(2));
            s.client.stalls = Some(StallSchedule {
                window: during,
                run_for: HumanDuration::from_secs(3),
                stall_for: HumanDuration::from_secs(6),
            });
        },
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "disk-full",
        description: "the disk of the machine on which gpuhpa runs takes no more than 16 KiB of evidence",
        inject: |s| s.client.disk_limit_bytes = Some(16 << 10),
        expected: &[ExpectedOutcome::NotStarted("no storage space")],
    },
];
