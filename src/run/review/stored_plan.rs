//! The stored plan against the one that scenario and inventory give. The judge never reads it: it makes its bounds anew.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{BundleCheck, ReviewInput};
use crate::model::plan::{Plan, TimeBound};
use crate::plan;

/// Its texts are not compared: they were written before secrets were taken out of the scenario. `rules` and `run` are what the
/// comparison depends on, and the bounds are compared term by term.
const NOT_COMPARED: [&str; 7] = ["changes", "errors", "warnings", "pulls", "rules", "run", "bounds"];
/// The names of the run's objects, which depend on no rules.
const NAMES: [&str; 3] = ["hpa", "service", "lease"];

/// Names, bounds and everything else that a plan states. All but the names depends on the rules under which the plan was made.
pub(super) fn check_plan(input: &ReviewInput<'_>) -> BundleCheck {
    let (held, stored) = (input.bundle, &input.bundle.plan);
    if stored.hpa.is_empty() && held.records().not_started().is_some() {
        return BundleCheck::new("plan", "the run ended before it was planned", Vec::new());
    }
    let derived = plan::plan(&held.scenario, &held.inventory, &held.manifest.run);
    let (names, fields) = differing_fields(stored, &derived);
    let mut differences = differing_bounds(&stored.bounds, &derived.bounds);
    differences.extend(fields);
    if stored.rules != input.current_rules() {
        let summary = format!(
            "the names follow from scenario and inventory; {} bounds are those of rules {}",
            stored.bounds.len(),
            stored.rules
        );
        let unknown = !(1..=input.current_rules()).contains(&stored.rules);
        let unknown = unknown.then(|| format!("rules: `{}` is no revision of the rules", stored.rules));
        return BundleCheck::new("plan", summary, names.into_iter().chain(unknown).collect())
            .with_changed_by_rules(differences);
    }
    differences.extend(names);
    differences.extend(differing_counts(stored, &derived));
    if let Some(error) = derived.errors.first().filter(|_| held.records().not_started().is_none()) {
        differences.push(format!("plan refuses this run, which therefore cannot have been made: {}", error.message));
    }
    let summary = format!("{} bounds and the names follow from scenario and inventory", derived.bounds.len());
    BundleCheck::new("plan", summary, differences)
}

/// The texts that are not compared have at least the same number.
fn differing_counts(stored: &Plan, derived: &Plan) -> Vec<String> {
    let counts = [
        ("changes", stored.changes.len(), derived.changes.len()),
        ("errors", stored.errors.len(), derived.errors.len()),
        ("warnings", stored.warnings.len(), derived.warnings.len()),
        ("pulls", stored.pulls.len(), derived.pulls.len()),
    ];
    let differing = counts.iter().filter(|(_, stored, derived)| stored != derived);
    differing.map(|(what, stored, derived)| format!("{what}: stored are {stored}, derived are {derived}")).collect()
}

fn differing_bounds(stored: &[TimeBound], derived: &[TimeBound]) -> Vec<String> {
    let text = |bound: Option<&TimeBound>| bound.map_or("none".to_owned(), |bound| format!("{} {bound}", bound.name));
    let pairs = (0..stored.len().max(derived.len())).map(|n| (n, text(stored.get(n)), text(derived.get(n))));
    let differing = pairs.filter(|(_, stored, derived)| stored != derived);
    differing
        .map(|(n, stored, derived)| format!("bound {}: stored is `{stored}`, derived is `{derived}`", n + 1))
        .collect()
}

/// The names that differ, and the other fields that differ.
fn differing_fields(stored: &Plan, derived: &Plan) -> (Vec<String>, Vec<String>) {
    let fields = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let mut differing = Vec::new();
    collect_differences("", &fields(stored), &fields(derived), &mut differing);
    let is_name = |path: &str| NAMES.contains(&path);
    let (names, others): (Vec<_>, Vec<_>) = differing.into_iter().partition(|(path, _)| is_name(path));
    let texts = |all: Vec<(String, String)>| all.into_iter().map(|(_, text)| text).collect();
    (texts(names), texts(others))
}

/// The values that differ, each with its path; maps and lists are compared value by value.
fn collect_differences(path: &str, stored: &Value, derived: &Value, found: &mut Vec<(String, String)>) {
    if stored == derived {
        return;
    }
    let (Some(stored_children), Some(derived_children)) = (children(stored), children(derived)) else {
        let text = format!("{path}: stored is {}, derived is {}", describe_value(stored), describe_value(derived));
        return found.push((path.to_owned(), text));
    };
    let keys: BTreeSet<&String> = stored_children.keys().chain(derived_children.keys()).collect();
    for key in keys.into_iter().filter(|key| !path.is_empty() || !NOT_COMPARED.contains(&key.as_str())) {
        let value = |side: &BTreeMap<String, Value>| side.get(key).cloned().unwrap_or_default();
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        collect_differences(&path, &value(&stored_children), &value(&derived_children), found);
    }
}

/// The values of a map by key, of a list by number; `None` for any other value.
fn children(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone().into_iter().collect()),
        Value::Array(list) => Some(list.iter().enumerate().map(|(n, item)| (n.to_string(), item.clone())).collect()),
        _ => None,
    }
}

/// A value in a sentence. Of a map the keys alone: the other side has none, so that nothing else can be compared.
fn describe_value(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Object(map) => format!("a map of {}", map.keys().cloned().collect::<Vec<_>>().join(", ")),
        Value::Array(list) => format!("a list of {} values", list.len()),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_told_without_json() {
        let stored = json!({"metric": null, "capacity": {"free": 3, "of": ["a", "b"]}, "name": "x"});
        let derived =
            json!({"metric": {"type": "Pods", "name": "gpu"}, "capacity": {"free": 2, "of": ["a"]}, "name": "x"});
        let mut found = Vec::new();
        collect_differences("", &stored, &derived, &mut found);
        let told: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let expected = [
            "capacity.free: stored is `3`, derived is `2`",
            "capacity.of.1: stored is `b`, derived is absent",
            "metric: stored is absent, derived is a map of type, name",
        ];
        assert_eq!(told, expected);
    }
}
