//! Configuration of the machine that runs gpuhpa.

use super::fault_scope::ActiveWindow;
use crate::units::HumanDuration;

/// Configuration of the machine that runs gpuhpa. The default has no limits.
#[derive(Clone, Debug, Default)]
pub struct ClientHostConfig {
    /// Fault: the disk is full after this many bytes of evidence.
    pub disk_limit_bytes: Option<u64>,
    /// Fault: the machine is overloaded and stalls gpuhpa repeatedly.
    pub stalls: Option<StallSchedule>,
}

/// Periodic stalls of gpuhpa. The simulated cluster stalls as well; what a run observes is that its timers fire late.
#[derive(Clone, Copy, Debug)]
pub struct StallSchedule {
    /// When stalls happen.
    pub(crate) window: ActiveWindow,
    /// Time between two stalls.
    pub(crate) run_for: HumanDuration,
    /// Duration of each stall.
    pub(crate) stall_for: HumanDuration,
}
