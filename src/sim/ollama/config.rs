//! Ollama in numbers.

use super::window::ActiveWindow;
use crate::units::HumanDuration;

/// Ollama in numbers. The defaults are a small model on a current accelerator.
#[derive(Clone, Debug)]
pub struct OllamaConfig {
    /// Chats that a server answers at once (`OLLAMA_NUM_PARALLEL`).
    pub slots: usize,
    /// Chats that may wait for a slot (`OLLAMA_MAX_QUEUE`); one more is answered 503.
    pub max_queue: usize,
    /// Tokens a second of each answer, however many there are at once.
    pub tokens_per_second: f64,
    /// From a slot to the first token: the prompt is read.
    pub prompt_eval: HumanDuration,
    /// The model is brought into memory.
    pub model_load: HumanDuration,
    /// Tokens after which an answer ends by itself: from the first number to below the second.
    pub natural_tokens: (u64, u64),
    /// Time between two lines of an answer.
    pub chunk_interval: HumanDuration,
    /// Accelerator memory that the loaded model takes, MiB.
    pub model_mib: u64,
    /// Utilization in percent while a chat is answered.
    pub busy_percent: f64,
    /// Utilization in percent that each chat adds, `busy` at most; `None`: one chat alone makes it `busy`.
    pub percent_per_slot: Option<f64>,
    /// Accelerators are stand-ins: `size_vram` is 0 although the work shows as the device's.
    pub stand_in: bool,
    /// Fault: the model is on the CPU (`size_vram` 0, the accelerator idle, a tenth of the rate).
    pub on_cpu: AffectedPods,
    /// Fault: chats are taken and never answered.
    pub hanging: AffectedPods,
    /// Fault: the rate and the prompt's reading are so many times slower.
    pub slowdown: Option<(AffectedPods, f64)>,
    /// Fault: chats are answered so.
    pub faulty_chats: Option<FaultyChats>,
}

impl Default for OllamaConfig {
    fn default() -> Self {
        Self {
            slots: 1,
            max_queue: 512,
            tokens_per_second: 100.0,
            prompt_eval: HumanDuration::from_ms(50),
            model_load: HumanDuration::from_secs(2),
            natural_tokens: (600, 1400),
            chunk_interval: HumanDuration::from_secs(1),
            model_mib: 1900,
            busy_percent: 98.0,
            percent_per_slot: None,
            stand_in: false,
            on_cpu: AffectedPods::None,
            hanging: AffectedPods::None,
            slowdown: None,
            faulty_chats: None,
        }
    }
}

/// Which pods a fault is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AffectedPods {
    /// None.
    #[default]
    None,
    /// All but the target's first one.
    NewPods,
    /// All.
    All,
}

impl AffectedPods {
    /// Whether it is about a pod that is new, or not.
    pub(in crate::sim) fn includes(self, new: bool) -> bool {
        match self {
            Self::None => false,
            Self::NewPods => new,
            Self::All => true,
        }
    }
}

/// Chats that go wrong.
#[derive(Clone, Debug)]
pub struct FaultyChats {
    /// How, in turn.
    pub faults: Vec<ChatFault>,
    /// When.
    pub window: ActiveWindow,
    /// Each so many-th chat of a server: 1 is every one.
    pub every_nth: u64,
}

/// How a chat goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatFault {
    /// HTTP 500.
    Status500,
    /// HTTP 503, in the words of a full queue.
    Status503,
    /// HTTP 404: the model is missing.
    Status404,
    /// HTTP 200, a token, and a line `{"error": ...}`.
    ErrorLine,
    /// HTTP 200, a token, and the body ends.
    Truncated,
    /// HTTP 200, a token, and the connection is lost.
    Reset,
    /// HTTP 200 and the page of a login.
    LoginPage,
}
