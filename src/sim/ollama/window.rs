//! Windows of time in which faults are active. They start with a milestone of the run, such as the n-th chat.

use crate::units::HumanDuration;

/// The milestone with which a window starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// The start of the simulation.
    SimulationStart,
    /// The start of the n-th chat, counted over all pods from 1. The first chat is the one after the installation; the
    /// load sends the further ones.
    NthChat(usize),
    /// The first time that this many pods with accelerators are Ready at once.
    ReadyPods(usize),
}

/// A window of time in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveWindow {
    /// The milestone with which it starts.
    pub start: WindowStart,
    /// Delay after the milestone.
    pub delay: HumanDuration,
    /// Duration; `None`: to the end of the run.
    pub duration: Option<HumanDuration>,
}

impl ActiveWindow {
    /// The whole run.
    pub const ALWAYS: Self = Self::starting_at(WindowStart::SimulationStart);

    /// From this milestone to the end of the run.
    #[must_use]
    pub const fn starting_at(start: WindowStart) -> Self {
        Self { start, delay: HumanDuration::from_ms(0), duration: None }
    }
}

/// Number of chats whose start is recorded.
const MAX_CHATS: usize = 1000;

/// Times of the milestones so far, milliseconds of the run's clock.
#[derive(Debug, Default)]
pub(super) struct MilestoneTimes {
    chat_starts_ms: Vec<u64>,
    /// At index n - 1: the first time that n pods were Ready.
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

    /// Start of a window, if it is active.
    pub(super) fn active_since(&self, window: &ActiveWindow, now_ms: u64) -> Option<u64> {
        let nth = |times: &[u64], n: usize| times.get(n.saturating_sub(1)).copied();
        let milestone_ms = match window.start {
            WindowStart::SimulationStart => Some(0),
            WindowStart::NthChat(n) => nth(&self.chat_starts_ms, n),
            WindowStart::ReadyPods(n) => nth(&self.ready_pods_ms, n),
        }?;
        let start_ms = milestone_ms + window.delay.ms();
        let is_over = window.duration.is_some_and(|duration| now_ms >= start_ms + duration.ms());
        (now_ms >= start_ms && !is_over).then_some(start_ms)
    }

    /// End of a window, if it is over.
    pub(super) fn ended_at(&self, window: &ActiveWindow, now_ms: u64) -> Option<u64> {
        let unbounded = ActiveWindow { duration: None, ..*window };
        let end_ms = self.active_since(&unbounded, now_ms)? + window.duration?.ms();
        (now_ms >= end_ms).then_some(end_ms)
    }
}
