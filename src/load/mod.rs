//! The load: a closed loop of workers, each sending its next chat when its last one has ended, against one URL.
//!
//! It measures itself beside the server (`void`): how late it sent, and how late its own timers ran. It judges nothing
//! but that; what the platform made of the load is read from the timeline. Nothing here reads a wall clock or opens a
//! socket: requests go through [`World::http`](crate::world::World), waits through `tokio::time`.

mod backoff;
mod chat;
mod chat_client;
mod client_bound;
mod deadline;
mod probe;
mod quantiles;
mod record_file;
mod sampler;
mod stats;
mod worker;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use chat::{ResponseObserver, ScheduledRequest, new_record, receive_response, send_chat};
pub use chat_client::ChatClient;
pub use client_bound::reason as void_reason;
pub use probe::{probe_from_record, probe_pod};
use quantiles::MicrosHistogram;
use record_file::RecordFile;
use sampler::LoadSampler;
use stats::LoadStats;
use worker::WorkerContext;

use crate::cancel::{self, CancelHandle};
use crate::env::{BundleError, RunEnv, TimelineWriter};
use crate::model::load::{LoadReport, LoadSpec};
use crate::model::observation::ObservationKind;

/// Records that may wait for the file. One second of the fastest load that one machine is meant to give (1000 requests
/// a second, under a megabyte); when the disk falls further behind, workers wait, and that shows as lateness.
const QUEUED_RECORDS: usize = 1024;

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
pub struct RunningLoad {
    timeline: Arc<TimelineWriter>,
    stats: Arc<LoadStats>,
    cancel: CancelHandle,
    workers: Vec<JoinHandle<()>>,
    sampler: JoinHandle<MicrosHistogram>,
    record_file: JoinHandle<Result<(), LoadError>>,
}

/// Starts the load: `load.concurrency` workers that post to `{base_url}/api/chat`, at once and until [`Running::stop`].
/// Counters go to the timeline now, every second, and at the end; each request to `requests.jsonl.zst`. Fails when the
/// URL cannot be used. Must be called on a tokio runtime.
pub fn start(world: &RunEnv, load: &LoadSpec, base_url: &str) -> Result<RunningLoad, LoadError> {
    let caller = ChatClient::new(world.http.clone(), world.clock, load.clone(), base_url)?;
    let tally = Arc::new(LoadStats::new(load)?);
    let (stop, stopped) = cancel::channel();
    let (records, written) = mpsc::channel(QUEUED_RECORDS);
    let file = RecordFile::open(world.bundle.clone())?;
    let metronome = LoadSampler::new(world.clock, Arc::clone(&world.timeline), Arc::clone(&tally))?;
    world.timeline.record(ObservationKind::Load(tally.snapshot()), None);

    let desk =
        WorkerContext { client: Arc::new(caller), stats: Arc::clone(&tally), records, cancelled: stopped.clone() };
    let due_us = world.clock.now_us();
    let workers = (0..load.concurrency)
        .map(|number| Ok(tokio::spawn(worker::LoadWorker::new(number, desk.clone())?.run(due_us))))
        .collect::<Result<_, LoadError>>()?;
    Ok(RunningLoad {
        timeline: Arc::clone(&world.timeline),
        stats: tally,
        cancel: stop,
        workers,
        sampler: tokio::spawn(metronome.run(stopped)),
        record_file: tokio::spawn(file.run(written)),
    })
}

impl RunningLoad {
    /// Takes the load away: requests in flight are dropped and counted as cancelled by ourselves, every task is joined,
    /// the record of requests is finished. Fails when that record could not be kept, or on a bug; even then every task
    /// has ended.
    pub async fn stop(self) -> Result<LoadReport, LoadError> {
        self.cancel.cancel();
        let mut ended = Ok(());
        for worker in self.workers {
            ended = ended.and(join_result("worker", worker.await));
        }
        let late = join_result("metronome", self.sampler.await);
        // The workers held the queue's other end, so that the file ends when they have.
        let file = join_result("record of requests", self.record_file.await).and_then(|written| written);
        self.timeline.record(ObservationKind::Load(self.stats.snapshot()), None);
        ended.and(file)?;
        let mut report = self.stats.report();
        report.timer_delay_us = quantiles::compute_quantiles(&late?);
        report.client_bound = client_bound::reason(&report);
        Ok(report)
    }
}

fn join_result<T>(task: &'static str, result: Result<T, tokio::task::JoinError>) -> Result<T, LoadError> {
    result.map_err(|e| LoadError::Task { task, why: e.to_string() })
}
