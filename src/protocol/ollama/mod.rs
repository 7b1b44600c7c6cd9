//! Ollama's own API: `/api/chat` with NDJSON as its response, `/api/ps` for the loaded models.

mod chat;
mod chunk;
mod fields;
mod models;

use serde_json::{Map, Value};

use super::{LineError, ModelPlacement, ParameterProblem, ProtocolDefaults, ServingProtocol, StreamLine};
use crate::model::load::LoadSpec;

/// The protocol of Ollama.
#[derive(Debug)]
pub(super) struct Ollama;

impl ServingProtocol for Ollama {
    fn defaults(&self) -> ProtocolDefaults {
        ProtocolDefaults { port: 11434, model: "llama3.2:1b", parameters: chat::default_parameters() }
    }

    fn parameter_problems(&self, parameters: &Map<String, Value>) -> Vec<ParameterProblem> {
        chat::parameter_problems(parameters)
    }

    fn chat_path(&self) -> &'static str {
        "/api/chat"
    }

    fn response_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn chat_body(&self, load: &LoadSpec, seed: u32) -> Vec<u8> {
        chat::body(load, seed)
    }

    fn parse_line(&self, line: &[u8]) -> Result<StreamLine, LineError> {
        chunk::parse_line(line)
    }

    fn end_mark(&self) -> &'static str {
        "done:true"
    }

    fn placement_path(&self) -> Option<&'static str> {
        Some("/api/ps")
    }

    fn parse_placement(&self, body: &[u8], model: &str) -> Option<ModelPlacement> {
        models::parse_placement(body, model)
    }
}
