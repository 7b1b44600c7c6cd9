//! One line of a chat response.

use serde::Deserialize;
use serde_json::Value;

use super::super::refusal::error_field_text;
use super::super::stream::{ChatTotals, LineError, StreamLine};

/// One object of the stream, with the fields that are read here (ollama: api/types.go, ChatResponse). Durations are in
/// nanoseconds; absent fields are `None`.
#[derive(Debug, Deserialize)]
struct ChatChunk {
    message: Option<ChatMessage>,
    /// True in the last object of the response.
    done: Option<bool>,
    /// Why generation ended: `stop`, `length`, `load`.
    done_reason: Option<String>,
    /// From the start of the handler to the end of the response.
    total_duration: Option<u64>,
    /// From the start of the handler until the model was scheduled: includes waiting, not only loading.
    load_duration: Option<u64>,
    /// Tokens generated; left out when it is 0.
    eval_count: Option<u64>,
    /// An error after the first byte was sent: a text from Ollama, an object from some gateways.
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct ChatMessage {
    /// Generated text.
    content: Option<String>,
    /// Reasoning of a thinking model; counts for TTFT.
    thinking: Option<String>,
}

impl ChatMessage {
    fn has_content(&self) -> bool {
        let non_empty = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        non_empty(&self.content) || non_empty(&self.thinking)
    }
}

/// Parses one line: every line is an object, and each without an error is a chunk.
pub(super) fn parse_line(line: &[u8]) -> Result<StreamLine, LineError> {
    // serde parses a struct from an array too: `[]` would pass as a chunk without fields.
    if line.first() != Some(&b'{') {
        return Err(LineError::Invalid { reason: "not a JSON object".to_owned(), is_truncated: false });
    }
    let chunk: ChatChunk = serde_json::from_slice(line).map_err(LineError::from_json)?;
    if let Some(error) = &chunk.error {
        return Err(LineError::Reported(error_field_text(error)));
    }
    if chunk.message.is_none() && chunk.done.is_none() {
        let reason = "an object without message, done or error".to_owned();
        return Err(LineError::Invalid { reason, is_truncated: false });
    }
    let is_end = chunk.done == Some(true);
    let totals = is_end.then(|| ChatTotals {
        tokens: chunk.eval_count.unwrap_or(0),
        total_ns: chunk.total_duration,
        load_ns: chunk.load_duration,
        end_reason: chunk.done_reason,
    });
    let has_content = chunk.message.is_some_and(|message| message.has_content());
    Ok(StreamLine { is_chunk: true, has_content, totals, is_end })
}
