//! Disturbances: hiccups of real clusters that are no fault of the platform. A run bears each of them: it ends in PASS,
//! or in INCONCLUSIVE where what it rests on could not be seen; never in FAIL, and everything is as it was before. One
//! under which no run passes at all would not be mild, but a fault.
//!
//! What the times say: `in_the_run` is at any moment of it, by the seed; `loaded` under load; `unloaded` about the fall.

mod api;
mod cluster;
mod load;
mod metric;

use super::{Fault, Must};
use crate::seed::Seed;
use crate::sim::Setting;
use crate::sim::api::Window;
use crate::sim::servers::{During, Since};
use crate::units::Span;

/// All disturbances, by the door at which they show.
pub(super) fn all() -> impl Iterator<Item = &'static Fault> {
    [api::DISTURBANCES, cluster::DISTURBANCES, metric::DISTURBANCES, load::DISTURBANCES].into_iter().flatten()
}

/// Nothing that is looked at depends on it.
const ALWAYS: &[Must] = &[Must::Pass];
/// It depends on the moment: what is looked at may be away when it counts.
const SOMETIMES: &[Must] = &[Must::Pass, Must::Unclear];

/// The whole run.
const WHOLE: Window = Window { from: Span::from_ms(0), lasts: Span::from_secs(36_000) };

/// A number below `end`, by the seed.
fn below(setting: &Setting, end: u64) -> u64 {
    Seed::new(setting.seed ^ 0x6d69_6c64).next_u64() % end
}

/// So many seconds of the run: of its preparation, of its load, or of its end.
fn in_the_run(setting: &Setting, lasts_s: u64) -> Window {
    Window { from: Span::from_secs(30 + below(setting, 1_000)), lasts: Span::from_secs(lasts_s) }
}

/// So many seconds, at a moment after the second chat of a worker has begun.
fn after(from_s: u64, lasts_s: u64) -> During {
    During { since: Since::Chats(14), after: Span::from_secs(from_s), lasts: Some(Span::from_secs(lasts_s)) }
}

fn loaded(setting: &Setting, lasts_s: u64) -> During {
    after(below(setting, 300), lasts_s)
}

fn unloaded(setting: &Setting, lasts_s: u64) -> During {
    after(450 + below(setting, 300), lasts_s)
}

fn twice(span: &mut Span) {
    *span = Span::from_ms(2 * span.ms());
}
