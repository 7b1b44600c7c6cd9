//! One chat: sent, its answer read to the end under three bounds, and a record of it. The reading half (`receive`) takes
//! any response, so that a probe through another transport is judged by the same rule. Nothing here decides when to
//! send, and nothing is counted.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tower::ServiceExt;

use super::bound::{Bound, within};
use super::caller::Caller;
use crate::clock::Clock;
use crate::ollama::{self, ChatStream, Fault, Totals};
use crate::record::load::{Outcome, RequestRecord, Timeouts};
use crate::world::{Body, HttpError, HttpFailure};

/// Bytes of a refusal's body that are read: many times what is kept of its words.
const REFUSAL_BYTES: usize = 4096;
/// How long those bytes, or the end of a body after `done: true`, are waited for. Both are there at once or never; the
/// outcome stands without them.
const COURTESY: Duration = Duration::from_secs(1);

/// One request's place in the load.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Number of the request; with the load's seed it gives the generation's seed.
    pub id: u64,
    /// Number of the worker.
    pub worker: u32,
    /// When it was due, microseconds of the run's clock.
    pub due_us: u64,
}

/// What can be heard of a request before it has ended. `()` listens to nothing.
pub trait Ear {
    /// A status line came, so a connection stands.
    fn connected(&mut self) {}
    /// A chat chunk came so many microseconds after the one before it.
    fn gap(&mut self, _us: u64) {}
}

impl Ear for () {}

/// Sends one chat and reads its answer. It ends by itself within the load's total timeout (and a second of courtesy);
/// `stop` ends it sooner, as cancelled by ramp-down with what had come until then. It does not fail: what goes wrong is
/// in the record.
pub async fn chat(caller: &Caller, turn: Turn, stop: impl Future<Output = ()>, ear: &mut impl Ear) -> RequestRecord {
    // The body is made before the request counts as sent: its cost is ours, so it belongs to the lateness.
    let request = caller.request(turn.id);
    let mut record = begun(turn, caller.clock().now_us());
    let ended = tokio::select! {
        biased;
        () = converse(caller, request, &mut record, ear) => true,
        () = stop => false,
    };
    // A good answer whose body is only being drained stays good.
    if !ended && record.outcome != Outcome::Good {
        record.ended_us = caller.clock().now_us();
    }
    record
}

/// The record of a request that was sent at this moment, in microseconds of the run's clock. Until something else is
/// known, what ended it is our own plan.
#[must_use]
pub fn begun(turn: Turn, sent_us: u64) -> RequestRecord {
    RequestRecord {
        id: turn.id,
        worker: turn.worker,
        due_us: turn.due_us,
        sent_us,
        headers_us: None,
        first_token_us: None,
        ended_us: sent_us,
        status: None,
        outcome: Outcome::CancelledByRampDown,
        chunks: 0,
        largest_gap_us: 0,
        tokens: 0,
        server_total_ns: None,
        server_load_ns: None,
        error: None,
    }
}

async fn converse(caller: &Caller, request: http::Request<Bytes>, record: &mut RequestRecord, ear: &mut impl Ear) {
    let (clock, timeouts) = (caller.clock(), &caller.load().timeouts);
    let bound = Bound::next(record, timeouts, None);
    match within(clock, bound.at_us, caller.http().oneshot(request)).await {
        None => end(record, clock, bound.outcome, &bound.words(record)),
        Some(Err(error)) => end(record, clock, unanswered(error.failure), &error.message),
        Some(Ok(response)) => receive(response, clock, timeouts, record, ear).await,
    }
}

fn unanswered(failure: HttpFailure) -> Outcome {
    match failure {
        HttpFailure::Dns => Outcome::Dns,
        HttpFailure::ConnectRefused => Outcome::ConnectRefused,
        HttpFailure::ConnectTimeout => Outcome::ConnectTimeout,
        HttpFailure::BeforeHeaders | HttpFailure::InBody => Outcome::ResetBeforeHeaders,
    }
}

/// Reads an answer to its end and completes the record, whose `sent_us` starts the bounds of the first token and of the
/// whole. Ends within the total timeout and a second of courtesy; dropping the future drops the body.
pub async fn receive(
    response: http::Response<Body>,
    clock: &Clock,
    timeouts: &Timeouts,
    record: &mut RequestRecord,
    ear: &mut impl Ear,
) {
    ear.connected();
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    record.headers_us = Some(clock.now_us());
    record.status = Some(status);
    match ollama::refusal(status) {
        Some(outcome) => {
            end(record, clock, outcome, &format!("HTTP {status}"));
            let words = refusal_words(body).await;
            record.error = Some(format!("HTTP {status}: {words}"));
        }
        None => listen(body, clock, timeouts, record, ear).await,
    }
}

async fn refusal_words(mut body: Body) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(more)) = body.next().await
            && bytes.len() < REFUSAL_BYTES
        {
            bytes.extend_from_slice(&more[..more.len().min(REFUSAL_BYTES - bytes.len())]);
        }
    };
    // Too slow or broken: what came will do.
    let _ = tokio::time::timeout(COURTESY, read).await;
    let words = ollama::refusal_text(&bytes);
    if words.is_empty() { "no words".to_owned() } else { words }
}

async fn listen(mut body: Body, clock: &Clock, timeouts: &Timeouts, record: &mut RequestRecord, ear: &mut impl Ear) {
    let mut stream = ChatStream::default();
    let mut last_us = None;
    let broke = loop {
        let bound = Bound::next(record, timeouts, last_us);
        let bytes = match within(clock, bound.at_us, body.next()).await {
            None => return end(record, clock, bound.outcome, &bound.words(record)),
            Some(None) => break None,
            Some(Some(Err(error))) => break Some(error),
            Some(Some(Ok(bytes))) => bytes,
        };
        let fed = stream.push(&bytes);
        last_us = heard(&stream, clock.now_us(), last_us, record, ear);
        match (fed, stream.totals()) {
            // The done line and a fault can come in the same bytes: the fault decides.
            (Err(fault), _) => return end(record, clock, fault.outcome(), &fault.to_string()),
            (Ok(()), Some(totals)) => {
                good(record, clock, totals);
                return drain(body, stream, clock, record).await;
            }
            (Ok(()), None) => {}
        }
    };
    let ended = stream.finish();
    heard(&stream, clock.now_us(), last_us, record, ear);
    match (ended, broke) {
        (Ok(totals), _) => good(record, clock, &totals),
        (Err(fault @ Fault::Truncated { .. }), Some(HttpError { message, .. })) => {
            end(record, clock, fault.outcome(), &format!("{fault}: {message}"));
        }
        (Err(fault), _) => end(record, clock, fault.outcome(), &fault.to_string()),
    }
}

/// Reads on after `done: true`: nothing but blank lines may follow. A body that breaks or stays open changes nothing.
async fn drain(mut body: Body, mut stream: ChatStream, clock: &Clock, record: &mut RequestRecord) {
    let rest = async {
        while let Some(Ok(bytes)) = body.next().await {
            stream.push(&bytes)?;
        }
        stream.finish().map(|_| ())
    };
    if let Ok(Err(fault)) = tokio::time::timeout(COURTESY, rest).await {
        end(record, clock, fault.outcome(), &fault.to_string());
    }
}

/// Notes the chunks that the last bytes completed; returns when the last one came.
fn heard(
    stream: &ChatStream,
    now_us: u64,
    mut last_us: Option<u64>,
    record: &mut RequestRecord,
    ear: &mut impl Ear,
) -> Option<u64> {
    for _ in record.chunks..stream.chunks() {
        if let Some(last) = last_us {
            let gap_us = now_us.saturating_sub(last);
            ear.gap(gap_us);
            record.largest_gap_us = record.largest_gap_us.max(gap_us);
        }
        last_us = Some(now_us);
    }
    record.chunks = stream.chunks();
    if stream.spoke() {
        record.first_token_us.get_or_insert(now_us);
    }
    last_us
}

fn good(record: &mut RequestRecord, clock: &Clock, totals: &Totals) {
    record.outcome = Outcome::Good;
    record.ended_us = clock.now_us();
    record.tokens = totals.tokens;
    record.server_total_ns = totals.total_ns;
    record.server_load_ns = totals.load_ns;
}

fn end(record: &mut RequestRecord, clock: &Clock, outcome: Outcome, why: &str) {
    record.outcome = outcome;
    record.ended_us = clock.now_us();
    record.error = Some(ollama::clipped(why));
}
