//! What is kept out of evidence at the door: secrets, the path of the home folder, and on request the names of hosts. It is
//! taken out of a thing before anybody judges it, so that what is judged is what whoever reads the bundle will find there.

mod keys;
mod patterns;

use std::sync::{PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use keys::{is_distinctive, is_plain_word, is_secret_key, replace_whole_words};
use patterns::REDACTED;

/// The cover of one bundle; whoever shares it shares what it knows.
#[derive(Debug, Default)]
pub struct Redactor {
    state: RwLock<RedactorState>,
}

/// What has been told so far.
#[derive(Debug, Default)]
struct RedactorState {
    /// The home folder's path, with its last slash.
    home: Option<String>,
    /// Secrets.
    secrets: Vec<String>,
    /// Names of hosts and what stands for each; `None` where they may be shown.
    hosts: Option<Vec<(String, String)>>,
}

impl Redactor {
    /// Covers the path of this home folder, if there is one, and whatever has the form of a secret.
    #[must_use]
    pub fn new(home: Option<String>) -> Self {
        let home = home.filter(|home| home.len() > 1).map(|home| format!("{}/", home.trim_end_matches('/')));
        Self { state: RwLock::new(RedactorState { home, ..RedactorState::default() }) }
    }

    /// Covers this secret too, from now on, wherever it stands; none that is a plain word.
    pub fn add_secret(&self, secret: &str) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if is_distinctive(secret) && secret != REDACTED && known.secrets.iter().all(|other| other != secret) {
            known.secrets.push(secret.to_owned());
            // Of two secrets one may be a part of the other.
            known.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Covers the names of hosts too, from now on: those told to [`Cover::host`].
    pub fn redact_hosts(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).hosts.get_or_insert_default();
    }

    /// Tells the name or address of a host, and what kind of thing it is (`NODE`, `ADDRESS`). Each gets a number of its
    /// own, so that a reader still sees which is which, in capitals, which no node's name has: two nodes must not become
    /// one. A plain word stays: `gpu` is also a part of what pods request. Without [`Cover::cover_hosts`] nothing happens.
    pub fn add_host(&self, kind: &str, name: &str) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(hosts) = &mut known.hosts else { return };
        if is_plain_word(name) || hosts.iter().any(|(other, stands)| other == name || stands == name) {
            return;
        }
        let number = hosts.iter().filter(|(_, stands)| stands.starts_with(kind)).count() + 1;
        hosts.push((name.to_owned(), format!("{kind}-{number}")));
        // `a.example` before `a`.
        hosts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// Tells the host of a URL, as [`Cover::host`] does; nothing where the text has none.
    pub fn add_url_host(&self, url: &str) {
        let uri = url.parse::<http::Uri>().ok();
        self.add_host("ADDRESS", uri.as_ref().and_then(http::Uri::host).unwrap_or_default());
    }

    /// A text as it may be kept.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> String {
        self.redact_if_needed(text).unwrap_or_else(|| text.to_owned())
    }

    /// Takes out of a value what may not be kept, and gives its JSON on one line: the two say the same.
    ///
    /// # Errors
    /// The value has no JSON.
    pub fn redact_value<T: Serialize + DeserializeOwned>(&self, value: &mut T) -> Result<String, serde_json::Error> {
        let mut json = serde_json::to_value(&*value)?;
        if self.redact_strings(&mut json) {
            *value = serde_json::from_value(json)?;
        }
        serde_json::to_string(value)
    }

    /// Takes out of an object of a cluster, or of a chart's values, what may not be kept: also strings under keys that name a
    /// secret, and values of environment entries with such a name. They are looked for everywhere from now on: an annotation
    /// may hold them a second time.
    pub fn redact_object(&self, object: &mut Value) {
        self.learn_secrets(object);
        self.redact_strings(object);
    }

    /// The same for a map.
    pub fn redact_map(&self, map: &mut Map<String, Value>) {
        let mut object = Value::Object(std::mem::take(map));
        self.redact_object(&mut object);
        if let Value::Object(covered) = object {
            *map = covered;
        }
    }

    /// Hides what is a secret by its name, and remembers it.
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

    /// The text without what may not be kept; `None` when it may be kept as it is.
    fn redact_if_needed(&self, text: &str) -> Option<String> {
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept = patterns::redact_patterns(text);
        for secret in known.secrets.iter().filter(|secret| kept.contains(*secret)).collect::<Vec<_>>() {
            kept = kept.replace(secret, REDACTED).into();
        }
        if let Some(home) = known.home.as_ref().filter(|home| kept.contains(*home)) {
            kept = kept.replace(home, "~/").into();
        }
        for (name, stands) in known.hosts.iter().flatten() {
            if let Some(without) = replace_whole_words(&kept, name, stands) {
                kept = without.into();
            }
        }
        (kept != text).then(|| kept.into_owned())
    }

    /// Covers every string of a value; whether there was anything to cover. Keys are the nouns' own.
    fn redact_strings(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.redact_if_needed(text).map(|kept| *text = kept).is_some(),
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| self.redact_strings(item) | changed),
            Value::Object(map) => map.values_mut().fold(false, |changed, value| self.redact_strings(value) | changed),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
