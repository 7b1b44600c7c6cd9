//! The body of a chat request: the scenario's parameters, and the fields that gpuhpa sets.

use serde_json::{Map, Value, json};

use super::super::parameters::{ParameterProblem, find_reserved};
use crate::model::load::LoadSpec;

/// Fields that gpuhpa sets, with what a scenario sets instead.
const RESERVED: [(&str, &str); 7] = [
    ("model", "set load.model"),
    ("messages", "set load.prompt"),
    ("stream", "remove it: gpuhpa reads streamed responses only"),
    ("stream_options", "remove it: gpuhpa asks for the usage of each response"),
    ("max_tokens", "set load.maxTokens"),
    ("max_completion_tokens", "set load.maxTokens"),
    ("seed", "set load.seed"),
];

/// Fields of Ollama's own protocol. Ollama ignores them here, so that a scenario would not do what it says.
const OF_OLLAMA: [&str; 2] = ["options", "keep_alive"];

/// Temperature 0 makes answers repeatable.
pub(super) fn default_parameters() -> Map<String, Value> {
    Map::from_iter([("temperature".to_owned(), 0.into())])
}

pub(super) fn parameter_problems(parameters: &Map<String, Value>) -> Vec<ParameterProblem> {
    let mut problems = find_reserved(parameters, &RESERVED);
    let of_ollama = OF_OLLAMA.iter().filter(|field| parameters.contains_key(**field));
    problems.extend(of_ollama.map(|field| ParameterProblem {
        field: (*field).to_owned(),
        message: "is a field of Ollama's own protocol, which servers of this one ignore".to_owned(),
        hint: "remove it (an overlay does with null), and set it where the server starts; or set load.protocol to ollama"
            .to_owned(),
    }));
    problems
}

/// The JSON body of one streaming chat. The limit of tokens is `max_tokens`: `max_completion_tokens` is newer than many
/// versions of the servers, and all of them take the older name.
pub(super) fn body(load: &LoadSpec, seed: u32) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".to_owned(), load.model.as_str().into());
    body.insert("messages".to_owned(), json!([{"role": "user", "content": load.prompt}]));
    body.insert("stream".to_owned(), true.into());
    // Without it a stream does not state its tokens.
    body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    body.insert("max_tokens".to_owned(), load.max_tokens.into());
    body.insert("seed".to_owned(), seed.into());
    body.extend(load.parameters.iter().map(|(field, value)| (field.clone(), value.clone())));
    Value::Object(body).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::ProtocolName;

    fn body_text(parameters: Value, max_tokens: u64) -> String {
        let Value::Object(parameters) = parameters else { panic!("no map") };
        let load = LoadSpec {
            protocol: ProtocolName::OpenAi,
            model: "m".to_owned(),
            prompt: "say \"hi\"".to_owned(),
            max_tokens,
            parameters,
            ..LoadSpec::default()
        };
        String::from_utf8(body(&load, 7)).unwrap()
    }

    #[test]
    fn a_request_has_these_bytes_by_default() {
        assert_eq!(
            body_text(Value::Object(default_parameters()), 256),
            r#"{"model":"m","messages":[{"role":"user","content":"say \"hi\""}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":256,"seed":7,"temperature":0}"#
        );
    }

    #[test]
    fn parameters_are_sent_as_they_are() {
        let text = body_text(json!({"temperature": 0.7, "chat_template_kwargs": {"enable_thinking": false}}), 16);
        assert!(
            text.ends_with(
                r#""max_tokens":16,"seed":7,"temperature":0.7,"chat_template_kwargs":{"enable_thinking":false}}"#
            ),
            "{text}"
        );
    }

    #[test]
    fn a_field_that_gpuhpa_sets_and_one_of_ollama_are_refused() {
        let fields = |parameters: Value| {
            let problems = parameter_problems(parameters.as_object().unwrap());
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        let reserved = json!({"model": "m", "messages": [], "stream": false, "stream_options": {}, "max_tokens": 1,
            "max_completion_tokens": 1, "seed": 2});
        assert_eq!(fields(reserved), RESERVED.map(|(field, _)| field));
        assert_eq!(fields(json!({"options": {"num_ctx": 1}, "keep_alive": "1m"})), ["options", "keep_alive"]);
        assert_eq!(fields(json!({"temperature": 1, "top_p": 0.5, "ignore_eos": true})), [""; 0]);
    }
}
