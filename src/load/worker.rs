//! One worker of the closed loop: a chat, its record, a wait if it failed, the next chat.

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

/// What all workers share.
#[derive(Clone)]
pub(super) struct WorkerContext {
    pub(super) client: Arc<ChatClient>,
    pub(super) stats: Arc<LoadStats>,
    pub(super) records: mpsc::Sender<RequestRecord>,
    pub(super) cancelled: CancelToken,
}

/// A worker.
pub(super) struct LoadWorker {
    number: u32,
    context: WorkerContext,
    backoff: WorkerBackoff,
    observer: WorkerObserver,
}

impl LoadWorker {
    pub(super) fn new(number: u32, desk: WorkerContext) -> Result<Self, LoadError> {
        let load = desk.client.load();
        let backoff = WorkerBackoff::new(load.seed, number);
        let ear = WorkerObserver {
            stats: Arc::clone(&desk.stats),
            connection: load.connection,
            connections: 0,
            chunk_gaps: new_histogram(HistogramPrecision::Coarse)?,
        };
        Ok(Self { number, context: desk, backoff, observer: ear })
    }

    /// Works until the load is stopped. The first request is due at `due_us`.
    pub(super) async fn run(mut self, mut due_us: u64) {
        let clock = *self.context.client.clock();
        let stop = self.context.cancelled.clone();
        while !stop.is_cancelled() {
            let turn = ScheduledRequest { id: self.context.stats.begin_request(), worker: self.number, due_us };
            let record = send_chat(&self.context.client, turn, stop.cancelled(), &mut self.observer).await;
            // The next one is due now: counting and recording this one is our own time, so it shows as lateness.
            due_us = clock.now_us();
            self.context.stats.end_request(&record, &self.observer.chunk_gaps);
            self.observer.chunk_gaps.reset();
            let wait = self.backoff.delay_after(record.outcome);
            if self.context.records.send(record).await.is_err() {
                // The writer is gone, which only a bug in it can do; its join tells of it.
                return;
            }
            if wait > Duration::ZERO {
                due_us = due_us.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
                let left = Duration::from_micros(due_us.saturating_sub(clock.now_us()));
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
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
    /// Gaps of the request that is running: whether they count is known at its end.
    chunk_gaps: MicrosHistogram,
}

impl ResponseObserver for WorkerObserver {
    fn on_headers(&mut self) {
        // A pool may or may not have a kept connection to give; only the worker's first is certain to be a new one or
        // another worker's, so that kept connections are never counted twice.
        if self.connection == ConnectionPolicy::PerRequest || self.connections == 0 {
            self.connections += 1;
            self.stats.count_connection();
        }
    }

    fn on_chunk_gap(&mut self, us: u64) {
        self.chunk_gaps.saturating_record(us);
    }
}
