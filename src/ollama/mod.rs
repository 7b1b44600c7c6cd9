//! The Ollama API: the chat request, the NDJSON of its response and the rule of success, error responses, and the
//! loaded models. Pure: bytes to types; nothing here reads a socket or a clock.

mod chat;
mod chunk;
mod error_response;
mod models;
mod stream;

pub use chat::{request_body, request_seed};
pub use chunk::{ChatChunk, ChatMessage};
pub use error_response::{MAX_ERROR_CHARS, error_body_text, status_outcome};
pub use models::{LoadedModel, OllamaApiError, find_model, parse_loaded_models, parse_version};
pub use stream::{ChatStream, ChatStreamError, ChatTotals, MAX_LINE_BYTES};
