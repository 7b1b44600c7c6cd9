//! The answer of a chat as it arrives: bytes in whatever pieces the network makes of them, and the one rule of success.
//!
//! An answer is good when it holds an object with `done: true` and no error line. After `done: true` only blank lines
//! may follow: an error line there is an error line still, and anything else is not the stream of one chat (a proxy that
//! joins two answers, or appends a page of its own), so it is judged as bad JSON. A body that breaks *after* `done: true`
//! is good: Ollama's own mark of completeness was received.

use super::chunk::{ChatChunk, ChunkError};
use super::error_response::{error_field_text, sanitize_text};
use crate::model::load::RequestOutcome;

/// Longest line that is read, in bytes. A chunk holds a few tokens; a mebibyte without a newline is no chat, and memory
/// stays bounded whatever a server sends.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// An answer as it arrives.
#[derive(Clone, Debug, Default)]
pub struct ChatStream {
    /// The beginning of a line whose end has not come.
    pending: Vec<u8>,
    chunks: u32,
    has_content: bool,
    totals: Option<ChatTotals>,
}

/// What the last object of an answer told; durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatTotals {
    /// Tokens generated (`eval_count`); Ollama leaves the field out when it is 0.
    pub tokens: u64,
    /// `total_duration`.
    pub total_ns: Option<u64>,
    /// `load_duration`: scheduler wait included.
    pub load_ns: Option<u64>,
    /// `done_reason`.
    pub done_reason: Option<String>,
}

/// Why an answer with status 200 is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatStreamError {
    /// A line `{"error": ...}`.
    #[error("{0}")]
    ErrorLine(String),
    /// A line that is no chat chunk.
    #[error("line {line} of the stream: {why}: {text}")]
    BadJson {
        /// Number of the line among those that were not blank, from 1.
        line: u32,
        /// What is wrong with it.
        why: String,
        /// Its beginning.
        text: String,
    },
    /// A line beyond [`MAX_LINE_BYTES`].
    #[error("line {line} of the stream is longer than {MAX_LINE_BYTES} bytes: {text}")]
    LineTooLong {
        /// Number of the line among those that were not blank, from 1.
        line: u32,
        /// Its beginning.
        text: String,
    },
    /// The body ended without `done: true`.
    #[error("the answer ended after {chunks} chunks without done:true")]
    Truncated {
        /// Chunks that had come.
        chunks: u32,
    },
}

impl ChatStreamError {
    /// What it makes of the request.
    #[must_use]
    pub fn outcome(&self) -> RequestOutcome {
        match self {
            Self::ErrorLine(_) => RequestOutcome::ErrorLine,
            Self::BadJson { .. } | Self::LineTooLong { .. } => RequestOutcome::BadJson,
            Self::Truncated { .. } => RequestOutcome::Truncated,
        }
    }
}

impl ChatStream {
    /// Chat chunks so far, the last one included.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Whether a chunk with content or thinking has come.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// The totals, once the object with `done: true` has come.
    #[must_use]
    pub fn totals(&self) -> Option<&ChatTotals> {
        self.totals.as_ref()
    }

    /// Takes the next bytes of the body. Fails at the first line that breaks the rule; what came before it stays counted.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), ChatStreamError> {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let line = &bytes[..end];
            self.check_line_length(line)?;
            if self.pending.is_empty() {
                self.parse_line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(line);
                self.parse_line(&whole)?;
                whole.clear();
                // Its memory is kept for the next line that comes in pieces.
                self.pending = whole;
            }
            bytes = &bytes[end + 1..];
        }
        self.check_line_length(bytes)?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the answer where its body ended or broke: the last line counts without its newline too.
    pub fn finish(&mut self) -> Result<ChatTotals, ChatStreamError> {
        let last = std::mem::take(&mut self.pending);
        let last = last.trim_ascii();
        match self.parse_line(last) {
            // A line that stops in its middle is a body that was cut, before its time unless `done: true` had come.
            Err(ChatStreamError::BadJson { .. }) if self.is_truncated(last) => {}
            result => result?,
        }
        self.totals.clone().ok_or(ChatStreamError::Truncated { chunks: self.chunks })
    }

    fn is_truncated(&self, line: &[u8]) -> bool {
        self.totals.is_none() && ChatChunk::parse(line).is_err_and(|not| not.is_truncated)
    }

    fn check_line_length(&self, more: &[u8]) -> Result<(), ChatStreamError> {
        if self.pending.len() + more.len() <= MAX_LINE_BYTES {
            return Ok(());
        }
        let start = if self.pending.is_empty() { more } else { &self.pending };
        Err(ChatStreamError::LineTooLong { line: self.chunks + 1, text: excerpt(start) })
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), ChatStreamError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let bad = |chunks: u32, why: String| ChatStreamError::BadJson { line: chunks + 1, why, text: excerpt(line) };
        let chunk = ChatChunk::parse(line).map_err(|ChunkError { why, .. }| bad(self.chunks, why))?;
        if let Some(error) = &chunk.error {
            return Err(ChatStreamError::ErrorLine(error_field_text(error)));
        }
        if self.totals.is_some() {
            return Err(bad(self.chunks, "a chunk after done:true".to_owned()));
        }
        self.chunks = self.chunks.saturating_add(1);
        self.has_content |= chunk.has_content();
        if chunk.done == Some(true) {
            self.totals = Some(ChatTotals {
                tokens: chunk.eval_count.unwrap_or(0),
                total_ns: chunk.total_duration,
                load_ns: chunk.load_duration,
                done_reason: chunk.done_reason,
            });
        }
        Ok(())
    }
}

/// The first words of a line, fit for evidence. Only so many bytes are looked at, wherever the network split the line.
fn excerpt(line: &[u8]) -> String {
    sanitize_text(&String::from_utf8_lossy(&line[..line.len().min(120)]))
}

#[cfg(test)]
mod tests;
