//! The body of a chat request: `options` and `keep_alive` come from the scenario's parameters, the rest from gpuhpa.

use serde_json::{Map, Value, json};

use super::super::parameters::{ParameterProblem, find_reserved};
use crate::model::load::LoadSpec;

/// Fields that gpuhpa sets, with what a scenario sets instead.
const RESERVED: [(&str, &str); 5] = [
    ("model", "set load.model"),
    ("messages", "set load.prompt"),
    ("stream", "remove it: gpuhpa reads streamed responses only"),
    ("options.num_predict", "set load.maxTokens"),
    ("options.seed", "set load.seed"),
];

/// A context of 2048 tokens fits into any accelerator; temperature 0 makes answers repeatable; the model stays loaded between
/// the phases of a run.
pub(super) fn default_parameters() -> Map<String, Value> {
    let options = json!({"num_ctx": 2048, "temperature": 0});
    Map::from_iter([("options".to_owned(), options), ("keep_alive".to_owned(), "30m".into())])
}

pub(super) fn parameter_problems(parameters: &Map<String, Value>) -> Vec<ParameterProblem> {
    let mut problems = find_reserved(parameters, &RESERVED);
    if parameters.get("options").is_some_and(|options| !options.is_object()) {
        problems.push(ParameterProblem {
            field: "options".to_owned(),
            message: "is not a map".to_owned(),
            hint: "write the options of Ollama's API, for example {num_ctx: 4096}".to_owned(),
        });
    }
    problems
}

/// The JSON body of one streaming `/api/chat` request.
pub(super) fn body(load: &LoadSpec, seed: u32) -> Vec<u8> {
    let mut options = Map::from_iter([("num_predict".to_owned(), load.max_tokens.into())]);
    options.extend(load.parameters.get("options").and_then(Value::as_object).cloned().unwrap_or_default());
    options.insert("seed".to_owned(), seed.into());
    let mut body = Map::new();
    body.insert("model".to_owned(), load.model.as_str().into());
    body.insert("messages".to_owned(), json!([{"role": "user", "content": load.prompt}]));
    body.insert("stream".to_owned(), true.into());
    body.insert("options".to_owned(), options.into());
    for (field, value) in load.parameters.iter().filter(|(field, _)| *field != "options") {
        body.insert(field.clone(), if field == "keep_alive" { keep_alive(value) } else { value.clone() });
    }
    Value::Object(body).to_string().into_bytes()
}

/// Ollama parses a number as seconds (-1: forever), but a string only with a unit.
fn keep_alive(value: &Value) -> Value {
    value.as_str().and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(parameters: Value) -> LoadSpec {
        let Value::Object(parameters) = parameters else { panic!("no map") };
        LoadSpec { model: "m".to_owned(), prompt: "say \"hi\"".to_owned(), parameters, ..LoadSpec::default() }
    }

    fn body_text(load: &LoadSpec) -> String {
        String::from_utf8(body(load, 7)).unwrap()
    }

    #[test]
    fn a_request_has_these_bytes_by_default() {
        assert_eq!(
            body_text(&load(Value::Object(default_parameters()))),
            r#"{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"stream":true,"options":{"num_predict":256,"num_ctx":2048,"temperature":0,"seed":7},"keep_alive":"30m"}"#
        );
    }

    #[test]
    fn parameters_are_sent_as_they_are() {
        let load = load(json!({"think": false, "options": {"num_ctx": 512}}));
        assert_eq!(
            body_text(&LoadSpec { max_tokens: 16, ..load }),
            r#"{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"stream":true,"options":{"num_predict":16,"num_ctx":512,"seed":7},"think":false}"#
        );
    }

    #[test]
    fn a_keep_alive_without_a_unit_is_sent_as_a_number() {
        for (given, sent) in [(json!("-1"), "-1"), (json!(-1), "-1"), (json!("3s"), "\"3s\"")] {
            let body = body_text(&load(json!({"keep_alive": given})));
            assert!(body.ends_with(&format!(",\"keep_alive\":{sent}}}")), "{body}");
        }
    }

    #[test]
    fn a_field_that_gpuhpa_sets_is_refused() {
        let fields = |parameters: Value| {
            let problems = parameter_problems(parameters.as_object().unwrap());
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        let all = json!({"model": "m", "messages": [], "stream": false, "options": {"num_predict": 1, "seed": 2}});
        assert_eq!(fields(all), ["model", "messages", "stream", "options.num_predict", "options.seed"]);
        assert_eq!(fields(json!({"options": [1]})), ["options"]);
        assert_eq!(fields(Value::Object(default_parameters())), [""; 0]);
    }
}
