//! Disturbances: hiccups of real clusters that are no fault of the platform. A run bears each of them: it ends in PASS,
//! or in INCONCLUSIVE where what it rests on could not be seen; never in FAIL, and everything is as it was before. One
//! under which no run passes at all would not be mild, but a fault.
//!
//! What the times say: `in_the_run` is at any moment of it, by the seed; `loaded` under load; `unloaded` about the fall.

mod api;
mod cluster;
mod load;
mod metric;

use super::{ExpectedOutcome, FaultSpec};
use crate::seed::SplitMix64;
use crate::sim::SimConfig;
use crate::sim::api::ApiFaultWindow;
use crate::sim::ollama::{ActiveWindow, WindowStart};
use crate::units::HumanDuration;

/// All disturbances, by the door at which they show.
pub(super) fn all() -> impl Iterator<Item = &'static FaultSpec> {
    [api::DISTURBANCES, cluster::DISTURBANCES, metric::DISTURBANCES, load::DISTURBANCES].into_iter().flatten()
}

/// Nothing that is looked at depends on it.
const ALWAYS_PASS: &[ExpectedOutcome] = &[ExpectedOutcome::Pass];
/// It depends on the moment: what is looked at may be away when it counts.
const PASS_OR_INCONCLUSIVE: &[ExpectedOutcome] = &[ExpectedOutcome::Pass, ExpectedOutcome::AnyInconclusive];

/// The whole run.
const WHOLE_RUN: ApiFaultWindow =
    ApiFaultWindow { start: HumanDuration::from_ms(0), duration: HumanDuration::from_secs(36_000) };

/// A number below `end`, by the seed.
fn random_below(setting: &SimConfig, end: u64) -> u64 {
    SplitMix64::new(setting.seed ^ 0x6d69_6c64).next_u64() % end
}

/// So many seconds of the run: of its preparation, of its load, or of its end.
fn random_window(setting: &SimConfig, lasts_s: u64) -> ApiFaultWindow {
    ApiFaultWindow {
        start: HumanDuration::from_secs(30 + random_below(setting, 1_000)),
        duration: HumanDuration::from_secs(lasts_s),
    }
}

/// So many seconds, at a moment after the second chat of a worker has begun.
fn window_after_chats(from_s: u64, lasts_s: u64) -> ActiveWindow {
    ActiveWindow {
        start: WindowStart::NthChat(14),
        delay: HumanDuration::from_secs(from_s),
        duration: Some(HumanDuration::from_secs(lasts_s)),
    }
}

fn window_under_load(setting: &SimConfig, lasts_s: u64) -> ActiveWindow {
    window_after_chats(random_below(setting, 300), lasts_s)
}

fn window_after_load(setting: &SimConfig, lasts_s: u64) -> ActiveWindow {
    window_after_chats(450 + random_below(setting, 300), lasts_s)
}

fn double(span: &mut HumanDuration) {
    *span = HumanDuration::from_ms(2 * span.ms());
}
