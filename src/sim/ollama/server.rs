//! One server: its slots, its queue, the model in its memory, and how busy it keeps the accelerator.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::OllamaConfig;
use super::startup::ServerStartup;
use crate::cancel::{self, CancelHandle, CancelToken};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure};

/// A server in a running container.
pub(super) struct OllamaServer {
    /// The container that it runs in: another one is another server.
    pub(super) container_id: String,
    /// Not the target's first pod.
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
    /// Percent times microseconds until `since_us`.
    percent_us: f64,
    model: Option<ResidentModel>,
    chat_count: u64,
}

/// The model in memory.
#[derive(Clone)]
pub(super) struct ResidentModel {
    pub(super) name: String,
    /// When it is there, microseconds of the run's clock.
    pub(super) ready_us: u64,
    /// When it is dropped unless a chat comes; `None`: never.
    pub(super) expires_us: Option<u64>,
}

impl OllamaServer {
    pub(super) fn new(
        clock: RunClock,
        setting: &OllamaConfig,
        container: String,
        new: bool,
        start: ServerStartup,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(setting.slots));
        let (since_us, there_us) = (clock.now_us(), clock.now_us() + setting.model_load.ms() * 1000);
        let until_us = start.keep_alive_us.map(|keep| there_us.saturating_add(keep));
        let model = start.preloaded_model().map(|name| ResidentModel {
            name: name.to_owned(),
            ready_us: there_us,
            expires_us: until_us,
        });
        let work = Mutex::new(ServerState { since_us, model, ..ServerState::default() });
        let (end, gone) = cancel::channel();
        let (waiting, end, setting) = (AtomicUsize::new(0), Mutex::new(Some(end)), setting.clone());
        Self {
            container_id: container,
            is_new: new,
            startup: start,
            clock,
            config: setting,
            slots,
            queued: waiting,
            shutdown: end,
            terminated: gone,
            unreachable: AtomicBool::new(false),
            state: work,
        }
    }

    /// The container ends: every connection is lost, whoever waits included.
    pub(super) fn terminate(&self) {
        self.slots.close();
        // Dropped, it stops all the same.
        self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The machine is lost: nothing comes any more, not even an end.
    pub(super) fn set_unreachable(&self) {
        self.unreachable.store(true, Ordering::Relaxed);
    }

    /// Waits for this, unless the server ends before; for ever where it falls silent.
    pub(super) async fn run_until_terminated<T>(&self, future: impl Future<Output = T>) -> Result<T, HttpError> {
        let future = async {
            let done = future.await;
            if self.unreachable.load(Ordering::Relaxed) { std::future::pending().await } else { done }
        };
        tokio::select! {
            biased;
            () = self.terminated.cancelled() => Err(connection_reset(HttpFailure::BeforeHeaders)),
            done = future => Ok(done),
        }
    }

    /// A slot, when it is this one's turn; `None` where the queue is full.
    pub(super) async fn acquire_slot(self: &Arc<Self>) -> Result<Option<OwnedSemaphorePermit>, HttpError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Some(slot));
        }
        if self.queued.load(Ordering::Relaxed) >= self.config.max_queue {
            return Ok(None);
        }
        let _waits = QueueGuard::new(&self.queued);
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map(Some).map_err(|_| connection_reset(HttpFailure::BeforeHeaders))
    }

    /// The number of this chat, from 1.
    pub(super) fn next_chat_number(&self) -> u64 {
        let mut work = self.lock_state();
        work.chat_count += 1;
        work.chat_count
    }

    /// When this model is in memory: it is brought there where it is not.
    pub(super) fn load_model(&self, name: &str) -> u64 {
        let (now, load) = (self.clock.now_us(), self.config.model_load.ms() * 1000);
        let mut work = self.lock_state();
        let idle = work.active_chats == 0;
        let there = work.model.as_ref().filter(|model| model.name == name && (!idle || model.is_resident(now)));
        let there_us = there.map_or(now + load, |model| model.ready_us);
        // Until a chat says how long it is to stay.
        work.model = Some(ResidentModel { name: name.to_owned(), ready_us: there_us, expires_us: None });
        there_us
    }

    /// The model in memory now.
    pub(super) fn resident_model(&self) -> Option<ResidentModel> {
        let now = self.clock.now_us();
        let work = self.lock_state();
        work.model.clone().filter(|model| model.ready_us <= now && (work.active_chats > 0 || model.is_resident(now)))
    }

    /// Percent times microseconds of utilization until now.
    pub(super) fn percent_us(&self) -> f64 {
        self.lock_state().percent_us_at(self.clock.now_us(), |active| self.utilization(active))
    }

    fn utilization(&self, active: usize) -> f64 {
        if active == 0 || self.config.on_cpu.includes(self.is_new) {
            return 0.0;
        }
        let shares = u32::try_from(active).map_or(f64::MAX, f64::from);
        self.config
            .percent_per_slot
            .map_or(self.config.busy_percent, |share| (share * shares).min(self.config.busy_percent))
    }

    fn update_state(&self, edit: impl FnOnce(&mut ServerState)) {
        let now = self.clock.now_us();
        let mut work = self.lock_state();
        work.percent_us = work.percent_us_at(now, |active| self.utilization(active));
        work.since_us = now;
        edit(&mut work);
    }

    fn lock_state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerState {
    fn percent_us_at(&self, now_us: u64, utilization: impl Fn(usize) -> f64) -> f64 {
        let ms = u32::try_from(now_us.saturating_sub(self.since_us)).map_or(f64::from(u32::MAX), f64::from);
        self.percent_us + utilization(self.active_chats) * ms
    }
}

impl ResidentModel {
    fn is_resident(&self, now_us: u64) -> bool {
        self.expires_us.is_none_or(|until| now_us < until)
    }
}

/// A chat that keeps the accelerator busy; dropped, it gives its slot back.
pub(super) struct ActiveChat {
    server: Arc<OllamaServer>,
    /// How long the model stays afterwards; `None`: for ever.
    keep_alive_us: Option<u64>,
    _slot: OwnedSemaphorePermit,
}

impl ActiveChat {
    pub(super) fn new(server: Arc<OllamaServer>, slot: OwnedSemaphorePermit, keep_us: Option<u64>) -> Self {
        server.update_state(|work| work.active_chats += 1);
        Self { server, keep_alive_us: keep_us, _slot: slot }
    }

    pub(super) fn server(&self) -> &OllamaServer {
        &self.server
    }
}

impl Drop for ActiveChat {
    fn drop(&mut self) {
        let until = self.keep_alive_us.map(|keep| self.server.clock.now_us().saturating_add(keep));
        self.server.update_state(|work| {
            work.active_chats -= 1;
            if let Some(model) = &mut work.model {
                model.expires_us = until;
            }
        });
    }
}

/// One more that waits, until it is dropped.
struct QueueGuard<'a>(&'a AtomicUsize);

impl<'a> QueueGuard<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection whose other end is gone.
pub(super) fn connection_reset(failure: HttpFailure) -> HttpError {
    HttpError { failure, message: "connection reset by peer".to_owned() }
}
