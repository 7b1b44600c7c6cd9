//! Merges the values of scenario files as a JSON merge patch (RFC 7386): maps are merged, null removes, everything else is replaced.

use serde_json::{Map, Value};

/// Merges `over` into `under`, at this path.
pub(super) fn merge_value<'a>(under: &mut Value, over: &'a Value, path: &mut Vec<&'a str>) {
    let Value::Object(top) = over else {
        *under = over.clone();
        return;
    };
    if !under.is_object() {
        // To helm, null in the values removes a default of the chart.
        if matches!(path[..], ["releases", _, "values", ..]) {
            *under = over.clone();
            return;
        }
        *under = Value::Object(Map::new());
    }
    let Value::Object(base) = under else { return };
    for (key, value) in top {
        if value.is_null() {
            base.remove(key);
        } else {
            path.push(key);
            merge_value(base.entry(key.clone()).or_insert(Value::Null), value, path);
            path.pop();
        }
    }
}
