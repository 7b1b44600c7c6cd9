//! One Ollama server: its slots, its queue, the model in memory, and the utilization of its accelerator.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::startup::ServerStartup;
use crate::cancel::{self, CancelHandle, CancelToken};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure};
use crate::sim::config::OllamaConfig;

/// A server in a running container.
pub(super) struct OllamaServer {
    /// The container in which the server runs; a new container gets a new server.
    pub(super) container_id: String,
    /// Whether its pod is not the first one of the target.
    pub(super) is_new: bool,
    pub(super) startup: ServerStartup,
    clock: RunClock,
    config: OllamaConfig,
    slots: Arc<Semaphore>,
    queued: AtomicUsize,
    shutdown: Mutex<Option<CancelHandle>>,
    terminated: CancelToken,
    unreachable: AtomicBool,
    state: Mutex<ServerState>,
}

#[derive(Default)]
struct ServerState {
    active_chats: usize,
    since_us: u64,
    /// Integral of the utilization until `since_us`, percent times microseconds.
    percent_us: f64,
    model: Option<ResidentModel>,
    chat_count: u64,
}

/// The model in memory.
#[derive(Clone)]
pub(super) struct ResidentModel {
    pub(super) name: String,
    /// When loading completes, microseconds of the run's clock.
    pub(super) ready_us: u64,
    /// When the server unloads it if no chat uses it, microseconds of the run's clock; `None`: never.
    pub(super) expires_us: Option<u64>,
}

impl OllamaServer {
    pub(super) fn new(
        clock: RunClock,
        config: &OllamaConfig,
        container_id: String,
        is_new: bool,
        startup: ServerStartup,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(config.slots));
        let (since_us, ready_us) = (clock.now_us(), clock.now_us() + config.model_load.ms() * 1000);
        let expires_us = startup.keep_alive_us.map(|keep_alive| ready_us.saturating_add(keep_alive));
        let model = startup.preloaded_model().map(|name| ResidentModel { name: name.to_owned(), ready_us, expires_us });
        let state = Mutex::new(ServerState { since_us, model, ..ServerState::default() });
        let (shutdown, terminated) = cancel::channel();
        Self {
            container_id,
            is_new,
            startup,
            clock,
            config: config.clone(),
            slots,
            queued: AtomicUsize::new(0),
            shutdown: Mutex::new(Some(shutdown)),
            terminated,
            unreachable: AtomicBool::new(false),
            state,
        }
    }

    /// Handles the end of the container: resets every connection, those of queued chats included.
    pub(super) fn terminate(&self) {
        self.slots.close();
        // Dropping the handle cancels the token.
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Handles the loss of the node: no connection gets a byte or an end any more.
    pub(super) fn set_unreachable(&self) {
        self.unreachable.store(true, Ordering::Relaxed);
    }

    /// Awaits a future. Fails when the server terminates, and never completes once its node is lost.
    pub(super) async fn run_until_terminated<T>(&self, future: impl Future<Output = T>) -> Result<T, HttpError> {
        let future = async {
            let output = future.await;
            if self.unreachable.load(Ordering::Relaxed) { std::future::pending().await } else { output }
        };
        tokio::select! {
            biased;
            () = self.terminated.cancelled() => Err(connection_reset(HttpFailure::BeforeHeaders)),
            output = future => Ok(output),
        }
    }

    /// Waits for a slot; `None` if the queue is full.
    pub(super) async fn acquire_slot(self: &Arc<Self>) -> Result<Option<OwnedSemaphorePermit>, HttpError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Some(slot));
        }
        if self.queued.load(Ordering::Relaxed) >= self.config.max_queue {
            return Ok(None);
        }
        let _queued = QueueGuard::new(&self.queued);
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map(Some).map_err(|_| connection_reset(HttpFailure::BeforeHeaders))
    }

    /// Counts a chat and returns its number, from 1.
    pub(super) fn next_chat_number(&self) -> u64 {
        let mut state = self.lock_state();
        state.chat_count += 1;
        state.chat_count
    }

    /// Loads a model unless it is in memory; returns when loading completes, microseconds of the run's clock.
    pub(super) fn load_model(&self, name: &str) -> u64 {
        let (now_us, load_us) = (self.clock.now_us(), self.config.model_load.ms() * 1000);
        let mut state = self.lock_state();
        let is_idle = state.active_chats == 0;
        if is_idle {
            // Until now the utilization may be that of the model before.
            (state.percent_us, state.since_us) = (self.percent_us_at(&state, now_us), now_us);
        }
        let resident =
            state.model.as_ref().filter(|model| model.name == name && (!is_idle || model.is_resident(now_us)));
        let ready_us = resident.map_or(now_us + load_us, |model| model.ready_us);
        // The end of the chat sets the expiry.
        state.model = Some(ResidentModel { name: name.to_owned(), ready_us, expires_us: None });
        ready_us
    }

    /// The model that is in memory now.
    pub(super) fn resident_model(&self) -> Option<ResidentModel> {
        let now = self.clock.now_us();
        let state = self.lock_state();
        state.model.clone().filter(|model| model.ready_us <= now && (state.active_chats > 0 || model.is_resident(now)))
    }

    /// Integral of the utilization until now, percent times microseconds.
    pub(super) fn percent_us(&self) -> f64 {
        self.percent_us_at(&self.lock_state(), self.clock.now_us())
    }

    /// The number of chats that the server works on, and of those that wait for a slot.
    pub(super) fn chat_counts(&self) -> (usize, usize) {
        (self.lock_state().active_chats, self.queued.load(Ordering::Relaxed))
    }

    /// Integral of the utilization until this time.
    fn percent_us_at(&self, state: &ServerState, now_us: u64) -> f64 {
        let elapsed_us = to_f64(now_us.saturating_sub(state.since_us));
        let config = &self.config;
        let resident_percent = config.resident_percent.filter(|_| !config.on_cpu.includes(self.is_new));
        if state.active_chats > 0 {
            let chats = u32::try_from(state.active_chats).map_or(f64::MAX, f64::from);
            let of_chats =
                config.percent_per_slot.map_or(config.busy_percent, |one| (one * chats).min(config.busy_percent));
            let of_chats = if config.on_cpu.includes(self.is_new) { config.idle_percent } else { of_chats };
            return state.percent_us + of_chats.max(resident_percent.unwrap_or(0.0)) * elapsed_us;
        }
        let resident_us = state.model.as_ref().map_or(0, |model| model.resident_us(state.since_us, now_us));
        let of_model = resident_percent.map_or(0.0, |percent| (percent - config.idle_percent) * to_f64(resident_us));
        state.percent_us + config.idle_percent * elapsed_us + of_model
    }

    fn update_state(&self, edit: impl FnOnce(&mut ServerState)) {
        let now = self.clock.now_us();
        let mut state = self.lock_state();
        state.percent_us = self.percent_us_at(&state, now);
        state.since_us = now;
        edit(&mut state);
    }

    fn lock_state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResidentModel {
    fn is_resident(&self, now_us: u64) -> bool {
        self.expires_us.is_none_or(|expires_us| now_us < expires_us)
    }

    /// How long of this span the model is in memory, if no chat uses it, microseconds.
    fn resident_us(&self, from_us: u64, to_us: u64) -> u64 {
        self.expires_us.unwrap_or(u64::MAX).min(to_us).saturating_sub(self.ready_us.max(from_us))
    }
}

/// A chat that occupies a slot and keeps the accelerator busy, until it is dropped.
pub(super) struct ActiveChat {
    server: Arc<OllamaServer>,
    /// How long the model stays in memory afterwards; `None`: no limit.
    keep_alive_us: Option<u64>,
    _slot: OwnedSemaphorePermit,
}

impl ActiveChat {
    pub(super) fn new(server: Arc<OllamaServer>, slot: OwnedSemaphorePermit, keep_alive_us: Option<u64>) -> Self {
        server.update_state(|state| state.active_chats += 1);
        Self { server, keep_alive_us, _slot: slot }
    }

    pub(super) fn server(&self) -> &OllamaServer {
        &self.server
    }
}

impl Drop for ActiveChat {
    fn drop(&mut self) {
        let expires_us = self.keep_alive_us.map(|keep_alive| self.server.clock.now_us().saturating_add(keep_alive));
        self.server.update_state(|state| {
            state.active_chats -= 1;
            if let Some(model) = &mut state.model {
                model.expires_us = expires_us;
            }
        });
    }
}

/// Microseconds as a number; exact below 2^53.
fn to_f64(us: u64) -> f64 {
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).map_or(0.0, f64::from);
    half(us >> 32) * 4_294_967_296.0 + half(us)
}

/// Counts a queued chat until it is dropped.
struct QueueGuard<'a>(&'a AtomicUsize);

impl<'a> QueueGuard<'a> {
    fn new(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The error of a connection that the server reset.
pub(super) fn connection_reset(failure: HttpFailure) -> HttpError {
    HttpError { failure, message: "connection reset by peer".to_owned() }
}
