//! The two forms in which Ollama is asked for a chat and answers it: its own (`/api/chat`), and OpenAI's
//! (`/v1/chat/completions`).

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::responses::{error_response, json_response};
use super::startup::ServerStartup;
use crate::env::ResponseBody;
use crate::units::HumanDuration;

/// A form of request and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChatFormat {
    /// NDJSON.
    Ollama,
    /// Server-sent events.
    OpenAi,
}

/// What a chat asks for.
pub(super) struct ChatOptions {
    pub(super) model: String,
    /// Maximum number of tokens; `None`: no limit.
    pub(super) max_tokens: Option<u64>,
    /// How long the model stays in memory afterwards, microseconds; `None`: no limit.
    pub(super) keep_alive_us: Option<u64>,
}

/// What the end of a response states; durations in microseconds.
pub(super) struct ChatEnd {
    pub(super) tokens: u64,
    pub(super) reason: &'static str,
    pub(super) total_us: u64,
    pub(super) load_us: u64,
    pub(super) prompt_us: u64,
    pub(super) eval_us: u64,
}

impl ChatFormat {
    /// # Errors
    /// The simulator does not support what the request asks for.
    pub(super) fn parse_options(self, body: &Bytes, startup: &ServerStartup) -> Result<ChatOptions, String> {
        let unsupported = |feature: &str| format!("the simulator does not support a chat with {feature}");
        let body: Value =
            serde_json::from_slice(body).map_err(|e| unsupported(&format!("a body that is not JSON: {e}")))?;
        // Without the field a response is streamed in the one form, and is not in the other one.
        let is_streamed = body["stream"].as_bool().unwrap_or(self == Self::Ollama);
        if !is_streamed {
            return Err(unsupported("stream: false"));
        }
        let model = body["model"].as_str().ok_or_else(|| unsupported("no model"))?.to_owned();
        let limit = match self {
            Self::Ollama => &body["options"]["num_predict"],
            Self::OpenAi => &body["max_tokens"],
        };
        let keep_alive_us = match &body["keep_alive"] {
            _ if self == Self::OpenAi => startup.keep_alive_us,
            Value::Null => startup.keep_alive_us,
            Value::Number(seconds) => seconds.as_u64().map(|seconds| seconds * 1_000_000),
            Value::String(text) if text.starts_with('-') => None,
            Value::String(text) => Some(text.parse::<HumanDuration>().map_err(|e| e.to_string())?.ms() * 1000),
            other => return Err(unsupported(&format!("keep_alive {other}"))),
        };
        let max_tokens = limit.as_i64().and_then(|max| u64::try_from(max).ok());
        Ok(ChatOptions { model, max_tokens, keep_alive_us })
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::OpenAi => "text/event-stream",
        }
    }

    /// A response with an error status.
    pub(super) fn error_response(self, status: u16, message: &str) -> Response<ResponseBody> {
        match self {
            Self::Ollama => error_response(status, message),
            Self::OpenAi => json_response(status, &self.error(message)),
        }
    }

    /// An error within a stream.
    pub(super) fn error_line(self, message: &str) -> String {
        match self {
            Self::Ollama => format!("{}\n", self.error(message)),
            Self::OpenAi => format!("data: {}\n\n", self.error(message)),
        }
    }

    fn error(self, message: &str) -> Value {
        match self {
            Self::Ollama => json!({"error": message}),
            Self::OpenAi => json!({"error": {"message": message, "type": "api_error", "param": null, "code": null}}),
        }
    }

    /// A chunk with text. The model's name is JSON.
    pub(super) fn token_chunk(self, model: &str, now: &str) -> String {
        match self {
            Self::Ollama => format!(
                "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\" word\"}},\
                 \"done\":false}}\n"
            ),
            Self::OpenAi => openai_chunk(
                model,
                "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" word\"},\"finish_reason\":null}]",
            ),
        }
    }

    /// The chunks that end the response.
    pub(super) fn final_chunk(self, model: &str, now: &str, end: &ChatEnd) -> String {
        let ChatEnd { tokens, reason, .. } = end;
        let [total_ns, load_ns, prompt_ns, eval_ns] =
            [end.total_us, end.load_us, end.prompt_us, end.eval_us].map(|us| us * 1000);
        if self == Self::OpenAi {
            let last = format!(
                "[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}},\"finish_reason\":\"{reason}\"}}]"
            );
            let usage = format!(
                "[],\"usage\":{{\"prompt_tokens\":30,\"completion_tokens\":{tokens},\"total_tokens\":{}}}",
                tokens + 30
            );
            return openai_chunk(model, &last) + &openai_chunk(model, &usage) + "data: [DONE]\n\n";
        }
        format!(
            "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\
             \"done_reason\":\"{reason}\",\"done\":true,\"total_duration\":{total_ns},\"load_duration\":{load_ns},\
             \"prompt_eval_count\":30,\"prompt_eval_duration\":{prompt_ns},\"eval_count\":{tokens},\
             \"eval_duration\":{eval_ns}}}\n"
        )
    }
}

/// An event with these choices, and with what follows them.
fn openai_chunk(model: &str, choices: &str) -> String {
    format!("data: {{\"object\":\"chat.completion.chunk\",\"model\":{model},\"choices\":{choices}}}\n\n")
}
