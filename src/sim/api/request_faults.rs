//! Latency of responses, and the faults of a server that is overloaded, failing or unavailable.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use crate::sim::cluster::{SimCluster, StatusError};
use crate::sim::config::RequestShare;
use crate::units::HumanDuration;

/// Time between a write and its response, in which a client may be interrupted.
const RESPONSE_DELAY: Duration = Duration::from_millis(1);

/// Waits for the latency of a request.
///
/// # Errors
/// The server is unavailable.
pub(super) async fn accept_request(cluster: &SimCluster) -> io::Result<()> {
    let config = &cluster.config().api;
    let slowdown = config.extra_latency.filter(|(window, _)| window.contains(cluster.clock().now_ms()));
    let latency_ms = config.latency.ms() + slowdown.map_or(0, |(_, extra)| extra.ms());
    sleep(HumanDuration::from_ms(latency_ms).to_std()).await;
    match config.unavailable.filter(|window| window.contains(cluster.clock().now_ms())) {
        Some(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "tcp connect error: Connection refused")),
        None => Ok(()),
    }
}

/// # Errors
/// 429 or 500, for a random share of the requests.
pub(super) fn inject_error(cluster: &SimCluster) -> Result<(), StatusError> {
    let config = &cluster.config().api;
    if is_affected(cluster, config.too_many_requests) {
        return Err(StatusError::new(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ));
    }
    if is_affected(cluster, config.server_errors) {
        return Err(StatusError::new(500, "InternalError", "Internal error occurred: etcdserver: leader changed"));
    }
    Ok(())
}

/// Waits before the response of a write; the client may be interrupted meanwhile.
pub(super) async fn delay_response() {
    sleep(RESPONSE_DELAY).await;
}

/// # Errors
/// The connection is reset after the write was carried out, for a random share of the writes.
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
