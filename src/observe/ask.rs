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

use super::outside::Outside;
use crate::causes::chain;
use crate::record::reading::{Answer, Sample};

/// Bound of one request: longer than any healthy hop takes, shorter than the shortest sync period in use.
const BOUND: Duration = Duration::from_secs(5);
/// What the exporters and stores that are read here answer in.
const ACCEPTED: &str = "application/json, text/plain;version=0.0.4;q=0.9, */*;q=0.5";
/// Of a text that is no Status, so much goes into the evidence.
const EXCERPT: usize = 300;

/// An answer.
pub(super) struct Heard {
    pub(super) status: u16,
    /// The Date header, as sent.
    pub(super) date: Option<String>,
    pub(super) body: Bytes,
}

/// Who carried a question: decides whose word an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Asked as the HPA controller asks: what the API server says of an aggregated API is what the controller hears too.
    Aggregation,
    /// The API server's proxy: its own errors say nothing about what is behind it.
    Proxy,
    /// Nobody.
    Direct,
}

/// A GET through the API server.
pub(super) async fn by_kube(outside: &Outside, path: &str) -> Result<Heard, String> {
    let request = http::Request::get(path).header(ACCEPT, ACCEPTED).body(Body::empty()).map_err(|e| chain(&e))?;
    let exchange = async {
        let (head, body) = outside.kube.send(request).await.map_err(|e| chain(&e))?.into_parts();
        let body = body.collect_bytes().await.map_err(|e| chain(&e))?;
        Ok(heard(&head, body))
    };
    timeout(BOUND, exchange).await.unwrap_or_else(|_| Err(late()))
}

/// A GET to a URL.
pub(super) async fn by_url(outside: &Outside, url: &str) -> Result<Heard, String> {
    let request = http::Request::get(url).header(ACCEPT, ACCEPTED).body(Bytes::new()).map_err(|e| chain(&e))?;
    let exchange = async {
        let (head, body) = outside.http.clone().oneshot(request).await.map_err(|e| chain(&e))?.into_parts();
        let chunks: Vec<Bytes> = body.try_collect().await.map_err(|e| chain(&e))?;
        Ok(heard(&head, chunks.concat().into()))
    };
    timeout(BOUND, exchange).await.unwrap_or_else(|_| Err(late()))
}

fn heard(head: &http::response::Parts, body: Bytes) -> Heard {
    let date = head.headers.get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    Heard { status: head.status.as_u16(), date, body }
}

fn late() -> String {
    format!("no answer within {} s", BOUND.as_secs())
}

/// What a request's outcome says about the hop.
pub(super) fn answer<E: Display>(
    outcome: Result<Heard, String>,
    carrier: Carrier,
    read: impl FnOnce(&[u8]) -> Result<Vec<Sample>, E>,
) -> Answer {
    let heard = match outcome {
        Ok(heard) => heard,
        Err(why) => return Answer::NotReadable(why),
    };
    if (200..300).contains(&heard.status) {
        return read(&heard.body).map_or_else(|e| Answer::Failed(e.to_string()), Answer::Samples);
    }
    let own = status(&heard.body);
    let why = said(heard.status, own.as_ref(), &heard.body);
    match (heard.status, carrier) {
        // Our rights and our share of the API server's attention.
        (401 | 403 | 429, _) => Answer::NotReadable(why),
        // The object behind the proxy does not exist: that is said about the hop.
        (404, _) => Answer::Failed(why),
        (_, Carrier::Proxy) if own.is_some() => Answer::NotReadable(why),
        _ => Answer::Failed(why),
    }
}

/// The Kubernetes Status of an error, if the body is one.
fn status(body: &[u8]) -> Option<Status> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    (value.get("kind")?.as_str()? == "Status").then(|| serde_json::from_value(value).ok()).flatten()
}

fn said(code: u16, own: Option<&Status>, body: &[u8]) -> String {
    match own {
        Some(own) if own.reason.is_empty() => format!("{code}: {}", own.message),
        Some(own) => format!("{code} {}: {}", own.reason, own.message),
        None => {
            let text = String::from_utf8_lossy(body);
            let excerpt: String = text.trim().chars().take(EXCERPT).collect();
            format!("{code}: {excerpt}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, body: &str) -> Result<Heard, String> {
        Ok(Heard { status, date: None, body: Bytes::from(body.to_owned()) })
    }

    fn judged(outcome: Result<Heard, String>, carrier: Carrier) -> Answer {
        answer(outcome, carrier, |_| Err::<Vec<Sample>, _>("unreadable"))
    }

    fn own(code: u16, reason: &str) -> Result<Heard, String> {
        heard(
            code,
            &format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"m","reason":"{reason}","code":{code}}}"#
            ),
        )
    }

    #[test]
    fn only_the_hops_own_word_is_its_failure() {
        use Carrier::{Aggregation, Direct, Proxy};
        let failed = |why: &str| Answer::Failed(why.to_owned());
        let deaf = |why: &str| Answer::NotReadable(why.to_owned());
        let cases = [
            (Err("refused".to_owned()), Direct, deaf("refused")),
            (heard(200, "?"), Direct, failed("unreadable")),
            (own(403, "Forbidden"), Aggregation, deaf("403 Forbidden: m")),
            (own(404, "NotFound"), Aggregation, failed("404 NotFound: m")),
            (own(503, "ServiceUnavailable"), Aggregation, failed("503 ServiceUnavailable: m")),
            (own(503, "ServiceUnavailable"), Proxy, deaf("503 ServiceUnavailable: m")),
            (own(404, "NotFound"), Proxy, failed("404 NotFound: m")),
            (heard(503, "busy\n"), Proxy, failed("503: busy")),
            (heard(401, ""), Direct, deaf("401: ")),
            (heard(500, "broken"), Direct, failed("500: broken")),
        ];
        for (outcome, carrier, expected) in cases {
            assert_eq!(judged(outcome, carrier), expected);
        }
    }
}
