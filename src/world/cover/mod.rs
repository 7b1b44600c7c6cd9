//! What is kept out of evidence at the door: secrets, the path of the home folder, and on request the names of hosts. It is
//! taken out of a thing before anybody judges it, so that what is judged is what whoever reads the bundle will find there.

mod forms;
mod names;

use std::sync::{PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use forms::HIDDEN;
use names::{can_be_found, is_plain_word, is_secret, with_whole_words};

/// The cover of one bundle; whoever shares it shares what it knows.
#[derive(Debug, Default)]
pub struct Cover {
    known: RwLock<Known>,
}

/// What has been told so far.
#[derive(Debug, Default)]
struct Known {
    /// The home folder's path, with its last slash.
    home: Option<String>,
    /// Secrets.
    secrets: Vec<String>,
    /// Names of hosts and what stands for each; `None` where they may be shown.
    hosts: Option<Vec<(String, String)>>,
}

impl Cover {
    /// Covers the path of this home folder, if there is one, and whatever has the form of a secret.
    #[must_use]
    pub fn of(home: Option<String>) -> Self {
        let home = home.filter(|home| home.len() > 1).map(|home| format!("{}/", home.trim_end_matches('/')));
        Self { known: RwLock::new(Known { home, ..Known::default() }) }
    }

    /// Covers this secret too, from now on, wherever it stands; none that is a plain word.
    pub fn secret(&self, secret: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if can_be_found(secret) && secret != HIDDEN && known.secrets.iter().all(|other| other != secret) {
            known.secrets.push(secret.to_owned());
            // Of two secrets one may be a part of the other.
            known.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Covers the names of hosts too, from now on: those told to [`Cover::host`].
    pub fn cover_hosts(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).hosts.get_or_insert_default();
    }

    /// Tells the name or address of a host, and what kind of thing it is (`NODE`, `ADDRESS`). Each gets a number of its
    /// own, so that a reader still sees which is which, in capitals, which no node's name has: two nodes must not become
    /// one. A plain word stays: `gpu` is also a part of what pods request. Without [`Cover::cover_hosts`] nothing happens.
    pub fn host(&self, kind: &str, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
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
    pub fn url(&self, url: &str) {
        let uri = url.parse::<http::Uri>().ok();
        self.host("ADDRESS", uri.as_ref().and_then(http::Uri::host).unwrap_or_default());
    }

    /// A text as it may be kept.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.changed(text).unwrap_or_else(|| text.to_owned())
    }

    /// Takes out of a value what may not be kept, and gives its JSON on one line: the two say the same.
    ///
    /// # Errors
    /// The value has no JSON.
    pub fn value<T: Serialize + DeserializeOwned>(&self, value: &mut T) -> Result<String, serde_json::Error> {
        let mut json = serde_json::to_value(&*value)?;
        if self.walk(&mut json) {
            *value = serde_json::from_value(json)?;
        }
        serde_json::to_string(value)
    }

    /// Takes out of an object of a cluster, or of a chart's values, what may not be kept: also strings under keys that name a
    /// secret, and values of environment entries with such a name. They are looked for everywhere from now on: an annotation
    /// may hold them a second time.
    pub fn object(&self, object: &mut Value) {
        self.learn(object);
        self.walk(object);
    }

    /// The same for a map.
    pub fn map(&self, map: &mut Map<String, Value>) {
        let mut object = Value::Object(std::mem::take(map));
        self.object(&mut object);
        if let Value::Object(covered) = object {
            *map = covered;
        }
    }

    /// Hides what is a secret by its name, and remembers it.
    fn learn(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.learn(item)),
            Value::Object(map) => {
                let secret_entry = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
                for (key, value) in map {
                    match value {
                        Value::String(secret) if is_secret(key) || (secret_entry && key == "value") => {
                            self.secret(secret);
                            *value = HIDDEN.into();
                        }
                        other => self.learn(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// The text without what may not be kept; `None` when it may be kept as it is.
    fn changed(&self, text: &str) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept = forms::hidden(text);
        for secret in known.secrets.iter().filter(|secret| kept.contains(*secret)).collect::<Vec<_>>() {
            kept = kept.replace(secret, HIDDEN).into();
        }
        if let Some(home) = known.home.as_ref().filter(|home| kept.contains(*home)) {
            kept = kept.replace(home, "~/").into();
        }
        for (name, stands) in known.hosts.iter().flatten() {
            if let Some(without) = with_whole_words(&kept, name, stands) {
                kept = without.into();
            }
        }
        (kept != text).then(|| kept.into_owned())
    }

    /// Covers every string of a value; whether there was anything to cover. Keys are the nouns' own.
    fn walk(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.changed(text).map(|kept| *text = kept).is_some(),
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| self.walk(item) | changed),
            Value::Object(map) => map.values_mut().fold(false, |changed, value| self.walk(value) | changed),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
