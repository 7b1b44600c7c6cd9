//! Fills in the values whose default depends on the protocol of the load.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::load::ProtocolName;
use crate::protocol::{self, ProtocolDefaults};

/// Sets what the merged scenario does not set: port, model, and each field of the parameters.
pub(super) fn fill_in(scenario: &mut Map<String, Value>) {
    let name = scenario.get("load").and_then(|load| load.get("protocol"));
    // Each file was parsed by itself, so that only a missing name can be here.
    let name = name.and_then(|name| ProtocolName::deserialize(name).ok()).unwrap_or_default();
    let ProtocolDefaults { port, model, parameters } = protocol::by_name(name).defaults();
    if let Some(endpoint) = section(scenario, "endpoint") {
        set_missing(endpoint, "port", port.into());
    }
    let Some(load) = section(scenario, "load") else { return };
    set_missing(load, "model", model.into());
    let Some(given) = section(load, "parameters") else { return };
    parameters.into_iter().for_each(|(field, value)| set_missing(given, &field, value));
}

fn section<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    map.entry(key).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

fn set_missing(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.entry(key).or_insert(value);
}
