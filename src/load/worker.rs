//! One worker of the closed loop: a chat, its record, a wait if it failed, the next chat.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::LoadError;
use super::backoff::Backoff;
use super::caller::Caller;
use super::chat::{Ear, Turn, chat};
use super::quantiles::{Histogram, Precision, histogram};
use super::tally::Tally;
use crate::record::load::{Connection, RequestRecord};
use crate::stop::Stop;

/// What all workers share.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) caller: Arc<Caller>,
    pub(super) tally: Arc<Tally>,
    pub(super) records: mpsc::Sender<RequestRecord>,
    pub(super) stop: Stop,
}

/// A worker.
pub(super) struct Worker {
    number: u32,
    desk: Desk,
    backoff: Backoff,
    ear: WorkerEar,
}

impl Worker {
    pub(super) fn new(number: u32, desk: Desk) -> Result<Self, LoadError> {
        let load = desk.caller.load();
        let backoff = Backoff::new(load.seed, number);
        let ear = WorkerEar {
            tally: Arc::clone(&desk.tally),
            connection: load.connection,
            connections: 0,
            gaps: histogram(Precision::Coarse)?,
        };
        Ok(Self { number, desk, backoff, ear })
    }

    /// Works until the load is stopped. The first request is due at `due_us`.
    pub(super) async fn run(mut self, mut due_us: u64) {
        let clock = *self.desk.caller.clock();
        let stop = self.desk.stop.clone();
        while !stop.now() {
            let turn = Turn { id: self.desk.tally.begin(), worker: self.number, due_us };
            let record = chat(&self.desk.caller, turn, stop.pressed(), &mut self.ear).await;
            // The next one is due now: counting and recording this one is our own time, so it shows as lateness.
            due_us = clock.now_us();
            self.desk.tally.end(&record, &self.ear.gaps);
            self.ear.gaps.reset();
            let wait = self.backoff.after(record.outcome);
            if self.desk.records.send(record).await.is_err() {
                // The writer is gone, which only a bug in it can do; its join tells of it.
                return;
            }
            if wait > Duration::ZERO {
                due_us = due_us.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
                let left = Duration::from_micros(due_us.saturating_sub(clock.now_us()));
                tokio::select! {
                    biased;
                    () = stop.pressed() => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        }
    }
}

struct WorkerEar {
    tally: Arc<Tally>,
    connection: Connection,
    connections: u64,
    /// Gaps of the request that is running: whether they count is known at its end.
    gaps: Histogram,
}

impl Ear for WorkerEar {
    fn connected(&mut self) {
        // A pool may or may not have a kept connection to give; only the worker's first is certain to be a new one or
        // another worker's, so that kept connections are never counted twice.
        if self.connection == Connection::PerRequest || self.connections == 0 {
            self.connections += 1;
            self.tally.connected();
        }
    }

    fn gap(&mut self, us: u64) {
        self.gaps.saturating_record(us);
    }
}
