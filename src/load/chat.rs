//! Sends one chat, reads its response within three timeouts, and returns a record of it. The transport is the client's, so
//! that a probe through another one has the same rule of success. Nothing here decides when to send or counts requests.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tower::ServiceExt;

use super::chat_client::ChatClient;
use super::deadline::{RequestDeadline, timeout_at};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure, ResponseBody, sanitize_text};
use crate::model::load::{RequestOutcome, RequestRecord};
use crate::protocol::{self, ChatStream, ChatStreamError, ChatTotals, ServingProtocol};

/// Bytes of an error response's body that are read: many times what the record keeps.
const ERROR_BODY_BYTES: usize = 4096;
/// Wait for those bytes, or for the end of a body after its end mark. Both arrive at once or never; the outcome does
/// not depend on them.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// One request of the load, before it is sent.
#[derive(Clone, Copy, Debug)]
pub struct ScheduledRequest {
    /// Number of the request; determines its seed together with the load's seed.
    pub id: u64,
    /// Number of the worker.
    pub worker: u32,
    /// When it is due, in microseconds of the run's clock.
    pub due_us: u64,
}

/// Callbacks during a response. `()` ignores them.
pub trait ResponseObserver {
    /// The status line arrived: the connection works.
    fn on_headers(&mut self) {}
    /// A chat chunk arrived `us` microseconds after the previous one.
    fn on_chunk_gap(&mut self, _us: u64) {}
}

impl ResponseObserver for () {}

/// Sends one chat and reads its response. Ends within the load's total timeout plus 1 s for the rest of the body;
/// `stop` ends it sooner, as cancelled by ramp-down, with what had arrived until then. Never fails: errors are in the
/// record.
pub async fn send_chat(
    client: &ChatClient,
    scheduled: ScheduledRequest,
    stop: impl Future<Output = ()>,
    observer: &mut impl ResponseObserver,
) -> RequestRecord {
    // The body is built before the request counts as sent: that time is the client's, so it counts as lateness.
    let request = client.request(scheduled.id);
    let mut record = new_record(scheduled, client.clock().now_us());
    let finished = tokio::select! {
        biased;
        () = send_and_receive(client, request, &mut record, observer) => true,
        () = stop => false,
    };
    // A response that has succeeded stays so while the rest of its body is drained.
    if !finished && record.outcome != RequestOutcome::Succeeded {
        record.ended_us = client.clock().now_us();
    }
    // These are the texts of the server.
    record.error = record.error.map(|text| client.hide_bearer_token(text));
    record.remote_model = record.remote_model.map(|text| client.hide_bearer_token(text));
    record
}

/// The record of a request that is sent at `sent_us` microseconds of the run's clock. Its outcome is cancelled by
/// ramp-down until the request ends otherwise.
#[must_use]
pub(crate) fn new_record(scheduled: ScheduledRequest, sent_us: u64) -> RequestRecord {
    RequestRecord {
        id: scheduled.id,
        worker: scheduled.worker,
        scheduled_us: scheduled.due_us,
        sent_us,
        headers_us: None,
        first_token_us: None,
        ended_us: sent_us,
        status: None,
        outcome: RequestOutcome::CancelledByRampDown,
        chunks: 0,
        largest_chunk_gap_us: 0,
        tokens: 0,
        server_total_ns: None,
        server_load_ns: None,
        remote_model: None,
        error: None,
    }
}

async fn send_and_receive(
    client: &ChatClient,
    request: http::Request<Bytes>,
    record: &mut RequestRecord,
    observer: &mut impl ResponseObserver,
) {
    let (clock, timeouts) = (client.clock(), &client.load().timeouts);
    let bound = RequestDeadline::next(record, timeouts, None);
    match timeout_at(clock, bound.at_us, client.http().oneshot(request)).await {
        None => complete_failed(record, clock, bound.outcome, &bound.describe(record)),
        Some(Err(error)) => complete_failed(record, clock, failure_outcome(error.failure), &error.message),
        Some(Ok(response)) => receive_response(client, response, record, observer).await,
    }
}

fn failure_outcome(failure: HttpFailure) -> RequestOutcome {
    match failure {
        HttpFailure::Dns => RequestOutcome::Dns,
        HttpFailure::ConnectRefused => RequestOutcome::ConnectRefused,
        HttpFailure::ConnectTimeout => RequestOutcome::ConnectTimeout,
        HttpFailure::BeforeHeaders | HttpFailure::InBody => RequestOutcome::ResetBeforeHeaders,
    }
}

/// Reads a response to its end and completes the record, whose `sent_us` is the start of the first-token and total
/// timeouts. Ends within the total timeout plus 1 s; dropping the future drops the body.
async fn receive_response(
    client: &ChatClient,
    response: http::Response<ResponseBody>,
    record: &mut RequestRecord,
    observer: &mut impl ResponseObserver,
) {
    observer.on_headers();
    let (clock, protocol) = (client.clock(), client.protocol());
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    record.headers_us = Some(clock.now_us());
    record.status = Some(status);
    match protocol.refusal_outcome(status) {
        Some(outcome) => {
            complete_failed(record, clock, outcome, &format!("HTTP {status}"));
            let text = read_error_body(protocol, body).await;
            record.error = Some(format!("HTTP {status}: {text}"));
        }
        None => receive_stream(client, body, record, observer).await,
    }
}

async fn read_error_body(protocol: &dyn ServingProtocol, mut body: ResponseBody) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(more)) = body.next().await
            && bytes.len() < ERROR_BODY_BYTES
        {
            bytes.extend_from_slice(&more[..more.len().min(ERROR_BODY_BYTES - bytes.len())]);
        }
    };
    // Too slow or broken: what has arrived is enough.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read).await;
    let text = protocol.refusal_text(&bytes);
    if text.is_empty() { "empty body".to_owned() } else { text }
}

async fn receive_stream(
    client: &ChatClient,
    mut body: ResponseBody,
    record: &mut RequestRecord,
    observer: &mut impl ResponseObserver,
) {
    let (clock, timeouts) = (client.clock(), &client.load().timeouts);
    let mut stream = ChatStream::new(client.protocol());
    let mut last_us = None;
    let body_error = loop {
        let bound = RequestDeadline::next(record, timeouts, last_us);
        let bytes = match timeout_at(clock, bound.at_us, body.next()).await {
            None => return complete_failed(record, clock, bound.outcome, &bound.describe(record)),
            Some(None) => break None,
            Some(Some(Err(error))) => break Some(error),
            Some(Some(Ok(bytes))) => bytes,
        };
        let pushed = stream.push(&bytes);
        last_us = record_chunks(&stream, clock.now_us(), last_us, record, observer);
        match (pushed, stream.totals()) {
            // The end mark and an error can arrive in the same bytes: the error decides.
            (Err(error), _) => return complete_failed(record, clock, error.outcome(), &error.to_string()),
            (Ok(()), Some(totals)) => {
                complete_good(record, clock, totals);
                return drain_body(body, stream, clock, record).await;
            }
            (Ok(()), None) => {}
        }
    };
    let finished = stream.finish();
    record_chunks(&stream, clock.now_us(), last_us, record, observer);
    match (finished, body_error) {
        (Ok(totals), _) => complete_good(record, clock, &totals),
        (Err(error @ ChatStreamError::Truncated { .. }), Some(HttpError { message, .. })) => {
            complete_failed(record, clock, error.outcome(), &format!("{error}: {message}"));
        }
        (Err(error), _) => complete_failed(record, clock, error.outcome(), &error.to_string()),
    }
}

/// Reads the rest after the end mark: only blank lines may follow. A body that breaks or stays open changes nothing.
async fn drain_body(mut body: ResponseBody, mut stream: ChatStream, clock: &RunClock, record: &mut RequestRecord) {
    let rest = async {
        while let Some(Ok(bytes)) = body.next().await {
            stream.push(&bytes)?;
        }
        stream.finish().map(|_| ())
    };
    if let Ok(Err(error)) = tokio::time::timeout(DRAIN_TIMEOUT, rest).await {
        complete_failed(record, clock, error.outcome(), &error.to_string());
    }
}

/// Records the chunks that the last bytes completed; returns the arrival time of the last chunk.
fn record_chunks(
    stream: &ChatStream,
    now_us: u64,
    mut last_us: Option<u64>,
    record: &mut RequestRecord,
    observer: &mut impl ResponseObserver,
) -> Option<u64> {
    for _ in record.chunks..stream.chunks() {
        if let Some(last) = last_us {
            let gap_us = now_us.saturating_sub(last);
            observer.on_chunk_gap(gap_us);
            record.largest_chunk_gap_us = record.largest_chunk_gap_us.max(gap_us);
        }
        last_us = Some(now_us);
    }
    record.chunks = stream.chunks();
    if stream.has_content() {
        record.first_token_us.get_or_insert(now_us);
    }
    if record.remote_model.is_none() {
        record.remote_model = stream.remote_model().map(ToOwned::to_owned);
    }
    last_us
}

fn complete_good(record: &mut RequestRecord, clock: &RunClock, totals: &ChatTotals) {
    record.outcome = RequestOutcome::Succeeded;
    record.ended_us = clock.now_us();
    record.tokens = totals.tokens;
    record.server_total_ns = totals.total_ns;
    record.server_load_ns = totals.load_ns;
}

fn complete_failed(record: &mut RequestRecord, clock: &RunClock, outcome: RequestOutcome, reason: &str) {
    record.outcome = outcome;
    record.ended_us = clock.now_us();
    record.error = Some(sanitize_text(reason, protocol::MAX_ERROR_CHARS));
}
