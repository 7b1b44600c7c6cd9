//! The load: a closed loop of workers, each sending its next chat when its last one has ended, against one URL.
//!
//! It measures itself beside the server (`void`): how late it sent, and how late its own timers ran. It judges nothing
//! but that; what the platform made of the load is read from the timeline. Nothing here reads a wall clock or opens a
//! socket: requests go through [`World::http`](crate::world::World), waits through `tokio::time`.

mod backoff;
mod bound;
mod caller;
mod chat;
mod metronome;
mod probe;
mod quantiles;
mod record_file;
mod tally;
mod void;
mod worker;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use caller::Caller;
pub use chat::{Ear, Turn, begun, chat, receive};
use metronome::Metronome;
pub use probe::{as_seen, probe};
use quantiles::Histogram;
use record_file::RecordFile;
use tally::Tally;
pub use void::reason as void_reason;
use worker::Desk;

use crate::record::load::{Load, LoadReport};
use crate::record::observation::Seen;
use crate::stop::{self, StopButton};
use crate::world::{Book, BundleError, World};

/// Records that may wait for the file. One second of the fastest load that one machine is meant to give (1000 requests
/// a second, under a megabyte); when the disk falls further behind, workers wait, and that shows as lateness.
const WAITING_RECORDS: usize = 1024;

/// Why a load could not be given, or not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is no HTTP URL.
    #[error("send load to `{url}`: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The record of requests could not be kept.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// The record of requests could not be compressed.
    #[error("compress the record of requests: {0}")]
    Compression(String),
    /// A histogram could not be made: a bug, its bounds are constants.
    #[error("make a histogram: {0} (this is a bug in gpuhpa)")]
    Histogram(String),
    /// A task of the load ended in a panic: a bug.
    #[error("the load's {task} failed: {why} (this is a bug in gpuhpa)")]
    Task {
        /// Which one.
        task: &'static str,
        /// What it said.
        why: String,
    },
}

/// A load that runs until it is stopped. Dropped instead, its tasks end by themselves soon after, unjoined and without
/// a report.
#[derive(Debug)]
pub struct Running {
    book: Arc<Book>,
    tally: Arc<Tally>,
    stop: StopButton,
    workers: Vec<JoinHandle<()>>,
    metronome: JoinHandle<Histogram>,
    file: JoinHandle<Result<(), LoadError>>,
}

/// Starts the load: `load.concurrency` workers that post to `{base_url}/api/chat`, at once and until [`Running::stop`].
/// Counters go to the timeline now, every second, and at the end; each request to `requests.jsonl.zst`. Fails when the
/// URL cannot be used. Must be called on a tokio runtime.
pub fn start(world: &World, load: &Load, base_url: &str) -> Result<Running, LoadError> {
    let caller = Caller::new(world.http.clone(), world.clock, load.clone(), base_url)?;
    let tally = Arc::new(Tally::new(load)?);
    let (stop, stopped) = stop::button();
    let (records, written) = mpsc::channel(WAITING_RECORDS);
    let file = RecordFile::open(world.bundle.clone())?;
    let metronome = Metronome::new(world.clock, Arc::clone(&world.book), Arc::clone(&tally))?;
    world.book.note(Seen::Load(tally.seen()), None);

    let desk = Desk { caller: Arc::new(caller), tally: Arc::clone(&tally), records, stop: stopped.clone() };
    let due_us = world.clock.now_us();
    let workers = (0..load.concurrency)
        .map(|number| Ok(tokio::spawn(worker::Worker::new(number, desk.clone())?.run(due_us))))
        .collect::<Result<_, LoadError>>()?;
    Ok(Running {
        book: Arc::clone(&world.book),
        tally,
        stop,
        workers,
        metronome: tokio::spawn(metronome.run(stopped)),
        file: tokio::spawn(file.run(written)),
    })
}

impl Running {
    /// Takes the load away: requests in flight are dropped and counted as cancelled by ourselves, every task is joined,
    /// the record of requests is finished. Fails when that record could not be kept, or on a bug; even then every task
    /// has ended.
    pub async fn stop(self) -> Result<LoadReport, LoadError> {
        self.stop.press();
        let mut ended = Ok(());
        for worker in self.workers {
            ended = ended.and(joined("worker", worker.await));
        }
        let late = joined("metronome", self.metronome.await);
        // The workers held the queue's other end, so that the file ends when they have.
        let file = joined("record of requests", self.file.await).and_then(|written| written);
        self.book.note(Seen::Load(self.tally.seen()), None);
        ended.and(file)?;
        let mut report = self.tally.report();
        report.timer_late_us = quantiles::of(&late?);
        report.void = void::reason(&report);
        Ok(report)
    }
}

fn joined<T>(task: &'static str, result: Result<T, tokio::task::JoinError>) -> Result<T, LoadError> {
    result.map_err(|e| LoadError::Task { task, why: e.to_string() })
}
