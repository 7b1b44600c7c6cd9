//! The door itself: how long an answer takes, and the faults of a server that is busy, failing or away.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::config::RequestShare;
use crate::sim::cluster::{SimCluster, StatusError};
use crate::units::HumanDuration;

/// How long the answer to a change is on its way back.
const RESPONSE_DELAY: Duration = Duration::from_millis(1);

/// Waits as long as an answer takes.
///
/// # Errors
/// Nobody listens.
pub(super) async fn accept_request(cluster: &SimCluster) -> io::Result<()> {
    let setting = &cluster.config().api;
    let slower = setting.extra_latency.filter(|(during, _)| during.contains(cluster.clock().now_ms()));
    let takes = setting.latency.ms() + slower.map_or(0, |(_, longer)| longer.ms());
    sleep(HumanDuration::from_ms(takes).to_std()).await;
    match setting.unavailable.filter(|away| away.contains(cluster.clock().now_ms())) {
        Some(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "tcp connect error: Connection refused")),
        None => Ok(()),
    }
}

/// # Errors
/// 429 or 500, by chance.
pub(super) fn inject_error(cluster: &SimCluster) -> Result<(), StatusError> {
    let setting = &cluster.config().api;
    if is_affected(cluster, setting.too_many_requests) {
        return Err(StatusError::new(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ));
    }
    if is_affected(cluster, setting.server_errors) {
        return Err(StatusError::new(500, "InternalError", "Internal error occurred: etcdserver: leader changed"));
    }
    Ok(())
}

/// An answer is on its way back, and whoever asked may be gone.
pub(super) async fn delay_response() {
    sleep(RESPONSE_DELAY).await;
}

/// # Errors
/// What was asked is done, and its answer is lost.
pub(super) fn inject_lost_response(cluster: &SimCluster) -> io::Result<()> {
    if is_affected(cluster, cluster.config().api.lost_responses) {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer"));
    }
    Ok(())
}

fn is_affected(cluster: &SimCluster, share: Option<RequestShare>) -> bool {
    share.is_some_and(|share| {
        share.window.contains(cluster.clock().now_ms()) && cluster.random_below(100) < share.percent
    })
}
