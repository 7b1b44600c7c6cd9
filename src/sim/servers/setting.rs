//! Ollama in numbers.

use super::moment::During;
use crate::units::Span;

/// Ollama in numbers. The defaults are a small model on a current accelerator.
#[derive(Clone, Debug)]
pub struct ServerSetting {
    /// Chats that a server answers at once (`OLLAMA_NUM_PARALLEL`).
    pub slots: usize,
    /// Chats that may wait for a slot (`OLLAMA_MAX_QUEUE`); one more is answered 503.
    pub queue: usize,
    /// Tokens a second of each answer, however many there are at once.
    pub rate: f64,
    /// From a slot to the first token: the prompt is read.
    pub prompt: Span,
    /// The model is brought into memory.
    pub load: Span,
    /// Tokens after which an answer ends by itself: from the first number to below the second.
    pub natural: (u64, u64),
    /// Time between two lines of an answer.
    pub line: Span,
    /// Accelerator memory that the loaded model takes, MiB.
    pub model_mib: u64,
    /// Utilization in percent while a chat is answered.
    pub busy: f64,
    /// Utilization in percent that each chat adds, `busy` at most; `None`: one chat alone makes it `busy`.
    pub share_per_slot: Option<f64>,
    /// Accelerators are stand-ins: `size_vram` is 0 although the work shows as the device's.
    pub stand_in: bool,
    /// Fault: the model is on the CPU (`size_vram` 0, the accelerator idle, a tenth of the rate).
    pub on_cpu: Who,
    /// Fault: chats are taken and never answered.
    pub hang: Who,
    /// Fault: the rate and the prompt's reading are so many times slower.
    pub slow: Option<(Who, f64)>,
    /// Fault: chats are answered so.
    pub broken: Option<BrokenChats>,
}

impl Default for ServerSetting {
    fn default() -> Self {
        Self {
            slots: 1,
            queue: 512,
            rate: 100.0,
            prompt: Span::from_ms(50),
            load: Span::from_secs(2),
            natural: (600, 1400),
            line: Span::from_secs(1),
            model_mib: 1900,
            busy: 98.0,
            share_per_slot: None,
            stand_in: false,
            on_cpu: Who::Nobody,
            hang: Who::Nobody,
            slow: None,
            broken: None,
        }
    }
}

/// Which pods a fault is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// None.
    #[default]
    Nobody,
    /// All but the target's first one.
    NewPods,
    /// All.
    Everyone,
}

impl Who {
    /// Whether it is about a pod that is new, or not.
    pub(in crate::sim) fn is(self, new: bool) -> bool {
        match self {
            Self::Nobody => false,
            Self::NewPods => new,
            Self::Everyone => true,
        }
    }
}

/// Chats that go wrong.
#[derive(Clone, Debug)]
pub struct BrokenChats {
    /// How, in turn.
    pub how: Vec<Broken>,
    /// When.
    pub during: During,
    /// Each so many-th chat of a server: 1 is every one.
    pub every: u64,
}

/// How a chat goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// HTTP 500.
    Status500,
    /// HTTP 503, in the words of a full queue.
    Busy503,
    /// HTTP 404: the model is missing.
    Missing404,
    /// HTTP 200, a token, and a line `{"error": ...}`.
    ErrorLine,
    /// HTTP 200, a token, and the body ends.
    Truncated,
    /// HTTP 200, a token, and the connection is lost.
    Reset,
    /// HTTP 200 and the page of a login.
    Html,
}
