//! One server: its slots, its queue, the model in its memory, and how busy it keeps the accelerator.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ServerSetting;
use super::start::Start;
use crate::clock::Clock;
use crate::stop::{self, Stop, StopButton};
use crate::world::{HttpError, HttpFailure};

/// A server in a running container.
pub(super) struct Server {
    /// The container that it runs in: another one is another server.
    pub(super) container: String,
    /// Not the target's first pod.
    pub(super) new: bool,
    pub(super) start: Start,
    clock: Clock,
    setting: ServerSetting,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    end: Mutex<Option<StopButton>>,
    gone: Stop,
    silent: AtomicBool,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    active: usize,
    since_us: u64,
    /// Percent times microseconds until `since_us`.
    area: f64,
    model: Option<Model>,
    chats: u64,
}

/// The model in memory.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) name: String,
    /// When it is there, microseconds of the run's clock.
    pub(super) there_us: u64,
    /// When it is dropped unless a chat comes; `None`: never.
    pub(super) until_us: Option<u64>,
}

impl Server {
    pub(super) fn new(clock: Clock, setting: &ServerSetting, container: String, new: bool, start: Start) -> Self {
        let slots = Arc::new(Semaphore::new(setting.slots));
        let (since_us, there_us) = (clock.now_us(), clock.now_us() + setting.load.ms() * 1000);
        let until_us = start.keep_us.map(|keep| there_us.saturating_add(keep));
        let model = start.run().map(|name| Model { name: name.to_owned(), there_us, until_us });
        let work = Mutex::new(Work { since_us, model, ..Work::default() });
        let (end, gone) = stop::button();
        let (waiting, end, setting) = (AtomicUsize::new(0), Mutex::new(Some(end)), setting.clone());
        Self { container, new, start, clock, setting, slots, waiting, end, gone, silent: AtomicBool::new(false), work }
    }

    /// The container ends: every connection is lost, whoever waits included.
    pub(super) fn end(&self) {
        self.slots.close();
        // Dropped, it stops all the same.
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The machine is lost: nothing comes any more, not even an end.
    pub(super) fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Waits for this, unless the server ends before; for ever where it falls silent.
    pub(super) async fn unless_gone<T>(&self, future: impl Future<Output = T>) -> Result<T, HttpError> {
        let future = async {
            let done = future.await;
            if self.silent.load(Ordering::Relaxed) { std::future::pending().await } else { done }
        };
        tokio::select! {
            biased;
            () = self.gone.pressed() => Err(lost(HttpFailure::BeforeHeaders)),
            done = future => Ok(done),
        }
    }

    /// A slot, when it is this one's turn; `None` where the queue is full.
    pub(super) async fn slot(self: &Arc<Self>) -> Result<Option<OwnedSemaphorePermit>, HttpError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Some(slot));
        }
        if self.waiting.load(Ordering::Relaxed) >= self.setting.queue {
            return Ok(None);
        }
        let _waits = Waits::new(&self.waiting);
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map(Some).map_err(|_| lost(HttpFailure::BeforeHeaders))
    }

    /// The number of this chat, from 1.
    pub(super) fn chat(&self) -> u64 {
        let mut work = self.work();
        work.chats += 1;
        work.chats
    }

    /// When this model is in memory: it is brought there where it is not.
    pub(super) fn load(&self, name: &str) -> u64 {
        let (now, load) = (self.clock.now_us(), self.setting.load.ms() * 1000);
        let mut work = self.work();
        let idle = work.active == 0;
        let there = work.model.as_ref().filter(|model| model.name == name && (!idle || model.stays(now)));
        let there_us = there.map_or(now + load, |model| model.there_us);
        // Until a chat says how long it is to stay.
        work.model = Some(Model { name: name.to_owned(), there_us, until_us: None });
        there_us
    }

    /// The model in memory now.
    pub(super) fn model(&self) -> Option<Model> {
        let now = self.clock.now_us();
        let work = self.work();
        work.model.clone().filter(|model| model.there_us <= now && (work.active > 0 || model.stays(now)))
    }

    /// Percent times microseconds of utilization until now.
    pub(super) fn area(&self) -> f64 {
        self.work().until(self.clock.now_us(), |active| self.utilization(active))
    }

    fn utilization(&self, active: usize) -> f64 {
        if active == 0 || self.setting.on_cpu.is(self.new) {
            return 0.0;
        }
        let shares = u32::try_from(active).map_or(f64::MAX, f64::from);
        self.setting.share_per_slot.map_or(self.setting.busy, |share| (share * shares).min(self.setting.busy))
    }

    fn change(&self, edit: impl FnOnce(&mut Work)) {
        let now = self.clock.now_us();
        let mut work = self.work();
        work.area = work.until(now, |active| self.utilization(active));
        work.since_us = now;
        edit(&mut work);
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn until(&self, now_us: u64, utilization: impl Fn(usize) -> f64) -> f64 {
        let ms = u32::try_from(now_us.saturating_sub(self.since_us)).map_or(f64::from(u32::MAX), f64::from);
        self.area + utilization(self.active) * ms
    }
}

impl Model {
    fn stays(&self, now_us: u64) -> bool {
        self.until_us.is_none_or(|until| now_us < until)
    }
}

/// A chat that keeps the accelerator busy; dropped, it gives its slot back.
pub(super) struct Busy {
    server: Arc<Server>,
    /// How long the model stays afterwards; `None`: for ever.
    keep_us: Option<u64>,
    _slot: OwnedSemaphorePermit,
}

impl Busy {
    pub(super) fn new(server: Arc<Server>, slot: OwnedSemaphorePermit, keep_us: Option<u64>) -> Self {
        server.change(|work| work.active += 1);
        Self { server, keep_us, _slot: slot }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let until = self.keep_us.map(|keep| self.server.clock.now_us().saturating_add(keep));
        self.server.change(|work| {
            work.active -= 1;
            if let Some(model) = &mut work.model {
                model.until_us = until;
            }
        });
    }
}

/// One more that waits, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection whose other end is gone.
pub(super) fn lost(failure: HttpFailure) -> HttpError {
    HttpError { failure, message: "connection reset by peer".to_owned() }
}
