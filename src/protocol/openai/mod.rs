//! OpenAI's chat completions, `/v1/chat/completions`, as inference servers serve them (vLLM, TGI, llama.cpp, SGLang, Ollama):
//! server-sent events, of which the last one is `[DONE]`.
//!
//! A stream that ends by its `finish_reason` alone is truncated: OpenAI's reference wants `[DONE]`, and every server named
//! here sends it (TGI since v2.1.2, pull request 2221).

mod chunk;
mod event;
mod request;

use serde_json::{Map, Value};

use super::{
    LineError, LineFrame, ModelPlacement, ParameterProblem, ProtocolDefaults, ServingProtocol, StreamMessage, ollama,
};
use crate::model::load::LoadSpec;

/// The protocol of OpenAI.
#[derive(Debug)]
pub(super) struct OpenAi;

impl ServingProtocol for OpenAi {
    /// The port is vLLM's. No model name is valid for every server, so a scenario has to state its own.
    fn defaults(&self) -> ProtocolDefaults {
        ProtocolDefaults { port: 8000, model: "", parameters: request::default_parameters() }
    }

    fn parameter_problems(&self, parameters: &Map<String, Value>) -> Vec<ParameterProblem> {
        request::parameter_problems(parameters)
    }

    fn chat_path(&self) -> &'static str {
        "/v1/chat/completions"
    }

    fn response_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn chat_body(&self, load: &LoadSpec, seed: u32) -> Vec<u8> {
        request::body(load, seed)
    }

    fn unframe<'a>(&self, line: &'a [u8]) -> Result<LineFrame<'a>, LineError> {
        event::unframe(line)
    }

    fn parse_message(&self, message: &[u8]) -> Result<StreamMessage, LineError> {
        chunk::parse(message)
    }

    fn end_mark(&self) -> &'static str {
        "data: [DONE]"
    }

    /// Ollama serves both protocols. Another server answers this path with an error, or with something else.
    fn placement_path(&self) -> Option<&'static str> {
        Some(ollama::PLACEMENT_PATH)
    }

    fn always_states_placement(&self) -> bool {
        false
    }

    fn parse_placement(&self, body: &[u8], model: &str) -> Option<ModelPlacement> {
        ollama::parse_placement(body, model)
    }

    fn base_url_problem(&self, url: &str) -> Option<(&'static str, &'static str)> {
        let is_api_base = url.trim_end_matches('/').ends_with("/v1");
        is_api_base.then_some(("ends with /v1, which is part of the request's path already", "remove /v1 from the URL"))
    }
}

#[cfg(test)]
mod tests;
