//! Parses a bundle's scenario.yaml. That of an older format gets today's keys first.

use serde_json::{Map, Value};

use super::OpenError;
use super::partial_bundle::parse_yaml;
use super::value_limits;
use crate::model::scenario::Scenario;

const FILE: &str = "scenario.yaml";

/// The scenario of a bundle with this format.
pub(super) fn parse(format: u32, text: &[u8]) -> Result<Scenario, OpenError> {
    let scenario = parse_with_keys_of(format, text)?;
    value_limits::check_scenario(&scenario).map_err(parse_error)?;
    Ok(scenario)
}

/// An error without a place: that of a value is lost by then. What gpuhpa wrote has no error.
fn parse_error(what: String) -> OpenError {
    OpenError::Parse { file: FILE.to_owned(), line: 1, column: 1, what }
}

fn parse_with_keys_of(format: u32, text: &[u8]) -> Result<Scenario, OpenError> {
    if format > 2 {
        return parse_yaml(FILE, text);
    }
    let mut scenario: Map<String, Value> = parse_yaml(FILE, text)?;
    let upgraded = match scenario.get_mut("load") {
        Some(Value::Object(load)) => upgrade_load(load),
        _ => Ok(()),
    };
    upgraded.map_err(parse_error)?;
    serde_json::from_value(Value::Object(scenario)).map_err(|e| parse_error(e.to_string()))
}

/// Format 2 to 3. The requests of a run with format 2 were Ollama's.
fn upgrade_load(load: &mut Map<String, Value>) -> Result<(), String> {
    if let Some(key) = ["protocol", "maxTokens", "parameters"].iter().find(|key| load.contains_key(**key)) {
        return Err(format!("load.{key} is unknown in format 2"));
    }
    let mut parameters = Map::new();
    match load.shift_remove("options") {
        Some(Value::Object(mut options)) => {
            if let Some(limit) = options.shift_remove("num_predict") {
                load.insert("maxTokens".to_owned(), limit);
            }
            // It was never sent: each request had a seed of its own.
            options.shift_remove("seed");
            parameters.insert("options".to_owned(), Value::Object(options));
        }
        Some(_) => return Err("load.options is not a map".to_owned()),
        None => {}
    }
    if let Some(time) = load.shift_remove("keepAlive") {
        parameters.insert("keep_alive".to_owned(), time);
    }
    load.insert("parameters".to_owned(), Value::Object(parameters));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::ProtocolName;

    const FORMAT_2: &str = "load:\n  model: tiny\n  concurrency: 6\n  options:\n    num_predict: 64\n    num_ctx: 512\n    seed: 3\n  keepAlive: 3s\n";

    fn error(format: u32, text: &str) -> String {
        parse(format, text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_of_format_2_gets_todays_keys() {
        let load = parse(2, FORMAT_2.as_bytes()).unwrap().load;
        assert_eq!((load.protocol, load.model.as_str(), load.concurrency), (ProtocolName::Ollama, "tiny", 6));
        assert_eq!(load.max_tokens, 64);
        let parameters = serde_json::to_string(&load.parameters).unwrap();
        assert_eq!(parameters, r#"{"options":{"num_ctx":512},"keep_alive":"3s"}"#);
    }

    #[test]
    fn each_format_has_its_own_keys_alone() {
        assert!(error(3, FORMAT_2).contains("unknown field `options`"));
        assert!(error(2, "load: {maxTokens: 4}").contains("load.maxTokens is unknown in format 2"));
        assert!(error(2, "load: {workers: 4}").contains("unknown field `workers`"));
        assert!(error(2, "load: {options: 4}").contains("load.options is not a map"));
        assert!(error(2, "load: [").starts_with("scenario.yaml:1:"));
    }
}
