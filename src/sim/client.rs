//! The machine on which gpuhpa itself runs: its disk, and how much of its processors we get.

use super::servers::{During, Servers};
use crate::units::Span;
use crate::world::Bundle;

/// Our own machine in numbers. The defaults are one with room and time.
#[derive(Clone, Debug, Default)]
pub struct ClientSetting {
    /// Fault: its disk takes only so many bytes of evidence.
    pub room: Option<u64>,
    /// Fault: it is overloaded, and we do not run for a while, again and again.
    pub stalls: Option<Stalls>,
}

/// Times at which we do not run. The simulated cluster stands still with us: what shows is that our timers are late.
#[derive(Clone, Copy, Debug)]
pub struct Stalls {
    /// When.
    pub during: During,
    /// Between two of them we run for so long.
    pub every: Span,
    /// Length of each.
    pub lasts: Span,
}

impl ClientSetting {
    /// The bundle on its disk.
    pub(super) fn disk(&self, bundle: &Bundle) -> Bundle {
        match self.room {
            Some(bytes) => bundle.clone().with_room(bytes),
            None => bundle.clone(),
        }
    }
}

/// Lets us stand still as often as the setting says.
pub(super) async fn stall(stalls: Stalls, servers: Servers) {
    loop {
        tokio::time::sleep(stalls.every.duration()).await;
        if servers.is_now(Some(&stalls.during)) {
            tokio::time::advance(stalls.lasts.duration()).await;
        }
    }
}
