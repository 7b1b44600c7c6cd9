//! The models that the values of a release name: below the key `models`, as the chart ollama reads it.

use serde_json::{Map, Value};

/// The names in the list `key` (`pull`, `create` or `run`).
pub(super) fn list<'v>(values: &'v Map<String, Value>, key: &'static str) -> impl Iterator<Item = &'v str> {
    let models = values.values().filter_map(|value| value.get("models")).chain(values.get("models"));
    let entries = models.filter_map(move |models| models[key].as_array()).flatten();
    entries.filter_map(|entry| entry.as_str().or(entry["name"].as_str()))
}

/// The models that the release's pods pull, each once: `pull`, and `run` but for what `create` makes.
pub(super) fn pulled(values: &Map<String, Value>) -> Vec<String> {
    let run = list(values, "run").filter(|name| !list(values, "create").any(|created| created == *name));
    let mut names: Vec<String> = Vec::new();
    for name in list(values, "pull").chain(run) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_models_that_are_pulled_are_those_of_the_values() {
        let models = |values: Value| pulled(values.as_object().unwrap());
        assert_eq!(models(json!({"ollama": {"models": {"pull": ["a", "b"], "run": ["b", 1]}}, "x": 1})), ["a", "b"]);
        assert_eq!(models(json!({"ollama": {"models": ["a"]}, "models": "x"})), Vec::<String>::new());
        let created = json!({"models": {"create": [{"name": "mine", "template": "FROM /x"}], "run": ["mine", "b"]}});
        assert_eq!(models(created), ["b"]);
    }
}
