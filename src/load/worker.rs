//! A worker of the closed loop: sends a chat, records it, waits if it failed, sends the next chat.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::LoadError;
use super::backoff::WorkerBackoff;
use super::chat::{ResponseObserver, ScheduledRequest, send_chat};
use super::chat_client::ChatClient;
use super::quantiles::{HistogramPrecision, MicrosHistogram, new_histogram};
use super::stats::LoadStats;
use crate::cancel::CancelToken;
use crate::model::load::{ConnectionPolicy, RequestRecord};

/// State that all workers share.
#[derive(Clone)]
pub(super) struct WorkerContext {
    pub(super) client: Arc<ChatClient>,
    pub(super) stats: Arc<LoadStats>,
    pub(super) records: mpsc::Sender<RequestRecord>,
    pub(super) cancelled: CancelToken,
}

/// One worker of the closed loop.
pub(super) struct LoadWorker {
    number: u32,
    context: WorkerContext,
    backoff: WorkerBackoff,
    observer: WorkerObserver,
}

impl LoadWorker {
    pub(super) fn new(number: u32, context: WorkerContext) -> Result<Self, LoadError> {
        let load = context.client.load();
        let backoff = WorkerBackoff::new(load.seed, number);
        let observer = WorkerObserver {
            stats: Arc::clone(&context.stats),
            connection: load.connection,
            connections: 0,
            chunk_gaps: new_histogram(HistogramPrecision::Coarse)?,
        };
        Ok(Self { number, context, backoff, observer })
    }

    /// Sends chats until the load is stopped. The first one is due at `due_us`.
    pub(super) async fn run(mut self, mut due_us: u64) {
        let clock = *self.context.client.clock();
        let token = self.context.cancelled.clone();
        while !token.is_cancelled() {
            let scheduled = ScheduledRequest { id: self.context.stats.begin_request(), worker: self.number, due_us };
            let record = send_chat(&self.context.client, scheduled, token.cancelled(), &mut self.observer).await;
            // The next request is due now: the time to count and record this one is the client's, so it counts as
            // lateness.
            due_us = clock.now_us();
            self.context.stats.end_request(&record, &self.observer.chunk_gaps);
            self.observer.chunk_gaps.reset();
            let wait = self.backoff.delay_after(record.outcome);
            if self.context.records.send(record).await.is_err() {
                // Only a bug ends the request log early; joining its task reports it.
                return;
            }
            if wait > Duration::ZERO {
                due_us = due_us.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
                let left = Duration::from_micros(due_us.saturating_sub(clock.now_us()));
                tokio::select! {
                    biased;
                    () = token.cancelled() => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        }
    }
}

struct WorkerObserver {
    stats: Arc<LoadStats>,
    connection: ConnectionPolicy,
    connections: u64,
    /// Chunk gaps of the request in flight: they count only if it succeeds.
    chunk_gaps: MicrosHistogram,
}

impl ResponseObserver for WorkerObserver {
    fn on_headers(&mut self) {
        // Whether the pool reuses a connection is not known; counting only the worker's first response never counts a
        // reused connection twice.
        if self.connection == ConnectionPolicy::PerRequest || self.connections == 0 {
            self.connections += 1;
            self.stats.count_connection();
        }
    }

    fn on_chunk_gap(&mut self, us: u64) {
        self.chunk_gaps.saturating_record(us);
    }
}
