//! A model that a remote host serves instead of this server.

use super::super::json_fields::JsonFields;
use super::super::refusal::MAX_ERROR_CHARS;
use crate::env::sanitize_text;

/// The remote host that serves the model and the model's name there (ollama: api/types.go, `remote_model` and
/// `remote_host`).
pub(super) fn remote_model(fields: &JsonFields<'_>) -> Option<String> {
    let parts = ["remote_model", "remote_host"].into_iter().filter_map(|name| fields.text(name));
    let parts: Vec<String> = parts.filter(|text| !text.is_empty()).collect();
    (!parts.is_empty()).then(|| sanitize_text(&parts.join(" at "), MAX_ERROR_CHARS))
}
