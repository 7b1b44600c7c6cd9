//! The data of one event (OpenAI's reference, "The chat completion chunk object"). A chunk is refused only for what the rule
//! of success needs: an object with `choices`, `usage` or an error.

use serde_json::Value;

use super::super::json_fields::{JsonFields, is_non_empty};
use super::super::refusal::error_field_text;
use super::super::stream::{LineError, StatedTotals, StreamMessage};
use crate::model::load::MAX_REQUEST_TOKENS;

/// What ends a stream.
const DONE: &[u8] = b"[DONE]";

/// Fields of a delta with generated text: the reasoning is `reasoning_content` in vLLM, SGLang and llama.cpp, and `reasoning` in
/// Ollama and later versions of vLLM.
const CONTENT_FIELDS: [&str; 6] =
    ["content", "reasoning_content", "reasoning", "tool_calls", "function_call", "refusal"];

/// Reasons of an end that is no answer: vLLM and SGLang end a stream with them when they abort it.
const FAILURES: [&str; 2] = ["abort", "error"];

/// Parses the data of an event.
pub(super) fn parse(data: &[u8]) -> Result<StreamMessage, LineError> {
    if data == DONE {
        return Ok(StreamMessage { is_end: true, ..StreamMessage::default() });
    }
    if data.first() != Some(&b'{') {
        let is_truncated = DONE.starts_with(data);
        return Err(LineError::Invalid { reason: "not a JSON object".to_owned(), is_truncated });
    }
    let chunk = JsonFields::parse(data).map_err(LineError::from_json)?;
    if let Some(error) = reported_error(&chunk) {
        return Err(LineError::Reported(error));
    }
    if chunk.raw("choices").is_none() && chunk.raw("usage").is_none() {
        return Err(invalid("an object without choices, usage or error"));
    }
    let mut line = StreamMessage::default();
    if chunk.raw("choices").is_some() {
        let choices = chunk.list("choices").ok_or_else(|| invalid("`choices` is not a list"))?;
        for choice in choices {
            read_choice(choice.get(), &mut line)?;
        }
    }
    // Some servers state 0 in every chunk and count nothing.
    let usage = chunk.raw("usage").and_then(|usage| JsonFields::parse(usage.as_bytes()).ok());
    line.totals.tokens = usage
        .and_then(|usage| usage.count("completion_tokens"))
        .filter(|tokens| (1..=MAX_REQUEST_TOKENS).contains(tokens));
    Ok(line)
}

fn read_choice(choice: &str, line: &mut StreamMessage) -> Result<(), LineError> {
    let choice = JsonFields::parse(choice.as_bytes()).map_err(|_| invalid("a choice is not an object"))?;
    let end_reason = choice.text("finish_reason").filter(|reason| !reason.is_empty());
    if let Some(reason) = end_reason.as_deref().filter(|reason| FAILURES.contains(reason)) {
        return Err(LineError::Reported(format!("the server ended the response with finish_reason {reason}")));
    }
    let delta = choice.raw("delta").and_then(|delta| JsonFields::parse(delta.as_bytes()).ok());
    let has_content =
        |delta: JsonFields<'_>| CONTENT_FIELDS.iter().any(|field| delta.raw(field).is_some_and(is_non_empty));
    line.is_chunk = true;
    line.has_content |= delta.is_some_and(has_content);
    line.totals = StatedTotals { end_reason: end_reason.or(line.totals.end_reason.take()), ..StatedTotals::default() };
    Ok(())
}

/// The error that an object reports: `{"error": ...}`, or `{"object": "error", "message": ...}` as older versions of vLLM do.
pub(super) fn reported_error(object: &JsonFields<'_>) -> Option<String> {
    let as_value = |json: &str| serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()));
    if let Some(error) = object.raw("error") {
        return Some(error_field_text(&as_value(error)));
    }
    let is_error = object.text("object").is_some_and(|object| object == "error");
    is_error.then(|| error_field_text(&object.raw("message").map_or(Value::Null, as_value)))
}

fn invalid(reason: &str) -> LineError {
    LineError::Invalid { reason: reason.to_owned(), is_truncated: false }
}
