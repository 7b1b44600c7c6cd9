//! Ollama's own API: `/api/chat` with NDJSON as its response, `/api/ps` for the loaded models.

mod chat;
mod chunk;
mod models;
mod remote_model;

use serde_json::{Map, Value};

use super::{LineError, ModelPlacement, ParameterProblem, ProtocolDefaults, ServingProtocol, StreamMessage};
use crate::model::load::LoadSpec;

pub(super) use models::parse_placement;

/// The path of the loaded models.
pub(super) const PLACEMENT_PATH: &str = "/api/ps";

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

    fn parse_message(&self, message: &[u8]) -> Result<StreamMessage, LineError> {
        chunk::parse_line(message)
    }

    fn end_mark(&self) -> &'static str {
        "done:true"
    }

    fn placement_path(&self) -> Option<&'static str> {
        Some(PLACEMENT_PATH)
    }

    fn parse_placement(&self, body: &[u8], model: &str) -> Option<ModelPlacement> {
        parse_placement(body, model)
    }
}
