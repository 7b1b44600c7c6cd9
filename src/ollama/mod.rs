//! What Ollama's words mean: the chat request, the NDJSON of its answer, when an answer counts as good, what a refusal
//! says, and which models are loaded. Pure: bytes in, nouns out; nothing here reads a socket or a clock.

mod chat;
mod chunk;
mod error_response;
mod models;
mod stream;

pub use chat::{request_body, request_seed};
pub use chunk::{ChatChunk, ChatMessage};
pub use error_response::{error_body_text, sanitize_text, status_outcome};
pub use models::{LoadedModel, OllamaApiError, find_model, parse_loaded_models, parse_version};
pub use stream::{ChatStream, ChatStreamError, ChatTotals, MAX_LINE_BYTES};
