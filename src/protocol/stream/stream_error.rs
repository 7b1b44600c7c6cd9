//! Why a response with status 200 failed.

use super::MAX_LINE_BYTES;
use crate::model::load::RequestOutcome;

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
