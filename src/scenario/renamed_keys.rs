//! Keys of earlier scenarios that have another name today.

use serde_json::{Map, Value};

use super::locate;
use super::scenario_error::ScenarioProblem;

/// The former keys of the load, and what to write instead.
const RENAMED: [(&str, &str); 2] = [
    ("options", "write load.maxTokens instead of num_predict, and the other options below load.parameters.options"),
    ("keepAlive", "write load.parameters.keep_alive"),
];

/// The former keys that a file has.
pub(super) fn find_problems(path: &str, text: &str, values: &Map<String, Value>) -> Vec<ScenarioProblem> {
    let Some(load) = values.get("load") else { return Vec::new() };
    let found = RENAMED.iter().filter(|(key, _)| load.get(key).is_some());
    let problem = |(key, hint): &(&str, &str)| {
        let (line, column) = locate::field_position(text, &["load".to_owned(), (*key).to_owned()]);
        let location = Some(format!("{path}:{line}:{column}"));
        ScenarioProblem { location, ..ScenarioProblem::new(&format!("load.{key}"), "is an unknown key", *hint) }
    };
    found.map(problem).collect()
}
