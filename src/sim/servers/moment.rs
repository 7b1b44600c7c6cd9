//! Moments of a run, by what can be seen of it in the simulation: a fault begins and ends with them.

use crate::units::Span;

/// From which moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The simulation's start.
    Start,
    /// The beginning of this chat, counted over all pods from 1. The first chat after the installation is 1; under load
    /// come as many more as there are workers.
    Chats(usize),
    /// So many pods that hold accelerators were Ready at once, for the first time.
    Pods(usize),
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct During {
    /// It begins with this moment,
    pub since: Since,
    /// and so much later.
    pub after: Span,
    /// Its length; `None`: to the end.
    pub lasts: Option<Span>,
}

impl During {
    /// The whole run.
    pub const ALWAYS: Self = Self::from(Since::Start);

    /// From this moment to the end.
    #[must_use]
    pub const fn from(since: Since) -> Self {
        Self { since, after: Span::from_ms(0), lasts: None }
    }
}

/// Chats whose beginnings are remembered.
const REMEMBERED: usize = 1000;

/// What has happened so far; milliseconds of the run's clock.
#[derive(Debug, Default)]
pub(super) struct Moments {
    chats: Vec<u64>,
    /// At the place n - 1: when n pods were Ready.
    pods: Vec<u64>,
}

impl Moments {
    pub(super) fn chat(&mut self, now_ms: u64) {
        if self.chats.len() < REMEMBERED {
            self.chats.push(now_ms);
        }
    }

    pub(super) fn ready(&mut self, pods: usize, now_ms: u64) {
        while self.pods.len() < pods {
            self.pods.push(now_ms);
        }
    }

    /// When it began, if it is not over.
    pub(super) fn began(&self, during: &During, now_ms: u64) -> Option<u64> {
        let nth = |times: &[u64], n: usize| times.get(n.saturating_sub(1)).copied();
        let since = match during.since {
            Since::Start => Some(0),
            Since::Chats(n) => nth(&self.chats, n),
            Since::Pods(n) => nth(&self.pods, n),
        }?;
        let began = since + during.after.ms();
        let over = during.lasts.is_some_and(|lasts| now_ms >= began + lasts.ms());
        (now_ms >= began && !over).then_some(began)
    }

    /// When it ended, if it is over.
    pub(super) fn ended(&self, during: &During, now_ms: u64) -> Option<u64> {
        let whole = During { lasts: None, ..*during };
        let ended = self.began(&whole, now_ms)? + during.lasts?.ms();
        (now_ms >= ended).then_some(ended)
    }
}
