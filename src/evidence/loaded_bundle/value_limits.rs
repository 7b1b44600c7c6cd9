//! What the values of a record must be besides the range that each number has by itself (`model::record_numbers`).

use crate::model::observation::{ClockSkewRange, Observation, ObservationKind};
use crate::model::scenario::Scenario;
use crate::model::scenario_limits::{self, OutOfRange};

/// Largest width of a measured clock skew, milliseconds: an answer that takes so long measures nothing, and a wide range
/// excuses any time.
const MAX_SKEW_WIDTH_MS: i64 = 3600 * 1000;

/// Checks the values of an observation.
pub(super) fn check_observation(observation: &Observation) -> Result<(), String> {
    let ObservationKind::ClockSkew(ClockSkewRange { low_ms, high_ms }) = observation.kind else { return Ok(()) };
    match high_ms.saturating_sub(low_ms) {
        ..0 => Err("lowMs is above highMs".to_owned()),
        width if width > MAX_SKEW_WIDTH_MS => {
            Err(format!("clockSkew is {width} ms wide, more than {MAX_SKEW_WIDTH_MS} ms"))
        }
        _ => Ok(()),
    }
}

/// Checks the numbers of a scenario by the table of the scenario files, and the lists of its profile.
pub(super) fn check_scenario(scenario: &Scenario) -> Result<(), String> {
    if let Some(OutOfRange { field, message, .. }) = scenario_limits::find_out_of_range(scenario).into_iter().next() {
        return Err(format!("{field}: {message}"));
    }
    match &scenario.metric.profile {
        Some(profile) if profile.has_endless_list() => Err("a list of metric.profile is too long".to_owned()),
        _ => Ok(()),
    }
}
