//! Parses a chat response as it arrives, split anywhere by the network, and decides whether it succeeded. The protocol
//! reads the lines; the rule of success is the same for all.
//!
//! A response succeeded if it has its protocol's end mark, a chunk, and no error line. After the end mark only blank lines may
//! follow, and lines without a message: an error line there is still an error line, and anything else is not the stream of one
//! chat (a proxy joined two responses, or appended its own page) and counts as bad JSON. A body that breaks *after* the end mark
//! succeeded: the response was complete.
//!
//! A line carries a message, nothing, or a part of a message: the data of a server-sent event may have several lines. A message is
//! parsed as soon as it is complete, without the blank line that ends its event, so that its time is that of its arrival.

mod message;
mod stream_error;

pub(crate) use message::{ChatTotals, LineError, LineFrame, StatedTotals, StreamMessage};
pub(crate) use stream_error::ChatStreamError;

use super::ServingProtocol;
use super::refusal::MAX_ERROR_CHARS;
use crate::env::sanitize_text;

/// Longest accepted line, in bytes. A chunk has a few tokens; 1 MiB without a newline is not a chat. Bounds the memory,
/// whatever a server sends.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// Most lines of one message. Each of them makes the message be parsed again.
const MAX_MESSAGE_LINES: u32 = 64;

/// Parser of one chat response.
#[derive(Clone, Debug)]
pub(crate) struct ChatStream {
    protocol: &'static dyn ServingProtocol,
    /// The start of a line whose end has not arrived yet.
    pending: Vec<u8>,
    /// The lines so far of a message that is not complete.
    message: Vec<u8>,
    /// Their number.
    message_lines: u32,
    /// Lines that were parsed, without blank ones.
    lines: u32,
    chunks: u32,
    has_content: bool,
    totals: ChatTotals,
    /// Whether the tokens in `totals` are those that the server states.
    has_stated_tokens: bool,
    has_ended: bool,
    remote_model: Option<String>,
}

impl ChatStream {
    /// A response of which nothing has arrived yet.
    #[must_use]
    pub(crate) fn new(protocol: &'static dyn ServingProtocol) -> Self {
        Self {
            protocol,
            pending: Vec::new(),
            message: Vec::new(),
            message_lines: 0,
            lines: 0,
            chunks: 0,
            has_content: false,
            totals: ChatTotals::default(),
            has_stated_tokens: false,
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
        let parsed = if last.is_empty() { Ok(()) } else { self.parse_line(last) };
        match parsed {
            // An incomplete last line means a truncated body, unless the response was complete.
            Err(ChatStreamError::BadJson { .. }) if self.is_truncated(last) => {}
            result => result?,
        }
        let truncated = ChatStreamError::Truncated { chunks: self.chunks, end_mark: self.protocol.end_mark() };
        match self.totals() {
            Some(_) if !self.message.is_empty() => self.end_message().map(|()| self.totals.clone()),
            totals => totals.cloned().ok_or(truncated),
        }
    }

    fn is_truncated(&self, line: &[u8]) -> bool {
        let parsed = self.protocol.unframe(line).and_then(|frame| match frame {
            LineFrame::Message(message) => self.protocol.parse_message(message).map(|_| ()),
            LineFrame::Part(_) | LineFrame::Empty => Ok(()),
        });
        let is_incomplete = |error| matches!(error, LineError::Invalid { is_truncated: true, .. });
        !self.has_ended && parsed.is_err_and(is_incomplete)
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
            return self.end_message();
        }
        match self.protocol.unframe(line).map_err(|error| self.stream_error(error, line))? {
            LineFrame::Message(message) => {
                self.parse_message(message).map_err(|error| self.stream_error(error, line))?
            }
            LineFrame::Part(part) => self.add_part(part, line)?,
            LineFrame::Empty => {}
        }
        self.lines = self.lines.saturating_add(1);
        Ok(())
    }

    /// Adds a line to the message, and parses the message if that completes it.
    fn add_part(&mut self, part: &[u8], line: &[u8]) -> Result<(), ChatStreamError> {
        if !self.message.is_empty() {
            let mut message = std::mem::take(&mut self.message);
            message.push(b'\n');
            message.extend_from_slice(part);
            self.check_line_length(&message)?;
            return self.parse_part(message, line);
        }
        match self.parse_message(part) {
            Err(LineError::Invalid { is_truncated: true, .. }) => {
                self.message.extend_from_slice(part);
                self.message_lines = 1;
                Ok(())
            }
            result => result.map_err(|error| self.stream_error(error, line)),
        }
    }

    fn parse_part(&mut self, message: Vec<u8>, line: &[u8]) -> Result<(), ChatStreamError> {
        self.message_lines = self.message_lines.saturating_add(1);
        match self.parse_message(&message) {
            Err(LineError::Invalid { is_truncated: true, .. }) if self.message_lines < MAX_MESSAGE_LINES => {
                self.message = message;
                Ok(())
            }
            result => result.map_err(|error| self.stream_error(error, line)),
        }
    }

    /// A blank line ends an event. Its message is complete by then.
    fn end_message(&mut self) -> Result<(), ChatStreamError> {
        let message = std::mem::take(&mut self.message);
        if message.is_empty() {
            return Ok(());
        }
        self.parse_message(&message).map_err(|error| self.stream_error(error, &message))
    }

    fn stream_error(&self, error: LineError, line: &[u8]) -> ChatStreamError {
        match error {
            LineError::Reported(text) => ChatStreamError::ErrorLine(text),
            LineError::Invalid { reason, .. } => {
                ChatStreamError::BadJson { line: self.lines.saturating_add(1), reason, text: excerpt(line) }
            }
        }
    }

    fn parse_message(&mut self, message: &[u8]) -> Result<(), LineError> {
        let parsed = self.protocol.parse_message(message)?;
        let invalid = |reason: String| Err(LineError::Invalid { reason, is_truncated: false });
        if self.has_ended {
            return invalid(format!("a chunk after {}", self.protocol.end_mark()));
        }
        // A server that fails before its first token may end the stream without a word (vLLM before PR 40986).
        if parsed.is_end && !parsed.is_chunk && self.chunks == 0 {
            return invalid(format!("{} without a chunk before it", self.protocol.end_mark()));
        }
        self.chunks = self.chunks.saturating_add(u32::from(parsed.is_chunk));
        self.has_content |= parsed.has_content;
        self.add_totals(parsed.totals, parsed.has_content);
        self.has_ended = parsed.is_end;
        self.remote_model = self.remote_model.take().or(parsed.remote_model);
        Ok(())
    }

    fn add_totals(&mut self, stated: StatedTotals, has_content: bool) {
        let totals = &mut self.totals;
        if let Some(tokens) = stated.tokens {
            (totals.tokens, self.has_stated_tokens) = (tokens, true);
        } else if !self.has_stated_tokens {
            totals.tokens += u64::from(has_content);
        }
        totals.total_ns = stated.total_ns.or(totals.total_ns);
        totals.load_ns = stated.load_ns.or(totals.load_ns);
        totals.end_reason = stated.end_reason.or(totals.end_reason.take());
    }
}

/// The start of a line for the evidence: the same 120 bytes wherever the network split the line.
fn excerpt(line: &[u8]) -> String {
    sanitize_text(&String::from_utf8_lossy(&line[..line.len().min(120)]), MAX_ERROR_CHARS)
}

#[cfg(test)]
mod tests;
