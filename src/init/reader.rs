//! Reads the cluster within a limit of time. What cannot be read is noted, and hides nothing else.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use kube::Resource;
use kube::api::{Api, ListParams};
use kube::client::Body;
use kube::core::NamespaceResourceScope;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::env::{HttpFailure, RunEnv, parse_retry_after, sanitize_text};
use crate::error_chain::format_chain;

/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of one connection to a node.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Largest text of an error that is shown, characters.
const MAX_ERROR_CHARS: usize = 200;
/// Largest page that is read.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// The cluster, with what could not be read of it.
pub(super) struct ClusterReader<'a> {
    env: &'a RunEnv,
    deadline_ms: u64,
    unread: Vec<String>,
}

impl<'a> ClusterReader<'a> {
    /// A reader whose requests all end within `limit`.
    pub(super) fn new(env: &'a RunEnv, limit: Duration) -> Self {
        Self { env, deadline_ms: env.clock.now_ms() + to_ms(limit), unread: Vec::new() }
    }

    /// What could not be read, in words.
    pub(super) fn into_unread(self) -> Vec<String> {
        self.unread
    }

    /// Notes that something could not be read.
    pub(super) fn note_unread(&mut self, what: &str, reason: &str) {
        self.unread.push(format!("{what}: {}", sanitize_text(reason, MAX_ERROR_CHARS)));
    }

    /// Whether there is time left for this long.
    pub(super) fn has_time_for(&self, duration: Duration) -> bool {
        self.now_ms() + to_ms(duration) < self.deadline_ms
    }

    /// Milliseconds of the clock by which the limit counts.
    pub(super) fn now_ms(&self) -> u64 {
        self.env.clock.now_ms()
    }

    /// All objects of a kind; `None`, with a note, where they cannot be listed.
    pub(super) async fn list<K>(&mut self, what: &str) -> Option<Vec<K>>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        self.list_of(what, Api::all(self.env.kube.retrying.clone())).await
    }

    /// All objects of a kind in a namespace; `None`, with a note, where they cannot be listed.
    pub(super) async fn list_in<K>(&mut self, what: &str, namespace: &str) -> Option<Vec<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        self.list_of(what, Api::namespaced(self.env.kube.retrying.clone(), namespace)).await
    }

    async fn list_of<K>(&mut self, what: &str, api: Api<K>) -> Option<Vec<K>>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        match self.within_limit(api.list(&ListParams::default())).await {
            Ok(Ok(list)) => Some(list.items),
            Ok(Err(kube::Error::Api(status))) => {
                self.note_unread(what, &format!("{}: {}", status.code, status.message));
                None
            }
            Ok(Err(error)) => {
                self.note_unread(what, &format_chain(&error));
                None
            }
            Err(reason) => {
                self.note_unread(what, &reason);
                None
            }
        }
    }

    /// The body of a successful GET through the API server.
    ///
    /// # Errors
    /// The request fails, has another status, or takes too long; the text says which.
    pub(super) async fn get(&self, path: &str) -> Result<Bytes, String> {
        let exchange = async {
            let (head, body) = self.send_until_taken(path).await?.into_parts();
            let body = body.collect_bytes().await.map_err(|e| format_chain(&e))?;
            if !head.status.is_success() {
                let text = String::from_utf8_lossy(&body);
                let status: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
                let message = status.as_ref().and_then(|status| status["message"].as_str()).unwrap_or(&text);
                return Err(format!("{}: {}", head.status.as_u16(), sanitize_text(message, MAX_ERROR_CHARS)));
            }
            if body.len() > MAX_PAGE_BYTES {
                return Err(format!("it has more than {MAX_PAGE_BYTES} bytes"));
            }
            Ok(body)
        };
        self.within_limit(exchange).await?
    }

    /// Sends a GET until the API server is not too busy for it (429). Every other status is an answer: it may be that of a server behind
    /// its proxy.
    async fn send_until_taken(&self, path: &str) -> Result<http::Response<Body>, String> {
        loop {
            let request = http::Request::get(path).body(Body::empty()).map_err(|e| format_chain(&e))?;
            let response = self.env.kube.no_retry.send(request).await.map_err(|e| format_chain(&e))?;
            if response.status() != http::StatusCode::TOO_MANY_REQUESTS {
                return Ok(response);
            }
            tokio::time::sleep(parse_retry_after(response.headers()).unwrap_or(Duration::from_secs(1))).await;
        }
    }

    /// Whether anything answers HTTP at a URL, from this machine: an answer with any status counts.
    pub(super) async fn is_answered(&self, url: &str) -> Result<(), String> {
        let request = http::Request::get(url).body(Bytes::new()).map_err(|e| format_chain(&e))?;
        let exchange = async {
            match self.env.http.clone().oneshot(request).await {
                Ok(response) => {
                    // Only the head counts; the body ends the connection in good order.
                    let _ = response.into_body().try_next().await;
                    Ok(())
                }
                // Something took the connection, and it is no HTTP server.
                Err(error) if error.failure == HttpFailure::BeforeHeaders => Ok(()),
                Err(error) => Err(sanitize_text(&error.message, MAX_ERROR_CHARS)),
            }
        };
        timeout(CONNECT_TIMEOUT, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    /// The result of a request, unless it takes too long.
    async fn within_limit<T>(&self, request: impl Future<Output = T>) -> Result<T, String> {
        let limit = REQUEST_TIMEOUT.min(Duration::from_millis(self.deadline_ms.saturating_sub(self.now_ms())));
        timeout(limit, request).await.map_err(|_| format!("no answer within {} s", limit.as_secs()))
    }
}

fn to_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
