//! Configuration of Ollama.

use super::fault_scope::{ActiveWindow, AffectedPods};
use crate::units::HumanDuration;

/// Configuration of Ollama. The default is a small model on a current accelerator.
#[derive(Clone, Debug)]
pub struct OllamaConfig {
    /// Concurrent chats per server (`OLLAMA_NUM_PARALLEL`).
    pub slots: usize,
    /// Chats that may wait for a slot (`OLLAMA_MAX_QUEUE`); the server answers further ones with 503.
    pub max_queue: usize,
    /// Tokens per second of each chat, independent of the number of concurrent chats.
    pub tokens_per_second: f64,
    /// Time from the slot to the first token, in which the server evaluates the prompt.
    pub prompt_eval: HumanDuration,
    /// Time to load the model into memory.
    pub model_load: HumanDuration,
    /// Range of the number of tokens after which a chat ends by itself; the end is exclusive.
    pub natural_tokens: (u64, u64),
    /// Time between two chunks of a response.
    pub chunk_interval: HumanDuration,
    /// Accelerator memory that the loaded model uses, MiB.
    pub model_mib: u64,
    /// Utilization while the server answers a chat, percent.
    pub busy_percent: f64,
    /// Utilization that each chat adds, percent, up to `busy_percent`; `None`: one chat reaches `busy_percent`.
    pub percent_per_slot: Option<f64>,
    /// Utilization of a device without a chat, percent: some drivers count more than work.
    pub idle_percent: f64,
    /// Utilization of a device with a model in its memory, percent, unless a chat makes it higher; `None`: as without a model.
    pub resident_percent: Option<f64>,
    /// Accelerators are stand-ins: `size_vram` is 0 although the exporter reports utilization.
    pub stand_in: bool,
    /// Fault: the model runs on the CPU: `size_vram` is 0, the accelerator is idle, the rate is a tenth.
    pub on_cpu: AffectedPods,
    /// Fault: the server accepts chats and never answers.
    pub hanging: AffectedPods,
    /// Fault: factor by which token generation and prompt evaluation are slower.
    pub slowdown: Option<(AffectedPods, f64)>,
    /// Fault: some chats fail.
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
            idle_percent: 0.0,
            resident_percent: None,
            stand_in: false,
            on_cpu: AffectedPods::None,
            hanging: AffectedPods::None,
            slowdown: None,
            faulty_chats: None,
        }
    }
}

/// Chats that fail.
#[derive(Clone, Debug)]
pub struct FaultyChats {
    /// The faults, applied in turn.
    pub faults: Vec<ChatFault>,
    /// When chats fail.
    pub window: ActiveWindow,
    /// Every n-th chat of a server fails: 1 is every chat.
    pub every_nth: u64,
}

/// How a chat fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatFault {
    /// HTTP 500.
    Status500,
    /// HTTP 503 with the message of a full queue.
    Status503,
    /// HTTP 404: the model is missing.
    Status404,
    /// HTTP 200, a token, and a line `{"error": ...}`.
    ErrorLine,
    /// HTTP 200, a token, and the body ends.
    Truncated,
    /// HTTP 200, a token, and the connection is reset.
    Reset,
    /// HTTP 200 with an HTML login page.
    LoginPage,
}
