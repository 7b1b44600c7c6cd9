//! The door itself: how long an answer takes, and the faults of a server that is busy, failing or away.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::setting::Share;
use crate::sim::cluster::{Cluster, Refusal};
use crate::units::Span;

/// How long the answer to a change is on its way back.
const BACK: Duration = Duration::from_millis(1);

/// Waits as long as an answer takes.
///
/// # Errors
/// Nobody listens.
pub(super) async fn pass(cluster: &Cluster) -> io::Result<()> {
    let setting = &cluster.setting().api;
    let slower = setting.slow.filter(|(during, _)| during.holds(cluster.clock().now_ms()));
    let takes = setting.latency.ms() + slower.map_or(0, |(_, longer)| longer.ms());
    sleep(Span::from_ms(takes).duration()).await;
    match setting.away.filter(|away| away.holds(cluster.clock().now_ms())) {
        Some(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "tcp connect error: Connection refused")),
        None => Ok(()),
    }
}

/// # Errors
/// 429 or 500, by chance.
pub(super) fn mood(cluster: &Cluster) -> Result<(), Refusal> {
    let setting = &cluster.setting().api;
    if falls_on(cluster, setting.busy) {
        return Err(Refusal::new(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ));
    }
    if falls_on(cluster, setting.failing) {
        return Err(Refusal::new(500, "InternalError", "Internal error occurred: etcdserver: leader changed"));
    }
    Ok(())
}

/// An answer is on its way back, and whoever asked may be gone.
pub(super) async fn way_back() {
    sleep(BACK).await;
}

/// # Errors
/// What was asked is done, and its answer is lost.
pub(super) fn back(cluster: &Cluster) -> io::Result<()> {
    if falls_on(cluster, cluster.setting().api.lost) {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer"));
    }
    Ok(())
}

fn falls_on(cluster: &Cluster, share: Option<Share>) -> bool {
    share.is_some_and(|share| share.during.holds(cluster.clock().now_ms()) && cluster.chance(100) < share.percent)
}
