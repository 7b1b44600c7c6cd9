//! The stored plan against the one that scenario and inventory give. The judge never reads it: it makes its bounds anew.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{BundleCheck, ReviewInput};
use crate::model::plan::{Plan, TimeBound};
use crate::plan;

/// Its texts are not compared: they were written before secrets were taken out of the scenario. `rules` and `run` are what the
/// comparison depends on, and the bounds are compared term by term.
const NOT_COMPARED: [&str; 6] = ["changes", "errors", "warnings", "rules", "run", "bounds"];
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

/// The values that differ, each with its path; maps are compared key by key.
fn collect_differences(path: &str, stored: &Value, derived: &Value, found: &mut Vec<(String, String)>) {
    if let (Value::Object(stored), Value::Object(derived)) = (stored, derived) {
        let keys: BTreeSet<&String> = stored.keys().chain(derived.keys()).collect();
        for key in keys.into_iter().filter(|key| !path.is_empty() || !NOT_COMPARED.contains(&key.as_str())) {
            let value = |side: &Map<String, Value>| side.get(key).cloned().unwrap_or_default();
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            collect_differences(&path, &value(stored), &value(derived), found);
        }
    } else if stored != derived {
        found.push((path.to_owned(), format!("{path}: stored is `{stored}`, derived is `{derived}`")));
    }
}
