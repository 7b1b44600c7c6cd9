//! The timeline: all observations of a run, in the order of receipt.

use serde::{Deserialize, Serialize};

use super::observation::Observation;

/// Observations, sorted by `seq` and thus by `at_ms`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(pub Vec<Observation>);

impl Timeline {
    /// Time of the last observation, milliseconds of the run's clock; 0 without observations.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.0.last().map_or(0, |last| last.at_ms)
    }
}
