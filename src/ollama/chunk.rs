//! One line of a chat's answer.

use serde::Deserialize;
use serde_json::Value;

/// One object of the stream, as far as the harness reads it (ollama: api/types.go, ChatResponse). Durations are in
/// nanoseconds; what a line leaves out is `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatChunk {
    /// The words of this chunk.
    pub message: Option<ChatMessage>,
    /// The last object of the answer.
    pub done: Option<bool>,
    /// Why generation ended: `stop`, `length`, `load`.
    pub done_reason: Option<String>,
    /// From the handler's entry to the end.
    pub total_duration: Option<u64>,
    /// From the handler's entry until the model was scheduled: waiting included, not only loading.
    pub load_duration: Option<u64>,
    /// Tokens generated.
    pub eval_count: Option<u64>,
    /// Time spent generating.
    pub eval_duration: Option<u64>,
    /// What went wrong after the first byte was sent: a text from Ollama, an object from some gateways.
    pub error: Option<Value>,
}

/// The words of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ChatMessage {
    /// The answer.
    pub content: Option<String>,
    /// What a reasoning model thinks aloud; counts as a token for TTFT.
    pub thinking: Option<String>,
}

impl ChatChunk {
    /// Reads one line; on failure says why and whether the line merely stops in its middle.
    pub(super) fn parse(line: &[u8]) -> Result<Self, ChunkError> {
        // serde reads a struct from an array too, so that `[]` would pass as a chunk without fields.
        if line.first() != Some(&b'{') {
            return Err(ChunkError { why: "not a JSON object".to_owned(), is_truncated: false });
        }
        let chunk: Self =
            serde_json::from_slice(line).map_err(|e| ChunkError { why: e.to_string(), is_truncated: e.is_eof() })?;
        if chunk.message.is_none() && chunk.done.is_none() && chunk.error.is_none() {
            return Err(ChunkError { why: "an object without message, done or error".to_owned(), is_truncated: false });
        }
        Ok(chunk)
    }

    /// Whether it carries content or thinking that is not empty.
    #[must_use]
    pub fn has_content(&self) -> bool {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        self.message.as_ref().is_some_and(|m| said(&m.content) || said(&m.thinking))
    }
}

/// A line that is no chunk.
pub(super) struct ChunkError {
    pub(super) why: String,
    /// The text ends inside the JSON: nothing in it is wrong but its length.
    pub(super) is_truncated: bool,
}
