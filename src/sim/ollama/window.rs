//! Moments of a run, by what can be seen of it in the simulation: a fault begins and ends with them.

use crate::units::HumanDuration;

/// From which moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// The simulation's start.
    SimulationStart,
    /// The beginning of this chat, counted over all pods from 1. The first chat after the installation is 1; under load
    /// come as many more as there are workers.
    NthChat(usize),
    /// So many pods that hold accelerators were Ready at once, for the first time.
    ReadyPods(usize),
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveWindow {
    /// It begins with this moment,
    pub start: WindowStart,
    /// and so much later.
    pub delay: HumanDuration,
    /// Its length; `None`: to the end.
    pub duration: Option<HumanDuration>,
}

impl ActiveWindow {
    /// The whole run.
    pub const ALWAYS: Self = Self::starting_at(WindowStart::SimulationStart);

    /// From this moment to the end.
    #[must_use]
    pub const fn starting_at(since: WindowStart) -> Self {
        Self { start: since, delay: HumanDuration::from_ms(0), duration: None }
    }
}

/// Chats whose beginnings are remembered.
const MAX_CHATS: usize = 1000;

/// What has happened so far; milliseconds of the run's clock.
#[derive(Debug, Default)]
pub(super) struct MilestoneTimes {
    chat_starts_ms: Vec<u64>,
    /// At the place n - 1: when n pods were Ready.
    ready_pods_ms: Vec<u64>,
}

impl MilestoneTimes {
    pub(super) fn record_chat(&mut self, now_ms: u64) {
        if self.chat_starts_ms.len() < MAX_CHATS {
            self.chat_starts_ms.push(now_ms);
        }
    }

    pub(super) fn record_ready(&mut self, pods: usize, now_ms: u64) {
        while self.ready_pods_ms.len() < pods {
            self.ready_pods_ms.push(now_ms);
        }
    }

    /// When it began, if it is not over.
    pub(super) fn active_since(&self, during: &ActiveWindow, now_ms: u64) -> Option<u64> {
        let nth = |times: &[u64], n: usize| times.get(n.saturating_sub(1)).copied();
        let since = match during.start {
            WindowStart::SimulationStart => Some(0),
            WindowStart::NthChat(n) => nth(&self.chat_starts_ms, n),
            WindowStart::ReadyPods(n) => nth(&self.ready_pods_ms, n),
        }?;
        let began = since + during.delay.ms();
        let over = during.duration.is_some_and(|lasts| now_ms >= began + lasts.ms());
        (now_ms >= began && !over).then_some(began)
    }

    /// When it ended, if it is over.
    pub(super) fn ended_at(&self, during: &ActiveWindow, now_ms: u64) -> Option<u64> {
        let whole = ActiveWindow { duration: None, ..*during };
        let ended = self.active_since(&whole, now_ms)? + during.duration?.ms();
        (now_ms >= ended).then_some(ended)
    }
}
