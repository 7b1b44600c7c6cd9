//! Tolerated disturbances: short failures of real clusters that are not faults of the platform. A run tolerates each:
//! it ends in PASS, or in INCONCLUSIVE if the disturbance hid an observation that a check needs; never in FAIL, and the
//! cluster is restored. A disturbance under which no seed passes would be a fault.

mod api;
mod cluster;
mod load;
mod metric;

use super::{ExpectedOutcome, FaultSpec};
use crate::seed::SplitMix64;
use crate::sim::config::{ActiveWindow, ApiFaultWindow, SimConfig, WindowStart};
use crate::units::HumanDuration;

/// All disturbances, by area.
pub(super) fn all() -> impl Iterator<Item = &'static FaultSpec> {
    [api::DISTURBANCES, cluster::DISTURBANCES, metric::DISTURBANCES, load::DISTURBANCES].into_iter().flatten()
}

/// No check depends on what is disturbed.
const ALWAYS_PASS: &[ExpectedOutcome] = &[ExpectedOutcome::Pass];
/// Depends on timing: an observation that a check needs may be missing.
const PASS_OR_INCONCLUSIVE: &[ExpectedOutcome] = &[ExpectedOutcome::Pass, ExpectedOutcome::AnyInconclusive];

/// The whole run: the duration exceeds that of every run.
const WHOLE_RUN: ApiFaultWindow =
    ApiFaultWindow { start: HumanDuration::from_ms(0), duration: HumanDuration::from_secs(36_000) };

/// A number below `end` that the seed determines.
fn random_below(config: &SimConfig, end: u64) -> u64 {
    SplitMix64::new(config.seed ^ 0x6d69_6c64).next_u64() % end
}

/// A window of this many seconds that starts between 30 and 1029 s after the start: before, under or after the load.
fn random_window(config: &SimConfig, duration_s: u64) -> ApiFaultWindow {
    ApiFaultWindow {
        start: HumanDuration::from_secs(30 + random_below(config, 1_000)),
        duration: HumanDuration::from_secs(duration_s),
    }
}

/// A window of `duration_s` seconds that starts `delay_s` seconds after the 14th chat, and so under load.
fn window_after_chats(delay_s: u64, duration_s: u64) -> ActiveWindow {
    ActiveWindow {
        start: WindowStart::NthChat(14),
        delay: HumanDuration::from_secs(delay_s),
        duration: Some(HumanDuration::from_secs(duration_s)),
    }
}

/// A window within the first five minutes of the load.
fn window_under_load(config: &SimConfig, duration_s: u64) -> ActiveWindow {
    window_after_chats(random_below(config, 300), duration_s)
}

/// A window around scale-down.
fn window_after_load(config: &SimConfig, duration_s: u64) -> ActiveWindow {
    window_after_chats(450 + random_below(config, 300), duration_s)
}

fn double(duration: &mut HumanDuration) {
    *duration = HumanDuration::from_ms(2 * duration.ms());
}
