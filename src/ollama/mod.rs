//! What Ollama's words mean: the chat request, the NDJSON of its answer, when an answer counts as good, what a refusal
//! says, and which models are loaded. Pure: bytes in, nouns out; nothing here reads a socket or a clock.

mod chat;
mod chunk;
mod models;
mod refusal;
mod stream;

pub use chat::{request_body, request_seed};
pub use chunk::{Chunk, Message};
pub use models::{LoadedModel, Unreadable, find, loaded, version};
pub use refusal::{clipped, refusal, refusal_text};
pub use stream::{ChatStream, Fault, LINE_BYTES, Totals};
