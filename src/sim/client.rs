//! The machine that runs gpuhpa: its disk space and its CPU time.

use super::ollama::{ActiveWindow, ServerRegistry};
use crate::env::Bundle;
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
    pub window: ActiveWindow,
    /// Time between two stalls.
    pub run_for: HumanDuration,
    /// Duration of each stall.
    pub stall_for: HumanDuration,
}

impl ClientHostConfig {
    /// Applies the disk limit to a bundle.
    pub(super) fn limit_bundle(&self, bundle: &Bundle) -> Bundle {
        match self.disk_limit_bytes {
            Some(bytes) => bundle.clone().with_byte_limit(bytes),
            None => bundle.clone(),
        }
    }
}

/// Advances the paused clock for the duration of each stall; never returns.
pub(super) async fn run_stalls(stalls: StallSchedule, servers: ServerRegistry) {
    loop {
        tokio::time::sleep(stalls.run_for.to_std()).await;
        if servers.is_active(Some(&stalls.window)) {
            tokio::time::advance(stalls.stall_for.to_std()).await;
        }
    }
}
