//! The part of the run's environment that an observer uses.

use std::sync::Arc;

use super::retry_after::RetryAfter;
use crate::clock::RunClock;
use crate::env::{HttpClient, RunEnv, TimelineWriter};

/// The clients, the clock and the timeline that all observer tasks share.
#[derive(Clone)]
pub(super) struct ObserverContext {
    pub(super) kube: kube::Client,
    pub(super) http: HttpClient,
    pub(super) timeline: Arc<TimelineWriter>,
    pub(super) clock: RunClock,
    /// The `Retry-After` of the API server, which every request waits for.
    pub(super) retry_after: RetryAfter,
}

impl ObserverContext {
    pub(super) fn from_env(env: &RunEnv) -> Self {
        Self::new(env.kube.no_retry.clone(), env.http.clone(), Arc::clone(&env.timeline), env.clock)
    }

    /// Wraps `kube` so that every response of the API server updates `retry_after`.
    pub(super) fn new(kube: kube::Client, http: HttpClient, timeline: Arc<TimelineWriter>, clock: RunClock) -> Self {
        let retry_after = RetryAfter::default();
        let recorder = retry_after.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (kube, recorder) = (kube.clone(), recorder.clone());
            async move {
                let response = kube.send(request).await?;
                recorder.record_response(response.status().as_u16(), response.headers(), clock);
                Ok::<_, kube::Error>(response)
            }
        });
        Self { kube: kube::Client::new(service, "default"), http, timeline, clock, retry_after }
    }
}
