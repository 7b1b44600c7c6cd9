//! Sends one GET with a timeout, through the API server or to a URL, and classifies the response of a hop.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use http::header::{ACCEPT, DATE};
use kube::client::Body;
use kube::core::Status;
use tokio::time::timeout;
use tower::ServiceExt;

use super::context::ObserverContext;
use crate::env::sanitize_text;
use crate::error_chain::format_chain;
use crate::model::reading::{MetricSample, ReadingResult};

/// Timeout of one request: longer than any healthy hop takes, shorter than the shortest HPA sync period in use.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Media types of exporters, stores and metrics APIs.
const ACCEPT_TYPES: &str = "application/json, text/plain;version=0.0.4;q=0.9, */*;q=0.5";
/// Characters of an error body that is not a Kubernetes Status that go into the evidence.
const MAX_ERROR_CHARS: usize = 300;

/// The response of a hop.
pub(super) struct HopResponse {
    pub(super) status: u16,
    /// The Date header, unparsed.
    pub(super) date: Option<String>,
    pub(super) body: Bytes,
}

/// How a request reaches the hop: decides whether an error is the hop's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HopTransport {
    /// As the HPA controller sends it: the controller receives the API server's errors about an aggregated API too.
    AggregatedApi,
    /// Through the API server's proxy: the API server's own errors say nothing about the hop.
    ApiServerProxy,
    /// Straight to the hop's URL.
    Direct,
}

/// Sends a GET through the API server.
pub(super) async fn get_via_api_server(context: &ObserverContext, path: &str) -> Result<HopResponse, String> {
    let request =
        http::Request::get(path).header(ACCEPT, ACCEPT_TYPES).body(Body::empty()).map_err(|e| format_chain(&e))?;
    let exchange = async {
        let (head, body) = context.kube.send(request).await.map_err(|e| format_chain(&e))?.into_parts();
        let body = body.collect_bytes().await.map_err(|e| format_chain(&e))?;
        Ok(hop_response(&head, body))
    };
    timeout(REQUEST_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(timeout_message()))
}

/// Sends a GET to a URL.
pub(super) async fn get_url(context: &ObserverContext, url: &str) -> Result<HopResponse, String> {
    let request =
        http::Request::get(url).header(ACCEPT, ACCEPT_TYPES).body(Bytes::new()).map_err(|e| format_chain(&e))?;
    let exchange = async {
        let (head, body) = context.http.clone().oneshot(request).await.map_err(|e| format_chain(&e))?.into_parts();
        let chunks: Vec<Bytes> = body.try_collect().await.map_err(|e| format_chain(&e))?;
        Ok(hop_response(&head, chunks.concat().into()))
    };
    timeout(REQUEST_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(timeout_message()))
}

fn hop_response(head: &http::response::Parts, body: Bytes) -> HopResponse {
    let date = head.headers.get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    HopResponse { status: head.status.as_u16(), date, body }
}

fn timeout_message() -> String {
    format!("no response within {} s", REQUEST_TIMEOUT.as_secs())
}

/// Classifies a response: samples, a failure of the hop, or not readable for us, which says nothing about the hop.
pub(super) fn classify_response<E: Display>(
    outcome: Result<HopResponse, String>,
    transport: HopTransport,
    read: impl FnOnce(&[u8]) -> Result<Vec<MetricSample>, E>,
) -> ReadingResult {
    let response = match outcome {
        Ok(response) => response,
        Err(reason) => return ReadingResult::NotReadable(reason),
    };
    if (200..300).contains(&response.status) {
        return read(&response.body).map_or_else(|e| ReadingResult::Failed(e.to_string()), ReadingResult::Samples);
    }
    let api_status = parse_status(&response.body);
    let reason = error_message(response.status, api_status.as_ref(), &response.body);
    match (response.status, transport) {
        // Our own rights and rate limit.
        (401 | 403 | 429, _) => ReadingResult::NotReadable(reason),
        // The pod or Service behind the proxy does not exist: a failure of the hop.
        (404, _) => ReadingResult::Failed(reason),
        (_, HopTransport::ApiServerProxy) if api_status.is_some() => ReadingResult::NotReadable(reason),
        _ => ReadingResult::Failed(reason),
    }
}

/// The Kubernetes Status of an error, if the body is one.
fn parse_status(body: &[u8]) -> Option<Status> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    (value.get("kind")?.as_str()? == "Status").then(|| serde_json::from_value(value).ok()).flatten()
}

fn error_message(code: u16, api_status: Option<&Status>, body: &[u8]) -> String {
    match api_status {
        Some(api_status) if api_status.reason.is_empty() => format!("{code}: {}", api_status.message),
        Some(api_status) => format!("{code} {}: {}", api_status.reason, api_status.message),
        None => {
            format!("{code}: {}", sanitize_text(&String::from_utf8_lossy(body), MAX_ERROR_CHARS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Result<HopResponse, String> {
        Ok(HopResponse { status, date: None, body: Bytes::from(body.to_owned()) })
    }

    fn classify(outcome: Result<HopResponse, String>, transport: HopTransport) -> ReadingResult {
        classify_response(outcome, transport, |_| Err::<Vec<MetricSample>, _>("unreadable"))
    }

    fn api_error(code: u16, reason: &str) -> Result<HopResponse, String> {
        response(
            code,
            &format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"m","reason":"{reason}","code":{code}}}"#
            ),
        )
    }

    #[test]
    fn only_an_error_of_the_hop_itself_is_its_failure() {
        use HopTransport::{AggregatedApi, ApiServerProxy, Direct};
        let failed = |reason: &str| ReadingResult::Failed(reason.to_owned());
        let not_readable = |reason: &str| ReadingResult::NotReadable(reason.to_owned());
        let cases = [
            (Err("refused".to_owned()), Direct, not_readable("refused")),
            (response(200, "?"), Direct, failed("unreadable")),
            (api_error(403, "Forbidden"), AggregatedApi, not_readable("403 Forbidden: m")),
            (api_error(404, "NotFound"), AggregatedApi, failed("404 NotFound: m")),
            (api_error(503, "ServiceUnavailable"), AggregatedApi, failed("503 ServiceUnavailable: m")),
            (api_error(503, "ServiceUnavailable"), ApiServerProxy, not_readable("503 ServiceUnavailable: m")),
            (api_error(404, "NotFound"), ApiServerProxy, failed("404 NotFound: m")),
            (response(503, "busy\n"), ApiServerProxy, failed("503: busy")),
            (response(401, ""), Direct, not_readable("401: ")),
            (response(500, "broken"), Direct, failed("500: broken")),
        ];
        for (outcome, transport, expected) in cases {
            assert_eq!(classify(outcome, transport), expected);
        }
    }
}
