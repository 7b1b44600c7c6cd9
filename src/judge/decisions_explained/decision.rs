//! One decision of the autoscaler: a write to the scale, the pass that made it, and what that pass can have seen.

use std::fmt;

use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::by_the_autoscaler::confirmed;
use crate::judge::view::{Asked, Noted, SizeChange, View};
use crate::record::observation::HpaSeen;

/// A change of size by the autoscaler.
pub(super) struct Decision<'v> {
    /// The change that was seen.
    pub(super) change: &'v SizeChange<'v>,
    /// The size that the pass found: its status says so, else what was seen before.
    pub(super) from: i32,
    /// The size that it wrote.
    pub(super) to: i32,
    /// Since when the pass can have been, milliseconds; until when is when the change was seen.
    pub(super) since_ms: u64,
    /// The status that this very pass wrote.
    status: Option<&'v Noted<'v, HpaSeen>>,
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.change.from, self.to)
    }
}

impl<'v> Decision<'v> {
    pub(super) fn of(view: &'v View<'v>, change: &'v SizeChange<'v>) -> Self {
        let own = confirmed(view, change).filter(|(_, hpa)| is_of_writing(hpa, change.to));
        Self {
            change,
            from: own.and_then(|(_, hpa)| hpa.current).unwrap_or(change.from),
            to: change.to,
            since_ms: view.came_ms("workload", change.at_ms).saturating_sub(SLACK.ms()),
            status: own,
        }
    }

    pub(super) fn is_rise(&self) -> bool {
        self.to > self.from
    }

    /// The status of the very pass was seen.
    pub(super) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// When the change was seen.
    pub(super) fn at_ms(&self) -> u64 {
        self.change.at_ms
    }

    /// Since when its values may have been served: a pass that waits for its metrics writes late, but no later than two
    /// passes take. Without `spec.behavior` any earlier recommendation may be what it went back to, since the window is
    /// the controller's flag.
    fn values_since_ms(&self, view: &View<'_>) -> u64 {
        // Before there was an HPA there was no pass.
        let made_ms = view.hpa_intended().map_or(0, |(_, made_ms)| made_ms);
        if hpa::behavior_of(&view.records.scenario.hpa.spec).is_none() {
            return made_ms;
        }
        self.since_ms.saturating_sub(2 * view.times.assumed.sync_period.ms()).max(made_ms)
    }

    /// What it can have asked for, by what could have been served.
    pub(super) fn asked(&self, view: &View<'_>) -> Asked {
        let asked = view.asked_before(self.values_since_ms(view), self.at_ms());
        if view.is_total() || hpa::behavior_of(&view.records.scenario.hpa.spec).is_none() {
            asked
        } else {
            asked.from(self.from)
        }
    }

    /// The readings around it.
    pub(super) fn readings(&self, view: &View<'_>) -> Vec<u64> {
        view.served_in(self.values_since_ms(view), self.at_ms()).map(|served| served.seq).collect()
    }

    /// What it asked for by its own status, and that status.
    pub(super) fn reported(&self, view: &View<'_>) -> Option<(u64, Asked)> {
        let (observation, hpa) = self.status?;
        let asked = view.asked_by(observation, hpa, self.at_ms())?;
        Some((observation.seq, if view.is_total() { asked } else { asked.from(self.from) }))
    }

    /// The moment up to which a status can be that of this pass or of an earlier one.
    pub(super) fn told_ms(&self) -> u64 {
        self.status.map_or(self.at_ms(), |(o, _)| o.at_ms.max(self.at_ms()))
    }
}

/// A pass that writes always ends with this condition, and the next pass overwrites it (hpa.md 1.8).
fn is_of_writing(status: &HpaSeen, to: i32) -> bool {
    let message = hpa::updated_scale(to);
    status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE && c.message == message)
}
