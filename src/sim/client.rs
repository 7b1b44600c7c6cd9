//! The machine that runs gpuhpa: its disk space and its CPU time.

use super::ollama::ServerRegistry;
use crate::env::Bundle;
use crate::sim::config::{ClientHostConfig, StallSchedule};

/// A bundle with the disk limit of the configuration. Clones share the limit.
pub(super) fn limit_bundle(config: &ClientHostConfig, bundle: &Bundle) -> Bundle {
    match config.disk_limit_bytes {
        Some(bytes) => bundle.clone().with_byte_limit(bytes),
        None => bundle.clone(),
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
