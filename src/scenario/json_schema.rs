//! The JSON schema of a scenario file.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform as _};
use serde_json::{Value, json};

use crate::model::scenario::Scenario;

/// The schema of the types, in which each key may be null: an overlay removes it from the file below.
pub(super) fn scenario_schema() -> Schema {
    let mut schema = schemars::schema_for!(Scenario);
    RecursiveTransform(allow_null_keys).transform(&mut schema);
    schema
}

fn allow_null_keys(schema: &mut Schema) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(_, property)| allow_null(property));
}

fn allow_null(property: &mut Value) {
    let Value::Object(property) = property else { return };
    if let Some(kind @ Value::String(_)) = property.get_mut("type") {
        *kind = json!([kind, "null"]);
    } else if let Some(reference) = property.remove("$ref") {
        property.insert("anyOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
    }
}
