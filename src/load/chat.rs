//! One chat: sent, its answer read to the end under three bounds, and a record of it. The reading half (`receive`) takes
//! any response, so that a probe through another transport is judged by the same rule. Nothing here decides when to
//! send, and nothing is counted.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tower::ServiceExt;

use super::chat_client::ChatClient;
use super::deadline::{RequestDeadline, timeout_at};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure, ResponseBody};
use crate::model::load::{RequestOutcome, RequestRecord, RequestTimeouts};
use crate::ollama::{self, ChatStream, ChatStreamError, ChatTotals};

/// Bytes of a refusal's body that are read: many times what is kept of its words.
const ERROR_BODY_BYTES: usize = 4096;
/// How long those bytes, or the end of a body after `done: true`, are waited for. Both are there at once or never; the
/// outcome stands without them.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// One request's place in the load.
#[derive(Clone, Copy, Debug)]
pub struct ScheduledRequest {
    /// Number of the request; with the load's seed it gives the generation's seed.
    pub id: u64,
    /// Number of the worker.
    pub worker: u32,
    /// When it was due, microseconds of the run's clock.
    pub due_us: u64,
}

/// What can be heard of a request before it has ended. `()` listens to nothing.
pub trait ResponseObserver {
    /// A status line came, so a connection stands.
    fn on_headers(&mut self) {}
    /// A chat chunk came so many microseconds after the one before it.
    fn on_chunk_gap(&mut self, _us: u64) {}
}

impl ResponseObserver for () {}

/// Sends one chat and reads its answer. It ends by itself within the load's total timeout (and a second of courtesy);
/// `stop` ends it sooner, as cancelled by ramp-down with what had come until then. It does not fail: what goes wrong is
/// in the record.
pub async fn send_chat(
    caller: &ChatClient,
    turn: ScheduledRequest,
    stop: impl Future<Output = ()>,
    ear: &mut impl ResponseObserver,
) -> RequestRecord {
    // The body is made before the request counts as sent: its cost is ours, so it belongs to the lateness.
    let request = caller.request(turn.id);
    let mut record = new_record(turn, caller.clock().now_us());
    let ended = tokio::select! {
        biased;
        () = send_and_receive(caller, request, &mut record, ear) => true,
        () = stop => false,
    };
    // A good answer whose body is only being drained stays good.
    if !ended && record.outcome != RequestOutcome::Succeeded {
        record.ended_us = caller.clock().now_us();
    }
    record
}

/// The record of a request that was sent at this moment, in microseconds of the run's clock. Until something else is
/// known, what ended it is our own plan.
#[must_use]
pub fn new_record(turn: ScheduledRequest, sent_us: u64) -> RequestRecord {
    RequestRecord {
        id: turn.id,
        worker: turn.worker,
        scheduled_us: turn.due_us,
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
        error: None,
    }
}

async fn send_and_receive(
    caller: &ChatClient,
    request: http::Request<Bytes>,
    record: &mut RequestRecord,
    ear: &mut impl ResponseObserver,
) {
    let (clock, timeouts) = (caller.clock(), &caller.load().timeouts);
    let bound = RequestDeadline::next(record, timeouts, None);
    match timeout_at(clock, bound.at_us, caller.http().oneshot(request)).await {
        None => complete_failed(record, clock, bound.outcome, &bound.describe(record)),
        Some(Err(error)) => complete_failed(record, clock, failure_outcome(error.failure), &error.message),
        Some(Ok(response)) => receive_response(response, clock, timeouts, record, ear).await,
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

/// Reads an answer to its end and completes the record, whose `sent_us` starts the bounds of the first token and of the
/// whole. Ends within the total timeout and a second of courtesy; dropping the future drops the body.
pub async fn receive_response(
    response: http::Response<ResponseBody>,
    clock: &RunClock,
    timeouts: &RequestTimeouts,
    record: &mut RequestRecord,
    ear: &mut impl ResponseObserver,
) {
    ear.on_headers();
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    record.headers_us = Some(clock.now_us());
    record.status = Some(status);
    match ollama::status_outcome(status) {
        Some(outcome) => {
            complete_failed(record, clock, outcome, &format!("HTTP {status}"));
            let words = read_error_body(body).await;
            record.error = Some(format!("HTTP {status}: {words}"));
        }
        None => receive_stream(body, clock, timeouts, record, ear).await,
    }
}

async fn read_error_body(mut body: ResponseBody) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(more)) = body.next().await
            && bytes.len() < ERROR_BODY_BYTES
        {
            bytes.extend_from_slice(&more[..more.len().min(ERROR_BODY_BYTES - bytes.len())]);
        }
    };
    // Too slow or broken: what came will do.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read).await;
    let words = ollama::error_body_text(&bytes);
    if words.is_empty() { "no words".to_owned() } else { words }
}

async fn receive_stream(
    mut body: ResponseBody,
    clock: &RunClock,
    timeouts: &RequestTimeouts,
    record: &mut RequestRecord,
    ear: &mut impl ResponseObserver,
) {
    let mut stream = ChatStream::default();
    let mut last_us = None;
    let broke = loop {
        let bound = RequestDeadline::next(record, timeouts, last_us);
        let bytes = match timeout_at(clock, bound.at_us, body.next()).await {
            None => return complete_failed(record, clock, bound.outcome, &bound.describe(record)),
            Some(None) => break None,
            Some(Some(Err(error))) => break Some(error),
            Some(Some(Ok(bytes))) => bytes,
        };
        let fed = stream.push(&bytes);
        last_us = record_chunks(&stream, clock.now_us(), last_us, record, ear);
        match (fed, stream.totals()) {
            // The done line and a fault can come in the same bytes: the fault decides.
            (Err(fault), _) => return complete_failed(record, clock, fault.outcome(), &fault.to_string()),
            (Ok(()), Some(totals)) => {
                complete_good(record, clock, totals);
                return drain_body(body, stream, clock, record).await;
            }
            (Ok(()), None) => {}
        }
    };
    let ended = stream.finish();
    record_chunks(&stream, clock.now_us(), last_us, record, ear);
    match (ended, broke) {
        (Ok(totals), _) => complete_good(record, clock, &totals),
        (Err(fault @ ChatStreamError::Truncated { .. }), Some(HttpError { message, .. })) => {
            complete_failed(record, clock, fault.outcome(), &format!("{fault}: {message}"));
        }
        (Err(fault), _) => complete_failed(record, clock, fault.outcome(), &fault.to_string()),
    }
}

/// Reads on after `done: true`: nothing but blank lines may follow. A body that breaks or stays open changes nothing.
async fn drain_body(mut body: ResponseBody, mut stream: ChatStream, clock: &RunClock, record: &mut RequestRecord) {
    let rest = async {
        while let Some(Ok(bytes)) = body.next().await {
            stream.push(&bytes)?;
        }
        stream.finish().map(|_| ())
    };
    if let Ok(Err(fault)) = tokio::time::timeout(DRAIN_TIMEOUT, rest).await {
        complete_failed(record, clock, fault.outcome(), &fault.to_string());
    }
}

/// Notes the chunks that the last bytes completed; returns when the last one came.
fn record_chunks(
    stream: &ChatStream,
    now_us: u64,
    mut last_us: Option<u64>,
    record: &mut RequestRecord,
    ear: &mut impl ResponseObserver,
) -> Option<u64> {
    for _ in record.chunks..stream.chunks() {
        if let Some(last) = last_us {
            let gap_us = now_us.saturating_sub(last);
            ear.on_chunk_gap(gap_us);
            record.largest_chunk_gap_us = record.largest_chunk_gap_us.max(gap_us);
        }
        last_us = Some(now_us);
    }
    record.chunks = stream.chunks();
    if stream.has_content() {
        record.first_token_us.get_or_insert(now_us);
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

fn complete_failed(record: &mut RequestRecord, clock: &RunClock, outcome: RequestOutcome, why: &str) {
    record.outcome = outcome;
    record.ended_us = clock.now_us();
    record.error = Some(ollama::sanitize_text(why));
}
