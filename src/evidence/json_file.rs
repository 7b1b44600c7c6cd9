//! Writes values as JSON files of a bundle.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::{Bundle, BundleError};

/// A value as it is written: indented, with a newline at the end.
pub(super) fn pretty_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Redacts and writes a value, and returns what was written.
pub(super) fn put_redacted_json<T: Clone + Serialize + DeserializeOwned>(
    bundle: &Bundle,
    name: &str,
    value: &T,
) -> Result<T, BundleError> {
    let wrong = |e: serde_json::Error| BundleError { path: name.to_owned(), why: e.to_string() };
    let mut kept = value.clone();
    bundle.redactor().redact_value(&mut kept).map_err(wrong)?;
    bundle.write_file(name, pretty_json(&kept).map_err(wrong)?.as_bytes())?;
    Ok(kept)
}
