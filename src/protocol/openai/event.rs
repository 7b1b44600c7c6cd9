//! The lines of server-sent events (WHATWG HTML, section 9.2.6): the data of an event, comments and other fields.
//!
//! By that standard a line without a colon is a field too, and is ignored. Here it is an error: a login page, or a body that is
//! no event stream at all, must not read as a stream that was cut.

use super::super::json_fields::JsonFields;
use super::super::refusal::{MAX_ERROR_CHARS, error_body_text};
use super::super::stream::{LineError, LineFrame};
use super::chunk::reported_error;
use crate::env::sanitize_text;

/// The fields of the standard.
const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];

/// What one line carries.
pub(super) fn unframe(line: &[u8]) -> Result<LineFrame<'_>, LineError> {
    if line.first() == Some(&b'{') {
        return Err(object_outside_of_event(line));
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = colon.map_or((line, &[][..]), |at| (&line[..at], line[at + 1..].trim_ascii()));
    let name = std::str::from_utf8(name).unwrap_or("?");
    match name {
        // A comment, which servers and proxies send to keep a connection open.
        "" => Ok(LineFrame::Empty),
        "data" if value.is_empty() => Ok(LineFrame::Empty),
        "data" => Ok(LineFrame::Part(value)),
        // The field in which llama.cpp reported errors until September 2025 (pull request 16109).
        _ if colon.is_some() && name.eq_ignore_ascii_case("error") => Err(LineError::Reported(error_text(value))),
        _ if FIELDS.contains(&name) || colon.is_some() && is_field_name(name) => Ok(LineFrame::Empty),
        _ => Err(LineError::Invalid {
            reason: "no line of an event stream".to_owned(),
            is_truncated: colon.is_none() && FIELDS.iter().any(|field| field.starts_with(name)),
        }),
    }
}

fn is_field_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A server that fails before its first event may send its error without one, and one that does not stream the whole answer.
fn object_outside_of_event(line: &[u8]) -> LineError {
    match JsonFields::parse(line) {
        Ok(fields) => reported_error(&fields).map_or_else(
            || LineError::Invalid { reason: "a JSON object outside of an event".to_owned(), is_truncated: false },
            LineError::Reported,
        ),
        Err(error) => LineError::from_json(error),
    }
}

/// The message of the field `error`: JSON with a message, or a text.
fn error_text(value: &[u8]) -> String {
    let text = match JsonFields::parse(value) {
        Ok(fields) => fields.text("message").map(|text| sanitize_text(&text, MAX_ERROR_CHARS)),
        Err(_) => None,
    };
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| error_body_text(value))
}
