//! Conditions in a status.

use serde_json::{Value, json};

/// Sets a condition; its time moves only with its status, and it keeps its place in the list.
pub(super) fn set(status: &mut Value, now: &str, kind: &str, holds: &str, reason: &str, message: &str) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(all) = status["conditions"].as_array_mut() else { return };
    let mut made = json!({"type": kind, "status": holds, "lastTransitionTime": now});
    for (field, text) in [("reason", reason), ("message", message)].into_iter().filter(|(_, text)| !text.is_empty()) {
        made[field] = json!(text);
    }
    match all.iter_mut().find(|one| one["type"] == kind) {
        None => all.push(made),
        Some(old) => {
            if old["status"] == holds {
                made["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = made;
        }
    }
}

/// True where the condition is there and holds.
pub(super) fn is_condition_true(object: &Value, kind: &str) -> bool {
    true_since(object, kind).is_some()
}

/// Since when a condition holds; `None` where it does not.
pub(super) fn true_since<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let all = object["status"]["conditions"].as_array()?;
    let one = all.iter().find(|one| one["type"] == kind && one["status"] == "True")?;
    Some(one["lastTransitionTime"].as_str().unwrap_or_default())
}
