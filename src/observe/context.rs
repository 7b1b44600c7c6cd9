//! The part of the world that an observer touches.

use std::sync::Arc;

use super::retry_after::RetryAfter;
use crate::clock::RunClock;
use crate::env::{HttpClient, RunEnv, TimelineWriter};

/// The doors that observation goes through, and the book that it writes.
#[derive(Clone)]
pub(super) struct ObserverContext {
    pub(super) kube: kube::Client,
    pub(super) http: HttpClient,
    pub(super) timeline: Arc<TimelineWriter>,
    pub(super) clock: RunClock,
    /// How long the API server wants to be left alone.
    pub(super) retry_after: RetryAfter,
}

impl ObserverContext {
    /// The observer's part of a world.
    pub(super) fn from_env(world: &RunEnv) -> Self {
        Self::new(world.kube_no_retry.clone(), world.http.clone(), Arc::clone(&world.timeline), world.clock)
    }

    /// These doors; every answer of the cluster is heard for whether it wants to be left alone.
    pub(super) fn new(kube: kube::Client, http: HttpClient, book: Arc<TimelineWriter>, clock: RunClock) -> Self {
        let rest = RetryAfter::default();
        let heard = rest.clone();
        let listening = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (kube, heard) = (kube.clone(), heard.clone());
            async move {
                let response = kube.send(request).await?;
                heard.record_response(response.status().as_u16(), response.headers(), clock);
                Ok::<_, kube::Error>(response)
            }
        });
        Self { kube: kube::Client::new(listening, "default"), http, timeline: book, clock, retry_after: rest }
    }
}
