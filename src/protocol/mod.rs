//! Serving protocols: how a server is asked for a chat, how its response is read, and where it says that its model is.
//! Pure: bytes to types; nothing here reads a socket or a clock.
//!
//! [`ServingProtocol`] is what differs between the protocols. What they have in common is written once: the lines of a
//! stream and the rule of success in `stream`, refusals in `refusal`, fields that a scenario must not set in `parameters`.

mod json_fields;
mod ollama;
mod openai;
mod parameters;
mod refusal;
mod stream;

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::model::load::{LoadSpec, ProtocolName, RequestOutcome};

pub(crate) use parameters::ParameterProblem;
pub(crate) use refusal::{MAX_ERROR_CHARS, error_body_text, names_lack_of_memory, status_outcome};
pub(crate) use stream::{ChatStream, ChatStreamError, ChatTotals, LineError, LineFrame, StreamMessage};

/// The protocol with this name.
#[must_use]
pub(crate) fn by_name(name: ProtocolName) -> &'static dyn ServingProtocol {
    match name {
        ProtocolName::Ollama => &ollama::Ollama,
        ProtocolName::OpenAi => &openai::OpenAi,
    }
}

/// A protocol of streamed chats over HTTP. A response is a sequence of lines.
pub(crate) trait ServingProtocol: Debug + Send + Sync {
    /// Values of a scenario that does not set them.
    fn defaults(&self) -> ProtocolDefaults;

    /// What is wrong with `load.parameters`.
    fn parameter_problems(&self, parameters: &Map<String, Value>) -> Vec<ParameterProblem>;

    /// The path of a chat, below the base URL.
    fn chat_path(&self) -> &'static str;

    /// The media type of a streamed response.
    fn response_type(&self) -> &'static str;

    /// The JSON body of a chat whose response is streamed.
    fn chat_body(&self, load: &LoadSpec, seed: u32) -> Vec<u8>;

    /// What a line of a response carries; the line is not blank, and has no newline. By default it is a message.
    fn unframe<'a>(&self, line: &'a [u8]) -> Result<LineFrame<'a>, LineError> {
        Ok(LineFrame::Message(line))
    }

    /// Parses one message of a response.
    fn parse_message(&self, message: &[u8]) -> Result<StreamMessage, LineError>;

    /// What ends a complete response, as messages name it.
    fn end_mark(&self) -> &'static str;

    /// The outcome of a request with this status; `None` where the stream decides.
    fn refusal_outcome(&self, status: u16) -> Option<RequestOutcome> {
        status_outcome(status)
    }

    /// The error message in the body of a refusal.
    fn refusal_text(&self, body: &[u8]) -> String {
        error_body_text(body)
    }

    /// The path that tells where the model is; `None` if the protocol cannot say.
    fn placement_path(&self) -> Option<&'static str> {
        None
    }

    /// Whether every server of the protocol serves that path. Of another protocol a server that does not is as good.
    fn always_states_placement(&self) -> bool {
        true
    }

    /// What is wrong with a base URL, and what to do next.
    fn base_url_problem(&self, _url: &str) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Where the model with this name is, from the response of [`placement_path`](Self::placement_path); `None` if the
    /// response does not say.
    fn parse_placement(&self, _body: &[u8], _model: &str) -> Option<ModelPlacement> {
        None
    }
}

/// Values of a scenario that does not set them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolDefaults {
    /// `endpoint.port`.
    pub(crate) port: u16,
    /// `load.model`.
    pub(crate) model: &'static str,
    /// Fields of `load.parameters`.
    pub(crate) parameters: Map<String, Value>,
}

/// Where a pod's model is. A value that the server does not state is `None`, which is not the same as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelPlacement {
    /// Bytes of the loaded model.
    pub(crate) bytes: Option<u64>,
    /// Bytes of it in accelerator memory.
    pub(crate) accelerator_bytes: Option<u64>,
    /// Digest of the model.
    pub(crate) digest: Option<String>,
    /// The remote host that serves the model instead of the pod, with the model's name there.
    pub(crate) remote_model: Option<String>,
}
