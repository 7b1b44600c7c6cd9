//! Conditions in the status of an object.

use serde_json::{Value, json};

/// Sets a condition in place. lastTransitionTime changes only with the condition's status.
pub(in crate::sim) fn set(
    status: &mut Value,
    now: &str,
    kind: &str,
    condition_status: &str,
    reason: &str,
    message: &str,
) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    let mut condition = json!({"type": kind, "status": condition_status, "lastTransitionTime": now});
    for (field, text) in [("reason", reason), ("message", message)].into_iter().filter(|(_, text)| !text.is_empty()) {
        condition[field] = json!(text);
    }
    match conditions.iter_mut().find(|condition| condition["type"] == kind) {
        None => conditions.push(condition),
        Some(existing) => {
            if existing["status"] == condition_status {
                condition["lastTransitionTime"] = existing["lastTransitionTime"].clone();
            }
            *existing = condition;
        }
    }
}

pub(in crate::sim) fn is_condition_true(object: &Value, kind: &str) -> bool {
    true_since(object, kind).is_some()
}

/// Returns since when a condition is True; `None` if it is not.
pub(in crate::sim) fn true_since<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == "True")?;
    Some(condition["lastTransitionTime"].as_str().unwrap_or_default())
}
