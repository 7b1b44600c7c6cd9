//! One line of a chat response.

use serde::Deserialize;
use serde_json::Value;

/// One object of the stream, with the fields that are read here (ollama: api/types.go, ChatResponse). Durations are in
/// nanoseconds; absent fields are `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatChunk {
    /// The message of this chunk.
    pub message: Option<ChatMessage>,
    /// True in the last object of the response.
    pub done: Option<bool>,
    /// Why generation ended: `stop`, `length`, `load`.
    pub done_reason: Option<String>,
    /// From the start of the handler to the end of the response.
    pub total_duration: Option<u64>,
    /// From the start of the handler until the model was scheduled: includes waiting, not only loading.
    pub load_duration: Option<u64>,
    /// Tokens generated.
    pub eval_count: Option<u64>,
    /// Time spent generating.
    pub eval_duration: Option<u64>,
    /// An error after the first byte was sent: a text from Ollama, an object from some gateways.
    pub error: Option<Value>,
}

/// The message of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ChatMessage {
    /// Generated text.
    pub content: Option<String>,
    /// Reasoning of a thinking model; counts for TTFT.
    pub thinking: Option<String>,
}

impl ChatChunk {
    /// Parses one line.
    pub(super) fn parse(line: &[u8]) -> Result<Self, ChunkError> {
        // serde parses a struct from an array too: `[]` would pass as a chunk without fields.
        if line.first() != Some(&b'{') {
            return Err(ChunkError { reason: "not a JSON object".to_owned(), is_truncated: false });
        }
        let chunk: Self =
            serde_json::from_slice(line).map_err(|e| ChunkError { reason: e.to_string(), is_truncated: e.is_eof() })?;
        if chunk.message.is_none() && chunk.done.is_none() && chunk.error.is_none() {
            return Err(ChunkError {
                reason: "an object without message, done or error".to_owned(),
                is_truncated: false,
            });
        }
        Ok(chunk)
    }

    /// Whether it has content or thinking that is not empty.
    #[must_use]
    pub fn has_content(&self) -> bool {
        let non_empty = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        self.message.as_ref().is_some_and(|m| non_empty(&m.content) || non_empty(&m.thinking))
    }
}

/// A line that is not a chunk.
pub(super) struct ChunkError {
    pub(super) reason: String,
    /// The line ends inside the JSON, which is valid up to there.
    pub(super) is_truncated: bool,
}
