//! The milestones of a run with which windows of time start, such as the n-th chat.

use crate::sim::config::{ActiveWindow, WindowStart};

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
