//! The problems of a scenario whose HPA the run does not apply itself: `adopt` and `scaledObject` in place of `hpa`.

use serde_json::{Map, Value};

use super::layers::ScenarioLayer;
use super::scenario_error::ScenarioProblem;
use super::{locate, scaled_object_schema, validate};
use crate::hpa;
use crate::model::hpa_source::{HpaSource, HpaUnderTest};
use crate::model::promql_query::find_unclosed;
use crate::model::scenario::Scenario;

/// The fields that are known only when the HPA is.
const OF_HPA: [&str; 2] = ["hpa.", "expect."];
/// Fields of the HPA, and the fields of the ScaledObject of which KEDA makes them. `expect` is the scenario's own.
const MADE_OF: [(&str, &str); 5] = [
    ("hpa.spec.scaleTargetRef", "scaledObject.spec.scaleTargetRef"),
    ("hpa.spec.minReplicas", "scaledObject.spec.minReplicaCount"),
    ("hpa.spec.maxReplicas", "scaledObject.spec.maxReplicaCount"),
    ("hpa.spec.behavior", "scaledObject.spec.advanced.horizontalPodAutoscalerConfig.behavior"),
    ("hpa.spec.metrics", "scaledObject.spec.triggers"),
];

/// All problems that can be known without a cluster. Fills in the HPA that KEDA will create from a ScaledObject.
pub(super) fn find_problems(scenario: &mut Scenario) -> Vec<ScenarioProblem> {
    if scenario.adopt.is_some() && scenario.scaled_object.is_some() {
        let hint = "keep one of the two; an overlay removes the other one with null";
        return vec![ScenarioProblem::new("scaledObject", "is not valid beside adopt", hint)];
    }
    match scenario.hpa_source() {
        HpaSource::Applied => validate::find_problems(scenario),
        HpaSource::Adopted("") => vec![ScenarioProblem::new("adopt.hpa", "is missing", "name an HPA that exists")],
        HpaSource::Adopted(_) => problems_beside_hpa(scenario),
        HpaSource::ScaledObject => {
            let spec = scenario.scaled_object.as_ref().map(|one| one.spec.clone()).unwrap_or_default();
            let mut problems = scaled_object_schema::find_problems(&spec);
            problems.extend(query_problem(&spec));
            if problems.is_empty() {
                problems.extend(fill_in(scenario, &spec));
            }
            match problems.is_empty() {
                true => validate::find_problems(scenario).into_iter().map(place_in_scaled_object).collect(),
                false => problems.into_iter().chain(problems_beside_hpa(scenario)).collect(),
            }
        }
    }
}

/// The problems of the HPA, once it is known.
#[must_use]
pub(crate) fn find_hpa_problems(scenario: &Scenario) -> Vec<ScenarioProblem> {
    validate::find_problems(scenario).into_iter().filter(is_of_hpa).collect()
}

fn problems_beside_hpa(scenario: &Scenario) -> Vec<ScenarioProblem> {
    validate::find_problems(scenario).into_iter().filter(|one| !is_of_hpa(one)).collect()
}

fn is_of_hpa(problem: &ScenarioProblem) -> bool {
    OF_HPA.iter().any(|prefix| problem.field.starts_with(prefix))
}

/// A problem of the HPA that KEDA makes, at the field of the ScaledObject of which it is made.
fn place_in_scaled_object(problem: ScenarioProblem) -> ScenarioProblem {
    let place = MADE_OF.iter().find_map(|(made, of)| {
        let rest = problem.field.strip_prefix(made)?;
        // Of a trigger KEDA makes the whole metric: the parts have other names.
        Some(if *made == "hpa.spec.metrics" { format!("{of}.0") } else { format!("{of}{rest}") })
    });
    match place {
        Some(field) => ScenarioProblem { field, ..problem },
        None => problem,
    }
}

/// A query that no store takes, because of a bracket or a quote.
fn query_problem(spec: &Map<String, Value>) -> Option<ScenarioProblem> {
    let what = find_unclosed(spec.get("triggers")?[0]["metadata"]["query"].as_str()?)?;
    let hint = "correct the PromQL query; the store answers it with an error, and the HPA never gets a value";
    Some(ScenarioProblem::new("scaledObject.spec.triggers.0.metadata.query", what, hint))
}

/// Sets `hpa.spec` to what KEDA makes of the ScaledObject; each run sets it again with the ScaledObject's name.
fn fill_in(scenario: &mut Scenario, spec: &Map<String, Value>) -> Option<ScenarioProblem> {
    match hpa::scaled_object_hpa_spec(spec, "") {
        Ok(spec) => {
            scenario.hpa.spec = spec;
            None
        }
        Err(problem) => {
            Some(ScenarioProblem::new(&format!("scaledObject.spec.{}", problem.field), problem.message, problem.hint))
        }
    }
}

/// An `hpa` that nothing would use: one file states it beside `scaledObject`, or on top of a file that has a `scaledObject`. The
/// `hpa` of a file below is replaced, as the ScaledObject says. What KEDA makes of the ScaledObject may be there, as in the
/// scenario.yaml of a bundle.
pub(super) fn find_unused_hpa(layers: &[ScenarioLayer], scenario: &Scenario) -> Option<ScenarioProblem> {
    let scaled_object = scenario.scaled_object.as_ref()?;
    let (layer, hpa) = find_hpa_beside(layers, "scaledObject")?;
    if is_made_of(hpa, &scaled_object.spec) {
        return None;
    }
    let mut problem = ScenarioProblem::new(
        "hpa",
        "is stated beside scaledObject, of which KEDA makes the HPA: nothing would use it",
        "remove `hpa`, and state target, sizes, metric and behavior in scaledObject.spec; or remove scaledObject (an overlay does with null)",
    );
    problem.location = Some(place_of_hpa(layer));
    Some(problem)
}

/// `file:line:column` of an `hpa` that one file states beside `adopt`, or on top of a file with `adopt`.
pub(super) fn find_hpa_beside_adopt(layers: &[ScenarioLayer]) -> Option<String> {
    find_hpa_beside(layers, "adopt").map(|(layer, _)| place_of_hpa(layer))
}

fn place_of_hpa(layer: &ScenarioLayer) -> String {
    let (line, column) = locate::field_position(&layer.text, &["hpa".to_owned()]);
    format!("{}:{line}:{column}", layer.name)
}

/// The first `hpa` in a file that has this key as well, or in one on top of it.
fn find_hpa_beside<'a>(layers: &'a [ScenarioLayer], key: &str) -> Option<(&'a ScenarioLayer, &'a Value)> {
    // `null` removes what the layers below state.
    let first_after_null = |key: &str| {
        layers.iter().rposition(|layer| layer.values.get(key).is_some_and(Value::is_null)).map_or(0, |n| n + 1)
    };
    let after_null = first_after_null(key);
    let stated = after_null + layers[after_null..].iter().position(|layer| layer.values.contains_key(key))?;
    let from = stated.max(first_after_null("hpa"));
    layers.get(from..)?.iter().find_map(|layer| Some((layer, layer.values.get("hpa")?)))
}

/// Whether this `hpa` is the one that KEDA makes of the ScaledObject, under any name.
fn is_made_of(stated: &Value, scaled_object: &Map<String, Value>) -> bool {
    let Ok(HpaUnderTest { spec }) = serde_json::from_value(stated.clone()) else { return false };
    let external = spec.metrics.iter().flatten().find_map(|metric| metric.external.as_ref());
    let labels = external.and_then(|external| external.metric.selector.as_ref()?.match_labels.as_ref());
    let name = labels.and_then(|labels| labels.values().next()).map_or("", String::as_str);
    hpa::scaled_object_hpa_spec(scaled_object, name)
        .is_ok_and(|made| hpa::find_spec_differences(&made, &spec).is_empty())
}
