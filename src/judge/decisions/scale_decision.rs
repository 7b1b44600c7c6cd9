//! One decision of the HPA controller: a write to the scale subresource, the pass that made it, and its possible
//! inputs.

use std::fmt;

use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::run_view::{ObservedItem, RecommendationRange, RunView, SizeChange};
use crate::model::observation::HpaSnapshot;

/// A replica change by the HPA controller.
pub(in crate::judge) struct ScaleDecision<'v> {
    /// The observed change.
    pub(super) change: &'v SizeChange<'v>,
    /// The size before, by the status of the pass, else by the observation before.
    pub(super) from: i32,
    /// The size that the controller wrote.
    pub(super) to: i32,
    /// The earliest time of the pass, milliseconds. The latest is the time at which the change was observed.
    pub(in crate::judge) earliest_ms: u64,
    /// The status that the same pass wrote.
    status: Option<&'v ObservedItem<'v, HpaSnapshot>>,
}

impl fmt::Display for ScaleDecision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.change.from, self.to)
    }
}

impl<'v> ScaleDecision<'v> {
    pub(in crate::judge) fn new(view: &'v RunView<'v>, change: &'v SizeChange<'v>) -> Self {
        let own = view.confirming_status(change).filter(|(_, hpa)| is_rescale_status(hpa, change.to));
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

    /// True when the status of the same pass was observed.
    pub(in crate::judge) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    /// When the change was observed.
    pub(super) fn at_ms(&self) -> u64 {
        self.change.at_ms
    }

    /// The earliest time at which the values of the pass were served. A pass that waits for its metrics writes late;
    /// two sync periods are allowed for that. Without `spec.behavior` the controller may go back to any earlier
    /// recommendation, since the window is its flag.
    fn values_since_ms(&self, view: &RunView<'_>) -> u64 {
        let made_ms = view.hpa_creation().map_or(0, |(_, made_ms)| made_ms);
        if hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_none() {
            return made_ms;
        }
        self.earliest_ms.saturating_sub(2 * view.times.assumptions.sync_period.ms()).max(made_ms)
    }

    /// The possible recommendations of the pass, by the values that could have been served.
    pub(super) fn recommendation(&self, view: &RunView<'_>) -> RecommendationRange {
        let range = view.recommendation_before(self.values_since_ms(view), self.at_ms());
        if view.is_total() || hpa::behavior_from_spec(&view.records.scenario.hpa.spec).is_none() {
            range
        } else {
            range.with_current_size(self.from)
        }
    }

    /// Sequence numbers of the readings around the pass.
    pub(super) fn reading_seqs(&self, view: &RunView<'_>) -> Vec<u64> {
        view.api_readings_in(self.values_since_ms(view), self.at_ms()).map(|reading| reading.seq).collect()
    }

    /// The recommendation by the value in the pass's own status, and the sequence number of that status.
    pub(super) fn status_recommendation(&self, view: &RunView<'_>) -> Option<(u64, RecommendationRange)> {
        let (observation, hpa) = self.status?;
        let range = view.recommendation_from_status(observation, hpa, self.at_ms())?;
        Some((observation.seq, if view.is_total() { range } else { range.with_current_size(self.from) }))
    }

    /// The time until which a status can be that of this pass or of an earlier one.
    pub(super) fn last_status_ms(&self) -> u64 {
        self.status.map_or(self.at_ms(), |(o, _)| o.at_ms.max(self.at_ms()))
    }
}

/// True for the status of a pass that scaled to this size: such a pass always sets this condition, and the next one
/// overwrites it (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go).
fn is_rescale_status(status: &HpaSnapshot, to: i32) -> bool {
    let message = hpa::updated_scale(to);
    status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE && c.message == message)
}
