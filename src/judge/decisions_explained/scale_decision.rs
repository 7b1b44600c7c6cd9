//! One decision of the autoscaler: a write to the scale, the pass that made it, and what that pass can have seen.

use std::fmt;

use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::by_the_autoscaler::confirming_status;
use crate::judge::run_view::{ObservedItem, RecommendationRange, RunView, SizeChange};
use crate::model::observation::HpaSnapshot;

/// A change of size by the autoscaler.
pub(super) struct ScaleDecision<'v> {
    /// The change that was seen.
    pub(super) change: &'v SizeChange<'v>,
    /// The size that the pass found: its status says so, else what was seen before.
    pub(super) from: i32,
    /// The size that it wrote.
    pub(super) to: i32,
    /// Since when the pass can have been, milliseconds; until when is when the change was seen.
    pub(super) earliest_ms: u64,
    /// The status that this very pass wrote.
    status: Option<&'v ObservedItem<'v, HpaSnapshot>>,
}

impl fmt::Display for ScaleDecision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.change.from, self.to)
    }
}

impl<'v> ScaleDecision<'v> {
    pub(super) fn new(view: &'v RunView<'v>, change: &'v SizeChange<'v>) -> Self {
        let own = confirming_status(view, change).filter(|(_, hpa)| is_rescale_status(hpa, change.to));
        Self {
            change,
            from: own.and_then(|(_, hpa)| hpa.current_replicas).unwrap_or(change.from),
            to: change.to,
            earliest_ms: view.earliest_ms("workload", change.at_ms).saturating_sub(SLACK.ms()),
            status: own,
        }
    }

    pub(super) fn is_scale_up(&self) -> bool {
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
    fn values_since_ms(&self, view: &RunView<'_>) -> u64 {
        // Before there was an HPA there was no pass.
        let made_ms = view.hpa_creation().map_or(0, |(_, made_ms)| made_ms);
        if hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_none() {
            return made_ms;
        }
        self.earliest_ms.saturating_sub(2 * view.times.assumptions.sync_period.ms()).max(made_ms)
    }

    /// What it can have asked for, by what could have been served.
    pub(super) fn recommendation(&self, view: &RunView<'_>) -> RecommendationRange {
        let asked = view.recommendation_before(self.values_since_ms(view), self.at_ms());
        if view.is_total() || hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_none() {
            asked
        } else {
            asked.with_current_size(self.from)
        }
    }

    /// The readings around it.
    pub(super) fn reading_seqs(&self, view: &RunView<'_>) -> Vec<u64> {
        view.api_readings_in(self.values_since_ms(view), self.at_ms()).map(|served| served.seq).collect()
    }

    /// What it asked for by its own status, and that status.
    pub(super) fn status_recommendation(&self, view: &RunView<'_>) -> Option<(u64, RecommendationRange)> {
        let (observation, hpa) = self.status?;
        let asked = view.recommendation_from_status(observation, hpa, self.at_ms())?;
        Some((observation.seq, if view.is_total() { asked } else { asked.with_current_size(self.from) }))
    }

    /// The moment up to which a status can be that of this pass or of an earlier one.
    pub(super) fn last_status_ms(&self) -> u64 {
        self.status.map_or(self.at_ms(), |(o, _)| o.at_ms.max(self.at_ms()))
    }
}

/// A pass that writes always ends with this condition, and the next pass overwrites it (hpa.md 1.8).
fn is_rescale_status(status: &HpaSnapshot, to: i32) -> bool {
    let message = hpa::updated_scale(to);
    status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE && c.message == message)
}
