//! The values of a release against the chart's own values.yaml: keys that nothing reads, and values of another type.

use serde_json::{Map, Value};

use crate::env::{HelmClient, ReleaseArgs};

/// Most keys that are tried: each takes a rendering.
const MAX_TRIED: usize = 10;
/// Keys that helm itself gives to every chart.
const OF_HELM: [&str; 1] = ["global"];

/// The values of a release that change nothing in what the chart renders: keys that its values.yaml does not have, and
/// without which helm renders the same. `dependencies` are the charts below it, whose values have their own files.
pub(super) async fn find_unused(
    helm: &dyn HelmClient,
    args: &ReleaseArgs,
    defaults: &Value,
    dependencies: &[String],
    manifests: &str,
) -> Vec<String> {
    let mut unknown = Vec::new();
    for (key, value) in &args.values {
        let is_known = OF_HELM.contains(&key.as_str()) || dependencies.iter().any(|name| name == key);
        if !is_known {
            find_unknown(value, &defaults[key], vec![key.clone()], defaults.get(key).is_some(), &mut unknown);
        }
    }
    let mut unused = Vec::new();
    for path in unknown.into_iter().take(MAX_TRIED) {
        let mut without = args.clone();
        remove(&mut without.values, &path);
        if helm.template(&without).await.is_ok_and(|rendered| rendered == manifests) {
            unused.push(path.join("."));
        }
    }
    unused
}

/// Adds the paths below a value that the chart's values.yaml does not have. An empty map or list there takes any key.
fn find_unknown(value: &Value, default: &Value, path: Vec<String>, is_known: bool, all: &mut Vec<Vec<String>>) {
    if !is_known {
        return all.push(path);
    }
    let (Value::Object(value), Value::Object(default)) = (value, default) else { return };
    if default.is_empty() {
        return;
    }
    for (key, child) in value {
        let path = path.iter().chain([key]).cloned().collect();
        find_unknown(child, default.get(key).unwrap_or(&Value::Null), path, default.contains_key(key), all);
    }
}

fn remove(values: &mut Map<String, Value>, path: &[String]) {
    match path {
        [] => {}
        [key] => drop(values.shift_remove(key)),
        [key, rest @ ..] => {
            if let Some(Value::Object(below)) = values.get_mut(key) {
                remove(below, rest);
            }
        }
    }
}

/// The values of a release that are no map where the chart's values.yaml has one, or the other way round, as text: a
/// template fails on them with words about its own inside.
pub(super) fn describe_type_conflicts(values: &Map<String, Value>, defaults: &Value) -> String {
    let mut conflicts = Vec::new();
    find_type_conflicts(&Value::Object(values.clone()), defaults, "values", &mut conflicts);
    if conflicts.is_empty() { String::new() } else { format!("; {}", conflicts.join("; ")) }
}

fn find_type_conflicts(value: &Value, default: &Value, path: &str, all: &mut Vec<String>) {
    match (value, default) {
        (Value::Object(value), Value::Object(default)) => {
            let both = value.iter().filter_map(|(key, child)| Some((key, child, default.get(key)?)));
            both.for_each(|(key, child, default)| find_type_conflicts(child, default, &format!("{path}.{key}"), all));
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (value, Value::Object(default)) => {
            let keys: Vec<&str> = default.keys().map(String::as_str).collect();
            all.push(format!(
                "{path} is {}, and the chart's values.yaml has a map there with the keys {}",
                describe_type(value),
                keys.join(", ")
            ));
        }
        (Value::Array(_) | Value::Object(_), _) if describe_type(value) != describe_type(default) => {
            let (found, expected) = (describe_type(value), describe_type(default));
            all.push(format!("{path} is {found}, and the chart's values.yaml has {expected} there"));
        }
        _ => {}
    }
}

fn describe_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unknown(values: Value, defaults: &Value) -> Vec<String> {
        let mut all = Vec::new();
        find_unknown(&values, defaults, Vec::new(), true, &mut all);
        all.into_iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn keys_that_the_charts_values_do_not_have_are_unknown() {
        let defaults = json!({"ollama": {"gpu": {"enabled": false}, "models": {"pull": []}}, "podLabels": {},
            "resources": null, "tolerations": []});
        let values = json!({"ollama": {"gpu": {"enabled": true}, "tolerations": [{"key": "a"}]},
            "podLabels": {"any": "b"}, "resources": {"limits": {"cpu": 1}}, "tolerations": [], "extra": 1});
        assert_eq!(unknown(values, &defaults), ["ollama.tolerations", "extra"]);
        let mut values = json!({"a": {"b": 1, "c": 2}}).as_object().unwrap().clone();
        remove(&mut values, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(Value::Object(values), json!({"a": {"c": 2}}));
    }

    #[test]
    fn a_list_where_the_chart_has_a_map_is_named_with_its_keys() {
        let defaults = json!({"ollama": {"models": {"pull": [], "run": []}}, "image": "x", "args": []});
        let conflicts = |values: Value| describe_type_conflicts(values.as_object().unwrap(), &defaults);
        assert_eq!(
            conflicts(json!({"ollama": {"models": ["tinyllama"]}})),
            "; values.ollama.models is a list, and the chart's values.yaml has a map there with the keys pull, run"
        );
        assert!(
            conflicts(json!({"image": {"tag": "y"}}))
                .ends_with("image is a map, and the chart's values.yaml has a text there")
        );
        assert_eq!(conflicts(json!({"image": 5, "ollama": null, "args": ["a"], "other": {}})), "");
    }
}
