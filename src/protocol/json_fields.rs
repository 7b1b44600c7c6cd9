//! The fields of a JSON object of which each is read on its own, so that a field of an unexpected type spoils no other one.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Largest count: the bytes of a model, or the nanoseconds of a response.
const MAX_COUNT: u64 = 1 << 53;

/// The fields of one object, unparsed. Of a field that occurs twice the last one counts.
pub(super) struct JsonFields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> JsonFields<'a> {
    pub(super) fn parse(object: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(object).map(Self)
    }

    /// The JSON of a field; `None` if it is absent or null.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.get()).filter(|json| *json != "null")
    }

    /// A text; `None` if the field is none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// The entries of a list, unparsed.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// A count, in any notation of a number; `None` if the field is none, or is larger than any count: what the harness
    /// records must be within the ranges of the records. Go's durations are negative after a clock was set back.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        let json = self.raw(name)?;
        let from_float = || {
            let number: f64 = json.parse().ok()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range is checked; a fraction does not count"
            )]
            (0.0..9e18).contains(&number).then_some(number as u64)
        };
        json.parse().ok().or_else(from_float).filter(|count| *count <= MAX_COUNT)
    }
}

/// True for the JSON of a text, a list or an object that is not empty.
pub(super) fn is_non_empty(json: &str) -> bool {
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    match json.as_bytes().first() {
        Some(b'"') => !inner.is_empty(),
        Some(b'[' | b'{') => !inner.trim_ascii().is_empty(),
        _ => false,
    }
}
