//! managedFields: who wrote which field last, as the API server keeps it. Lists are owned as a whole.

use serde_json::{Map, Value, json};

use super::FieldManager;

/// Bookkeeping in the metadata, which nobody owns.
const UNOWNED_METADATA: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "managedFields",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Paths of fields, as FieldsV1 writes them: `{"f:spec": {"f:replicas": {}}}`.
type FieldPaths = Map<String, Value>;

/// How deep in an object: the first two levels hold what nobody owns.
#[derive(Clone, Copy)]
enum FieldLevel {
    Root,
    Metadata,
    Deep,
}

impl FieldLevel {
    fn is_owned(self, key: &str) -> bool {
        match self {
            Self::Root => !matches!(key, "apiVersion" | "kind"),
            Self::Metadata => !UNOWNED_METADATA.contains(&key),
            Self::Deep => true,
        }
    }

    fn child(self, key: &str) -> Self {
        if matches!(self, Self::Root) && key == "metadata" { Self::Metadata } else { Self::Deep }
    }
}

/// Notes in `object` what `hand` has written, compared with `before` (null where there was none). Who applies owns what
/// stands in his `document`, or the whole object.
pub(super) fn record_ownership(
    object: &mut Value,
    before: &Value,
    document: Option<&Value>,
    hand: FieldManager<'_>,
    now: &str,
) {
    if hand.manager.is_empty() {
        return;
    }
    let mut entries = match object["metadata"]["managedFields"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let (mut changed, lost) =
        (changed_fields(object, before, FieldLevel::Root), removed_fields(before, object, FieldLevel::Root));
    if before.is_null() && hand.subresource.is_empty() {
        // What a new object reports is the server's word.
        changed.shift_remove("f:status");
    }
    let own = entries.iter().position(|entry| is_entry_of(entry, hand));
    let mut owned = own.and_then(|at| entries[at]["fieldsV1"].as_object().cloned()).unwrap_or_default();
    if hand.operation == "Apply" {
        let applied = changed_fields(document.unwrap_or(object), &Value::Null, FieldLevel::Root);
        if changed.is_empty() && lost.is_empty() && applied == owned {
            object["metadata"]["managedFields"] = Value::Array(entries);
            return;
        }
        owned = applied;
    } else {
        subtract_paths(&mut owned, &lost);
        merge_paths(&mut owned, &changed);
    }
    for (_, entry) in entries.iter_mut().enumerate().filter(|(at, _)| Some(*at) != own) {
        let Some(fields) = entry["fieldsV1"].as_object_mut() else { continue };
        subtract_paths(fields, &changed);
        subtract_paths(fields, &lost);
    }
    if !changed.is_empty() || !lost.is_empty() || hand.operation == "Apply" {
        let entry = managed_fields_entry(object, owned, hand, now);
        match own {
            Some(at) => entries[at] = entry,
            None => entries.push(entry),
        }
    }
    entries.retain(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()));
    object["metadata"]["managedFields"] = Value::Array(entries);
}

/// Managers other than `hand` that own something of what `after` changes in `before`, as the API server names them.
pub(in crate::sim) fn field_conflicts(before: &Value, after: &Value, hand: FieldManager<'_>) -> Vec<String> {
    let changed = changed_fields(after, before, FieldLevel::Root);
    let entries = before["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut all = Vec::new();
    for entry in entries.filter(|entry| !is_entry_of(entry, hand)) {
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let by = match text("subresource") {
            "" => format!("conflict with \"{}\"", text("manager")),
            part => format!("conflict with \"{}\" with subresource \"{part}\"", text("manager")),
        };
        let mut paths = Vec::new();
        collect_common_paths(&entry["fieldsV1"], &changed, "", &mut paths);
        all.extend(paths.into_iter().map(|path| format!("{by} using {}: {path}", text("apiVersion"))));
    }
    all
}

/// Whether `hand`, who has applied more before, leaves something out in `document`.
pub(in crate::sim) fn drops_applied_fields(before: &Value, document: &Value, hand: FieldManager<'_>) -> bool {
    let mut entries = before["metadata"]["managedFields"].as_array().into_iter().flatten();
    let own = entries.find(|entry| is_entry_of(entry, hand)).and_then(|entry| entry["fieldsV1"].as_object());
    let mut left = own.cloned().unwrap_or_default();
    subtract_paths(&mut left, &changed_fields(document, &Value::Null, FieldLevel::Root));
    !left.is_empty()
}

fn is_entry_of(entry: &Value, hand: FieldManager<'_>) -> bool {
    entry["manager"] == hand.manager
        && entry["operation"] == hand.operation
        && entry["subresource"].as_str().unwrap_or_default() == hand.subresource
}

fn managed_fields_entry(object: &Value, owned: FieldPaths, hand: FieldManager<'_>, now: &str) -> Value {
    let mut entry = json!({
        "manager": hand.manager,
        "operation": hand.operation,
        "apiVersion": object["apiVersion"],
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    });
    if !hand.subresource.is_empty() {
        entry["subresource"] = json!(hand.subresource);
    }
    // Writes through the scale subresource show no time (seen with 1.37.2).
    if let Some(fields) = entry.as_object_mut().filter(|_| hand.subresource == "scale") {
        fields.shift_remove("time");
    }
    entry
}

/// The fields of `now` that are not the same in `before`.
fn changed_fields(now: &Value, before: &Value, place: FieldLevel) -> FieldPaths {
    let mut fields = FieldPaths::new();
    for (key, value) in now.as_object().into_iter().flatten().filter(|(key, _)| place.is_owned(key)) {
        let old = before.get(key).unwrap_or(&Value::Null);
        let inner = match value {
            Value::Object(map) if !map.is_empty() => changed_fields(value, old, place.child(key)),
            _ if value == old => continue,
            _ => {
                fields.insert(format!("f:{key}"), json!({}));
                continue;
            }
        };
        if !inner.is_empty() {
            fields.insert(format!("f:{key}"), Value::Object(inner));
        }
    }
    fields
}

/// The fields of `before` that are no more in `now`.
fn removed_fields(before: &Value, now: &Value, place: FieldLevel) -> FieldPaths {
    let mut fields = FieldPaths::new();
    for (key, value) in before.as_object().into_iter().flatten().filter(|(key, _)| place.is_owned(key)) {
        let inner = match (value, now.get(key)) {
            (Value::Object(_), Some(new @ Value::Object(_))) => removed_fields(value, new, place.child(key)),
            (Value::Object(_), _) => changed_fields(value, &Value::Null, place.child(key)),
            (_, None) => {
                fields.insert(format!("f:{key}"), json!({}));
                continue;
            }
            (_, Some(_)) => continue,
        };
        if !inner.is_empty() {
            fields.insert(format!("f:{key}"), Value::Object(inner));
        }
    }
    fields
}

/// Takes paths away; what is empty then goes as well.
fn subtract_paths(fields: &mut FieldPaths, paths: &FieldPaths) {
    fields.retain(|key, value| match (paths.get(key).and_then(Value::as_object), value.as_object_mut()) {
        (None, _) => true,
        (Some(paths), Some(fields)) if !paths.is_empty() => {
            subtract_paths(fields, paths);
            !fields.is_empty()
        }
        (Some(_), _) => false,
    });
}

fn merge_paths(fields: &mut FieldPaths, paths: &FieldPaths) {
    for (key, paths) in paths {
        let inner = fields.entry(key.clone()).or_insert_with(|| json!({}));
        if let (Some(inner), Some(paths)) = (inner.as_object_mut(), paths.as_object()) {
            merge_paths(inner, paths);
        }
    }
}

/// Paths that are in both, as `.spec.replicas`.
fn collect_common_paths(fields: &Value, paths: &FieldPaths, above: &str, found: &mut Vec<String>) {
    for (key, paths) in paths {
        let (Some(inner), Some(paths)) = (fields.get(key), paths.as_object()) else { continue };
        let path = format!("{above}.{}", key.trim_start_matches("f:"));
        if paths.is_empty() || inner.as_object().is_none_or(Map::is_empty) {
            found.push(path);
        } else {
            collect_common_paths(inner, paths, &path, found);
        }
    }
}
