//! What a line of a response carries, and what a message states.

/// What a line of a response carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFrame<'a> {
    /// A message.
    Message(&'a [u8]),
    /// A message, or a part of one that the next such line continues.
    Part(&'a [u8]),
    /// No message: a comment, or a field of an event that has no data.
    Empty,
}

/// One message of a response, as its protocol reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamMessage {
    /// Whether it is a chunk of the response. A message that is only a mark is none.
    pub(crate) is_chunk: bool,
    /// Whether it has generated text that is not empty.
    pub(crate) has_content: bool,
    /// What it states of the whole response.
    pub(crate) totals: StatedTotals,
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
    pub(in crate::protocol) fn from_json(error: serde_json::Error) -> Self {
        Self::Invalid { reason: error.to_string(), is_truncated: error.is_eof() }
    }
}

/// What one message states of the whole response; the last one that states a value counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatedTotals {
    /// See [`ChatTotals::tokens`].
    pub(crate) tokens: Option<u64>,
    /// See [`ChatTotals::total_ns`].
    pub(crate) total_ns: Option<u64>,
    /// See [`ChatTotals::load_ns`].
    pub(crate) load_ns: Option<u64>,
    /// See [`ChatTotals::end_reason`].
    pub(crate) end_reason: Option<String>,
}

/// What is known of a whole response; durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChatTotals {
    /// Tokens generated, as the server counts them. Of a server that states no number: chunks with text, each of which has at
    /// least one token.
    pub(crate) tokens: u64,
    /// Duration of the request.
    pub(crate) total_ns: Option<u64>,
    /// Part of it before the model was ready for the request.
    pub(crate) load_ns: Option<u64>,
    /// Why generation ended.
    pub(crate) end_reason: Option<String>,
}
