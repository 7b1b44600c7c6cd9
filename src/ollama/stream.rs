//! Parses a chat response as it arrives, split anywhere by the network, and decides whether it succeeded.
//!
//! A response succeeded if it has an object with `done: true` and no error line. After `done: true` only blank lines
//! may follow: an error line there is still an error line, and anything else is not the stream of one chat (a proxy
//! joined two responses, or appended its own page) and counts as bad JSON. A body that breaks *after* `done: true`
//! succeeded: the response was complete.

use super::chunk::{ChatChunk, ChunkError};
use super::error_response::{MAX_ERROR_CHARS, error_field_text};
use crate::env::sanitize_text;
use crate::model::load::RequestOutcome;

/// Longest accepted line, in bytes. A chunk has a few tokens; 1 MiB without a newline is not a chat. Bounds the memory,
/// whatever a server sends.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Parser of one chat response.
#[derive(Clone, Debug, Default)]
pub struct ChatStream {
    /// The start of a line whose end has not arrived yet.
    pending: Vec<u8>,
    chunks: u32,
    has_content: bool,
    totals: Option<ChatTotals>,
}

/// The fields of the last object of a response; durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatTotals {
    /// Tokens generated (`eval_count`); Ollama leaves the field out when it is 0.
    pub tokens: u64,
    /// `total_duration`.
    pub total_ns: Option<u64>,
    /// `load_duration`: includes the wait for Ollama's scheduler.
    pub load_ns: Option<u64>,
    /// `done_reason`.
    pub done_reason: Option<String>,
}

/// Why a response with status 200 failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatStreamError {
    /// A line `{"error": ...}`.
    #[error("{0}")]
    ErrorLine(String),
    /// A line that is not a chat chunk.
    #[error("line {line} of the stream: {reason}: {text}")]
    BadJson {
        /// Line number, from 1, without blank lines.
        line: u32,
        /// What is wrong with it.
        reason: String,
        /// Start of the line.
        text: String,
    },
    /// A line longer than [`MAX_LINE_BYTES`].
    #[error("line {line} of the stream is longer than {MAX_LINE_BYTES} bytes: {text}")]
    LineTooLong {
        /// Line number, from 1, without blank lines.
        line: u32,
        /// Start of the line.
        text: String,
    },
    /// The body ended without `done: true`.
    #[error("the response ended after {chunks} chunks without done:true")]
    Truncated {
        /// Chunks received.
        chunks: u32,
    },
}

impl ChatStreamError {
    /// The outcome of the request.
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
    /// Chat chunks so far, including the last object.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Whether a chunk with content or thinking has arrived.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// The totals, once the object with `done: true` has arrived.
    #[must_use]
    pub fn totals(&self) -> Option<&ChatTotals> {
        self.totals.as_ref()
    }

    /// Parses the next bytes of the body. Fails at the first invalid line; chunks before it stay counted.
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
                // Keeps its memory for the next split line.
                self.pending = whole;
            }
            bytes = &bytes[end + 1..];
        }
        self.check_line_length(bytes)?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the response where its body ended or broke; the last line needs no newline.
    pub fn finish(&mut self) -> Result<ChatTotals, ChatStreamError> {
        let last = std::mem::take(&mut self.pending);
        let last = last.trim_ascii();
        match self.parse_line(last) {
            // An incomplete last line means a truncated body, unless `done: true` had arrived.
            Err(ChatStreamError::BadJson { .. }) if self.is_truncated(last) => {}
            result => result?,
        }
        self.totals.clone().ok_or(ChatStreamError::Truncated { chunks: self.chunks })
    }

    fn is_truncated(&self, line: &[u8]) -> bool {
        self.totals.is_none() && ChatChunk::parse(line).is_err_and(|error| error.is_truncated)
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
        let bad =
            |chunks: u32, reason: String| ChatStreamError::BadJson { line: chunks + 1, reason, text: excerpt(line) };
        let chunk = ChatChunk::parse(line).map_err(|ChunkError { reason, .. }| bad(self.chunks, reason))?;
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

/// The start of a line for the evidence: the same 120 bytes wherever the network split the line.
fn excerpt(line: &[u8]) -> String {
    sanitize_text(&String::from_utf8_lossy(&line[..line.len().min(120)]), MAX_ERROR_CHARS)
}

#[cfg(test)]
mod tests;
