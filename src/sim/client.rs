//! The machine on which gpuhpa itself runs: its disk, and how much of its processors we get.

use super::ollama::{ActiveWindow, ServerRegistry};
use crate::env::Bundle;
use crate::units::HumanDuration;

/// Our own machine in numbers. The defaults are one with room and time.
#[derive(Clone, Debug, Default)]
pub struct ClientHostConfig {
    /// Fault: its disk takes only so many bytes of evidence.
    pub disk_limit_bytes: Option<u64>,
    /// Fault: it is overloaded, and we do not run for a while, again and again.
    pub stalls: Option<StallSchedule>,
}

/// Times at which we do not run. The simulated cluster stands still with us: what shows is that our timers are late.
#[derive(Clone, Copy, Debug)]
pub struct StallSchedule {
    /// When.
    pub window: ActiveWindow,
    /// Between two of them we run for so long.
    pub run_for: HumanDuration,
    /// Length of each.
    pub stall_for: HumanDuration,
}

impl ClientHostConfig {
    /// The bundle on its disk.
    pub(super) fn limit_bundle(&self, bundle: &Bundle) -> Bundle {
        match self.disk_limit_bytes {
            Some(bytes) => bundle.clone().with_byte_limit(bytes),
            None => bundle.clone(),
        }
    }
}

/// Lets us stand still as often as the setting says.
pub(super) async fn run_stalls(stalls: StallSchedule, servers: ServerRegistry) {
    loop {
        tokio::time::sleep(stalls.run_for.to_std()).await;
        if servers.is_active(Some(&stalls.window)) {
            tokio::time::advance(stalls.stall_for.to_std()).await;
        }
    }
}
