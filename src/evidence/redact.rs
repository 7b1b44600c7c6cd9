//! What must not enter a bundle: values that are secrets by their names. The home folder's path is kept out by the
//! bundle's own cover.

use serde_json::{Map, Value};

use crate::record::scenario::Scenario;

const HIDDEN: &str = "REDACTED";

/// The scenario as it may be shown.
pub(super) fn scenario(scenario: &Scenario) -> Scenario {
    let mut shown = scenario.clone();
    for release in shown.releases.values_mut() {
        hide(&mut release.values);
    }
    shown
}

/// Hides strings under keys that name a secret, and values of environment entries with such a name.
fn hide(map: &mut Map<String, Value>) {
    let secret_entry = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
    for (key, value) in map {
        match value {
            Value::Object(inner) => hide(inner),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(hide),
            Value::String(_) if is_secret(key) || (secret_entry && key == "value") => *value = HIDDEN.into(),
            _ => {}
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['-', '_'], "");
    ["password", "passwd", "token", "secret", "apikey", "credential", "credentials", "privatekey"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scenario::Release;

    #[test]
    fn secrets_are_hidden_by_their_names_and_the_rest_is_shown() {
        let values = r#"{"hf_token":"a","tokenizer":"b","extraEnv":[{"name":"HF_TOKEN","value":"c"},{"name":"HOST","value":"d"}],"db":{"adminPassword":"e","port":5}}"#;
        let release = Release { values: serde_json::from_str(values).unwrap(), ..Release::default() };
        let full = Scenario { releases: [("x".to_owned(), release)].into(), ..Scenario::default() };
        let shown = serde_json::to_string(&scenario(&full).releases["x"].values).unwrap();
        assert_eq!(
            shown,
            r#"{"hf_token":"REDACTED","tokenizer":"b","extraEnv":[{"name":"HF_TOKEN","value":"REDACTED"},{"name":"HOST","value":"d"}],"db":{"adminPassword":"REDACTED","port":5}}"#
        );
    }
}
