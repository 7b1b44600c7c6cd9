//! Redacts evidence: secrets, the path of the home directory, and on request the names of hosts. Data is redacted
//! before it is judged, so that the checks and a reader of the bundle see the same.

mod keys;
mod patterns;

use std::sync::{PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use keys::{is_distinctive, is_plain_word, is_secret_key, replace_whole_words};
pub(super) use patterns::REDACTED;

use crate::hidden_chars::is_hidden;

/// The redactor of one bundle. It learns secrets and hosts during the run.
#[derive(Debug, Default)]
pub struct Redactor {
    state: RwLock<RedactorState>,
}

/// What the redactor has learned so far.
#[derive(Debug, Default)]
struct RedactorState {
    /// Path of the home directory, with a trailing slash.
    home: Option<String>,
    /// Secrets, the longest first.
    secrets: Vec<String>,
    /// Names of hosts and their placeholders, the longest name first; `None` if hosts are not redacted.
    hosts: Option<Vec<(String, String)>>,
}

impl Redactor {
    /// Redacts the path of this home directory, if any, and texts with the form of a secret.
    #[must_use]
    pub fn new(home: Option<String>) -> Self {
        let home = home.filter(|home| home.len() > 1).map(|home| format!("{}/", home.trim_end_matches('/')));
        Self { state: RwLock::new(RedactorState { home, ..RedactorState::default() }) }
    }

    /// Whether [`Redactor::add_secret`] accepts this secret.
    pub(super) fn can_redact(secret: &str) -> bool {
        is_distinctive(secret)
    }

    /// Redacts this secret too, from now on, in any text; ignores a secret that is not distinctive.
    pub(crate) fn add_secret(&self, secret: &str) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if is_distinctive(secret) && secret != REDACTED && known.secrets.iter().all(|other| other != secret) {
            known.secrets.push(secret.to_owned());
            // One secret may be part of another.
            known.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Redacts the names of hosts too, from now on: those passed to [`Redactor::add_host`].
    pub fn redact_hosts(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).hosts.get_or_insert_default();
    }

    /// Adds the name or address of a host, and its kind (`NODE`, `ADDRESS`). Each host gets a placeholder with its own
    /// number, so that a reader can tell hosts apart; the kind is in capitals, as no node's name, so that two nodes
    /// never become one. A plain word is not redacted: `gpu` is also part of resource names. Does nothing without
    /// [`Redactor::redact_hosts`].
    pub fn add_host(&self, kind: &str, name: &str) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(hosts) = &mut known.hosts else { return };
        if is_plain_word(name) || hosts.iter().any(|(other, placeholder)| other == name || placeholder == name) {
            return;
        }
        let number = hosts.iter().filter(|(_, placeholder)| placeholder.starts_with(kind)).count() + 1;
        hosts.push((name.to_owned(), format!("{kind}-{number}")));
        // `a.example` before `a`.
        hosts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// Adds the host of a URL, if it has one, as [`Redactor::add_host`] does.
    pub(crate) fn add_url_host(&self, url: &str) {
        let uri = url.parse::<http::Uri>().ok();
        self.add_host("ADDRESS", uri.as_ref().and_then(http::Uri::host).unwrap_or_default());
    }

    /// The redacted text.
    #[must_use]
    pub(crate) fn redact_text(&self, text: &str) -> String {
        self.redact_if_needed(text).unwrap_or_else(|| text.to_owned())
    }

    /// Redacts a value in place and returns its JSON on one line, which is equal to it.
    ///
    /// # Errors
    /// The value cannot be serialized.
    pub(crate) fn redact_value<T: Serialize + DeserializeOwned>(
        &self,
        value: &mut T,
    ) -> Result<String, serde_json::Error> {
        let mut json = serde_json::to_value(&*value)?;
        if self.redact_strings(&mut json) {
            *value = serde_json::from_value(json)?;
        }
        serde_json::to_string(value)
    }

    /// Redacts a Kubernetes object, or a chart's values: also strings under keys that name a secret, and values of
    /// environment variables with such a name. From now on they are redacted in any text: an annotation may repeat
    /// them.
    pub fn redact_object(&self, object: &mut Value) {
        self.learn_secrets(object);
        self.redact_strings(object);
    }

    /// Redacts a map, as [`Redactor::redact_object`] does.
    pub(crate) fn redact_map(&self, map: &mut Map<String, Value>) {
        let mut object = Value::Object(std::mem::take(map));
        self.redact_object(&mut object);
        if let Value::Object(redacted) = object {
            *map = redacted;
        }
    }

    /// Redacts the values whose names mark them as secrets, and learns them.
    fn learn_secrets(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.learn_secrets(item)),
            Value::Object(map) => {
                let secret_entry = map.get("name").and_then(Value::as_str).is_some_and(is_secret_key);
                for (key, value) in map {
                    match value {
                        Value::String(secret) if is_secret_key(key) || (secret_entry && key == "value") => {
                            self.add_secret(secret);
                            *value = REDACTED.into();
                        }
                        other => self.learn_secrets(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// The redacted text; `None` if nothing is redacted.
    fn redact_if_needed(&self, text: &str) -> Option<String> {
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut redacted = patterns::redact_patterns(text);
        for secret in known.secrets.iter().filter(|secret| redacted.contains(*secret)).collect::<Vec<_>>() {
            redacted = redacted.replace(secret, REDACTED).into();
        }
        if let Some(home) = known.home.as_ref().filter(|home| redacted.contains(*home)) {
            redacted = redacted.replace(home, "~/").into();
        }
        for (name, placeholder) in known.hosts.iter().flatten() {
            if let Some(replaced) = replace_whole_words(&redacted, name, placeholder) {
                redacted = replaced.into();
            }
        }
        (redacted != text).then(|| redacted.into_owned())
    }

    /// Redacts every string of a value; returns whether anything changed. Keys are field names and need no redaction.
    fn redact_strings(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.redact_if_needed(text).map(|redacted| *text = redacted).is_some(),
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| self.redact_strings(item) | changed),
            Value::Object(map) => map.values_mut().fold(false, |changed, value| self.redact_strings(value) | changed),
            _ => false,
        }
    }
}

/// Foreign text for evidence and messages: its first `max_chars` characters, with white space and control characters
/// (terminal escapes, characters that XML forbids) as single spaces.
#[must_use]
pub(crate) fn sanitize_text(text: &str, max_chars: usize) -> String {
    // Cut first, which bounds the work; four times, because runs of spaces collapse.
    let start: String = text.chars().take(4 * max_chars).map(|c| if is_printable(c) { c } else { ' ' }).collect();
    let clean = start.split_whitespace().collect::<Vec<_>>().join(" ");
    match clean.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}...", &clean[..end]),
        None => clean,
    }
}

/// True unless it is a hidden character, or a noncharacter that XML forbids.
fn is_printable(c: char) -> bool {
    !is_hidden(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests;
