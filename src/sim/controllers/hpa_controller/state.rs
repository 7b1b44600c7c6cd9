//! What the controller keeps between the passes of an HPA.

use crate::hpa::{HpaLogs, HpaStatus};

/// State of the controller for one HPA.
#[derive(Debug, Default)]
pub(super) struct HpaControllerState {
    pub(super) logs: HpaLogs,
    /// The status last written.
    pub(super) status: HpaStatus,
    /// Time of the last pass, to which the ages in the logs refer.
    pub(super) last_pass_ms: u64,
    /// Due time of the next periodic pass; a change of the spec adds passes in between.
    pub(super) next_pass_ms: u64,
    pub(super) first_pass_ms: Option<u64>,
    pub(super) passes: u32,
    /// Time of the first scale-up.
    pub(super) first_scale_up_ms: Option<u64>,
}
