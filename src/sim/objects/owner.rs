//! Owner references to the controller of an object.

use serde_json::{Value, json};

/// The owner reference of an object's controller.
pub(in crate::sim) fn controller_of(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|owner| owner["controller"] == true)
}

/// Returns a controller owner reference to `owner`.
pub(in crate::sim) fn owner_reference(owner: &Value) -> Value {
    json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true})
}

pub(in crate::sim) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    controller_of(object).is_some_and(|of| of["uid"] == owner["metadata"]["uid"])
}
