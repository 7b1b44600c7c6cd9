//! Parses a chat response as it arrives, split anywhere by the network, and decides whether it succeeded. The protocol
//! reads the lines; the rule of success is the same for all.
//!
//! A response succeeded if it has its protocol's end mark and no error line. After the end mark only blank lines may
//! follow: an error line there is still an error line, and anything else is not the stream of one chat (a proxy joined
//! two responses, or appended its own page) and counts as bad JSON. A body that breaks *after* the end mark succeeded:
//! the response was complete.

use super::ServingProtocol;
use super::refusal::MAX_ERROR_CHARS;
use crate::env::sanitize_text;
use crate::model::load::RequestOutcome;

/// Longest accepted line, in bytes. A chunk has a few tokens; 1 MiB without a newline is not a chat. Bounds the memory,
/// whatever a server sends.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// Parser of one chat response.
#[derive(Clone, Debug)]
pub(crate) struct ChatStream {
    protocol: &'static dyn ServingProtocol,
    /// The start of a line whose end has not arrived yet.
    pending: Vec<u8>,
    /// Lines that were parsed, without blank ones.
    lines: u32,
    chunks: u32,
    has_content: bool,
    totals: ChatTotals,
    has_ended: bool,
    remote_model: Option<String>,
}

/// One line of a response, as its protocol reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamLine {
    /// Whether it is a chunk of the response. A line that is only a mark is none.
    pub(crate) is_chunk: bool,
    /// Whether it has generated text that is not empty.
    pub(crate) has_content: bool,
    /// The totals of the response, in the line that states them.
    pub(crate) totals: Option<ChatTotals>,
    /// Whether it completes the response.
    pub(crate) is_end: bool,
    /// The remote host that serves the model instead of this server, with the model's name there.
    pub(crate) remote_model: Option<String>,
}

/// A line that is not part of a response that succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// The server reports an error, with this message.
    Reported(String),
    /// The line is not one of the protocol.
    Invalid {
        /// What is wrong with it.
        reason: String,
        /// The line ends inside of what is valid up to there.
        is_truncated: bool,
    },
}

impl LineError {
    /// A line whose JSON is not that of the protocol.
    pub(super) fn from_json(error: serde_json::Error) -> Self {
        Self::Invalid { reason: error.to_string(), is_truncated: error.is_eof() }
    }
}

/// What the server states of a whole response; durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChatTotals {
    /// Tokens generated.
    pub(crate) tokens: u64,
    /// Duration of the request.
    pub(crate) total_ns: Option<u64>,
    /// Part of it before the model was ready for the request.
    pub(crate) load_ns: Option<u64>,
    /// Why generation ended.
    pub(crate) end_reason: Option<String>,
}

/// Why a response with status 200 failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChatStreamError {
    /// A line in which the server reports an error.
    #[error("{0}")]
    ErrorLine(String),
    /// A line that is not one of the protocol.
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
    /// The body ended without the end mark.
    #[error("the response ended after {chunks} chunks without {end_mark}")]
    Truncated {
        /// Chunks received.
        chunks: u32,
        /// The end mark, as messages name it.
        end_mark: &'static str,
    },
}

impl ChatStreamError {
    /// The outcome of the request.
    #[must_use]
    pub(crate) fn outcome(&self) -> RequestOutcome {
        match self {
            Self::ErrorLine(_) => RequestOutcome::ErrorLine,
            Self::BadJson { .. } | Self::LineTooLong { .. } => RequestOutcome::BadJson,
            Self::Truncated { .. } => RequestOutcome::Truncated,
        }
    }
}

impl ChatStream {
    /// A response of which nothing has arrived yet.
    #[must_use]
    pub(crate) fn new(protocol: &'static dyn ServingProtocol) -> Self {
        let (pending, totals) = (Vec::new(), ChatTotals::default());
        Self {
            protocol,
            pending,
            lines: 0,
            chunks: 0,
            has_content: false,
            totals,
            has_ended: false,
            remote_model: None,
        }
    }

    /// Chunks so far.
    #[must_use]
    pub(crate) fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Whether generated text has arrived.
    #[must_use]
    pub(crate) fn has_content(&self) -> bool {
        self.has_content
    }

    /// The totals, once the end mark has arrived.
    #[must_use]
    pub(crate) fn totals(&self) -> Option<&ChatTotals> {
        self.has_ended.then_some(&self.totals)
    }

    /// The remote host that serves the model instead of this server, as far as a line named it.
    #[must_use]
    pub(crate) fn remote_model(&self) -> Option<&str> {
        self.remote_model.as_deref()
    }

    /// Parses the next bytes of the body. Fails at the first invalid line; chunks before it stay counted.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), ChatStreamError> {
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
    pub(crate) fn finish(&mut self) -> Result<ChatTotals, ChatStreamError> {
        let last = std::mem::take(&mut self.pending);
        let last = last.trim_ascii();
        match self.parse_line(last) {
            // An incomplete last line means a truncated body, unless the response was complete.
            Err(ChatStreamError::BadJson { .. }) if self.is_truncated(last) => {}
            result => result?,
        }
        let truncated = ChatStreamError::Truncated { chunks: self.chunks, end_mark: self.protocol.end_mark() };
        self.totals().cloned().ok_or(truncated)
    }

    fn is_truncated(&self, line: &[u8]) -> bool {
        let is_incomplete = |error| matches!(error, LineError::Invalid { is_truncated: true, .. });
        !self.has_ended && self.protocol.parse_line(line).is_err_and(is_incomplete)
    }

    fn check_line_length(&self, more: &[u8]) -> Result<(), ChatStreamError> {
        if self.pending.len() + more.len() <= MAX_LINE_BYTES {
            return Ok(());
        }
        let start = if self.pending.is_empty() { more } else { &self.pending };
        Err(ChatStreamError::LineTooLong { line: self.lines + 1, text: excerpt(start) })
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), ChatStreamError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let number = self.lines.saturating_add(1);
        let bad = |reason: String| ChatStreamError::BadJson { line: number, reason, text: excerpt(line) };
        let parsed = self.protocol.parse_line(line).map_err(|error| match error {
            LineError::Reported(text) => ChatStreamError::ErrorLine(text),
            LineError::Invalid { reason, .. } => bad(reason),
        })?;
        if self.has_ended {
            return Err(bad(format!("a chunk after {}", self.protocol.end_mark())));
        }
        self.lines = number;
        self.chunks = self.chunks.saturating_add(u32::from(parsed.is_chunk));
        self.has_content |= parsed.has_content;
        self.totals = parsed.totals.unwrap_or_else(|| std::mem::take(&mut self.totals));
        self.has_ended = parsed.is_end;
        self.remote_model = self.remote_model.take().or(parsed.remote_model);
        Ok(())
    }
}

/// The start of a line for the evidence: the same 120 bytes wherever the network split the line.
fn excerpt(line: &[u8]) -> String {
    sanitize_text(&String::from_utf8_lossy(&line[..line.len().min(120)]), MAX_ERROR_CHARS)
}

#[cfg(test)]
mod tests;
