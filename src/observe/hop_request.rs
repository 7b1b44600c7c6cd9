//! One bounded request, by way of the API server or to a URL, and what its outcome says about the hop that was asked.

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
use crate::error_chain::format_chain;
use crate::model::reading::{MetricSample, ReadingResult};

/// Bound of one request: longer than any healthy hop takes, shorter than the shortest sync period in use.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// What the exporters and stores that are read here answer in.
const ACCEPT_TYPES: &str = "application/json, text/plain;version=0.0.4;q=0.9, */*;q=0.5";
/// Of a text that is no Status, so much goes into the evidence.
const EXCERPT_CHARS: usize = 300;

/// An answer.
pub(super) struct HopResponse {
    pub(super) status: u16,
    /// The Date header, as sent.
    pub(super) date: Option<String>,
    pub(super) body: Bytes,
}

/// Who carried a question: decides whose word an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HopTransport {
    /// Asked as the HPA controller asks: what the API server says of an aggregated API is what the controller hears too.
    AggregatedApi,
    /// The API server's proxy: its own errors say nothing about what is behind it.
    ApiServerProxy,
    /// Nobody.
    Direct,
}

/// A GET through the API server.
pub(super) async fn get_via_api_server(outside: &ObserverContext, path: &str) -> Result<HopResponse, String> {
    let request =
        http::Request::get(path).header(ACCEPT, ACCEPT_TYPES).body(Body::empty()).map_err(|e| format_chain(&e))?;
    let exchange = async {
        let (head, body) = outside.kube.send(request).await.map_err(|e| format_chain(&e))?.into_parts();
        let body = body.collect_bytes().await.map_err(|e| format_chain(&e))?;
        Ok(hop_response(&head, body))
    };
    timeout(REQUEST_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(timeout_message()))
}

/// A GET to a URL.
pub(super) async fn get_url(outside: &ObserverContext, url: &str) -> Result<HopResponse, String> {
    let request =
        http::Request::get(url).header(ACCEPT, ACCEPT_TYPES).body(Bytes::new()).map_err(|e| format_chain(&e))?;
    let exchange = async {
        let (head, body) = outside.http.clone().oneshot(request).await.map_err(|e| format_chain(&e))?.into_parts();
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
    format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())
}

/// What a request's outcome says about the hop.
pub(super) fn classify_response<E: Display>(
    outcome: Result<HopResponse, String>,
    carrier: HopTransport,
    read: impl FnOnce(&[u8]) -> Result<Vec<MetricSample>, E>,
) -> ReadingResult {
    let heard = match outcome {
        Ok(heard) => heard,
        Err(why) => return ReadingResult::NotReadable(why),
    };
    if (200..300).contains(&heard.status) {
        return read(&heard.body).map_or_else(|e| ReadingResult::Failed(e.to_string()), ReadingResult::Samples);
    }
    let own = parse_status(&heard.body);
    let why = error_message(heard.status, own.as_ref(), &heard.body);
    match (heard.status, carrier) {
        // Our rights and our share of the API server's attention.
        (401 | 403 | 429, _) => ReadingResult::NotReadable(why),
        // The object behind the proxy does not exist: that is said about the hop.
        (404, _) => ReadingResult::Failed(why),
        (_, HopTransport::ApiServerProxy) if own.is_some() => ReadingResult::NotReadable(why),
        _ => ReadingResult::Failed(why),
    }
}

/// The Kubernetes Status of an error, if the body is one.
fn parse_status(body: &[u8]) -> Option<Status> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    (value.get("kind")?.as_str()? == "Status").then(|| serde_json::from_value(value).ok()).flatten()
}

fn error_message(code: u16, own: Option<&Status>, body: &[u8]) -> String {
    match own {
        Some(own) if own.reason.is_empty() => format!("{code}: {}", own.message),
        Some(own) => format!("{code} {}: {}", own.reason, own.message),
        None => {
            let text = String::from_utf8_lossy(body);
            let excerpt: String = text.trim().chars().take(EXCERPT_CHARS).collect();
            format!("{code}: {excerpt}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, body: &str) -> Result<HopResponse, String> {
        Ok(HopResponse { status, date: None, body: Bytes::from(body.to_owned()) })
    }

    fn judged(outcome: Result<HopResponse, String>, carrier: HopTransport) -> ReadingResult {
        classify_response(outcome, carrier, |_| Err::<Vec<MetricSample>, _>("unreadable"))
    }

    fn own(code: u16, reason: &str) -> Result<HopResponse, String> {
        heard(
            code,
            &format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"m","reason":"{reason}","code":{code}}}"#
            ),
        )
    }

    #[test]
    fn only_the_hops_own_word_is_its_failure() {
        use HopTransport::{AggregatedApi, ApiServerProxy, Direct};
        let failed = |why: &str| ReadingResult::Failed(why.to_owned());
        let deaf = |why: &str| ReadingResult::NotReadable(why.to_owned());
        let cases = [
            (Err("refused".to_owned()), Direct, deaf("refused")),
            (heard(200, "?"), Direct, failed("unreadable")),
            (own(403, "Forbidden"), AggregatedApi, deaf("403 Forbidden: m")),
            (own(404, "NotFound"), AggregatedApi, failed("404 NotFound: m")),
            (own(503, "ServiceUnavailable"), AggregatedApi, failed("503 ServiceUnavailable: m")),
            (own(503, "ServiceUnavailable"), ApiServerProxy, deaf("503 ServiceUnavailable: m")),
            (own(404, "NotFound"), ApiServerProxy, failed("404 NotFound: m")),
            (heard(503, "busy\n"), ApiServerProxy, failed("503: busy")),
            (heard(401, ""), Direct, deaf("401: ")),
            (heard(500, "broken"), Direct, failed("500: broken")),
        ];
        for (outcome, carrier, expected) in cases {
            assert_eq!(judged(outcome, carrier), expected);
        }
    }
}
