//! The load generator: a closed loop of workers against one URL, each sending its next chat when its last one has
//! ended.
//!
//! It also measures itself (`client_bound`): the lateness of its requests and of its own timers. It judges nothing
//! else; the effect of the load is read from the timeline. Nothing here reads a wall clock or opens a socket: requests
//! go through [`RunEnv::http`], waits through `tokio::time`.

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

pub use chat::{ScheduledRequest, send_chat};
pub use chat_client::ChatClient;
pub(crate) use client_bound::reason as client_bound_reason;
pub(crate) use probe::{find_model_placement, probe_from_record, probe_pod};
use quantiles::MicrosHistogram;
use record_file::RecordFile;
use sampler::LoadSampler;
use stats::LoadStats;
pub(crate) use stats::RecordedLoad;
use worker::WorkerContext;

use crate::cancel::{self, CancelHandle};
use crate::env::{BundleError, RunEnv, TimelineWriter};
use crate::model::load::{LoadReport, LoadSpec};
use crate::model::observation::ObservationKind;

/// Capacity of the queue to the request log, in records: 1 s of the highest load that one machine is meant to send
/// (1000 requests per second, below 1 MB). When the disk is slower, workers wait, which shows as lateness.
const QUEUED_RECORDS: usize = 1024;

/// Why a load could not be sent, or not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not an HTTP URL.
    #[error("cannot send load to `{url}`: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with the address.
        reason: String,
    },
    /// The request log could not be written.
    #[error(transparent)]
    Evidence(#[from] BundleError),
    /// The request log could not be compressed.
    #[error("could not compress the request log: {0}")]
    Compression(String),
    /// A histogram could not be created: a bug, because its bounds are constants.
    #[error("could not create a histogram: {0} (this is a bug in gpuhpa)")]
    Histogram(String),
    /// A task of the load panicked: a bug.
    #[error("the load's {task} failed: {reason} (this is a bug in gpuhpa)")]
    Task {
        /// Name of the task.
        task: &'static str,
        /// Message of the panic.
        reason: String,
    },
}

/// A load that runs until it is stopped. If it is dropped instead, its tasks end soon after, unjoined and without a
/// report.
#[derive(Debug)]
pub struct RunningLoad {
    timeline: Arc<TimelineWriter>,
    stats: Arc<LoadStats>,
    cancel: CancelHandle,
    workers: Vec<JoinHandle<()>>,
    sampler: JoinHandle<MicrosHistogram>,
    record_file: JoinHandle<Result<(), LoadError>>,
}

/// Starts the load: `load.concurrency` workers that send chats to the server at `base_url`, at once and until
/// [`RunningLoad::stop`]. Records counters in the timeline now, every second, and at the end, and each request in
/// `requests.jsonl.zst`. Fails if the URL is not valid. Must be called on a tokio runtime.
pub fn start(env: &RunEnv, load: &LoadSpec, base_url: &str) -> Result<RunningLoad, LoadError> {
    let client = ChatClient::new(env.http.clone(), env.clock, load.clone(), base_url)?;
    let client = client.with_bearer_token(env.bearer_token.clone());
    let stats = Arc::new(LoadStats::new(load)?);
    let (handle, token) = cancel::channel();
    let (records, receiver) = mpsc::channel(QUEUED_RECORDS);
    let file = RecordFile::open(env.bundle.clone())?;
    let sampler = LoadSampler::new(env.clock, Arc::clone(&env.timeline), Arc::clone(&stats))?;
    env.timeline.record(ObservationKind::Load(stats.snapshot()), None);

    let context =
        WorkerContext { client: Arc::new(client), stats: Arc::clone(&stats), records, cancelled: token.clone() };
    let due_us = env.clock.now_us();
    let workers = (0..load.concurrency)
        .map(|number| Ok(tokio::spawn(worker::LoadWorker::new(number, context.clone())?.run(due_us))))
        .collect::<Result<_, LoadError>>()?;
    Ok(RunningLoad {
        timeline: Arc::clone(&env.timeline),
        stats,
        cancel: handle,
        workers,
        sampler: tokio::spawn(sampler.run(token)),
        record_file: tokio::spawn(file.run(receiver)),
    })
}

impl RunningLoad {
    /// Stops the load: drops the requests in flight and counts them as cancelled by ramp-down, joins every task, and
    /// closes the request log. Fails if the log could not be written, or on a bug; even then every task has ended.
    pub async fn stop(self) -> Result<LoadReport, LoadError> {
        self.cancel.cancel();
        let mut ended = Ok(());
        for worker in self.workers {
            ended = ended.and(join_result("worker", worker.await));
        }
        let timer_lateness = join_result("sampler", self.sampler.await);
        // The workers own the senders of the queue, so the log ends once they have ended.
        let file = join_result("request log", self.record_file.await).and_then(|written| written);
        self.timeline.record(ObservationKind::Load(self.stats.snapshot()), None);
        ended.and(file)?;
        let mut report = self.stats.report();
        report.timer_delay_us = quantiles::compute_quantiles(&timer_lateness?);
        report.client_bound = client_bound::reason(&report);
        Ok(report)
    }
}

fn join_result<T>(task: &'static str, result: Result<T, tokio::task::JoinError>) -> Result<T, LoadError> {
    result.map_err(|e| LoadError::Task { task, reason: e.to_string() })
}
