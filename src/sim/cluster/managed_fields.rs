//! managedFields: which manager owns which field, as the API server tracks it. Simplified: a list is owned as a whole.

use serde_json::{Map, Value, json};

/// The author of a write, as managedFields record it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct FieldManager<'a> {
    pub(in crate::sim) name: &'a str,
    /// `Update` or `Apply`.
    pub(in crate::sim) operation: &'a str,
    /// `status`, `scale`, or empty.
    pub(in crate::sim) subresource: &'a str,
}

impl<'a> FieldManager<'a> {
    /// A write to the object itself. An empty name is the API server's own write, which managedFields do not record.
    pub(in crate::sim) const fn update(name: &'a str) -> Self {
        Self { name, operation: "Update", subresource: "" }
    }

    /// A write to the status subresource.
    pub(in crate::sim) const fn update_status(name: &'a str) -> Self {
        Self { name, operation: "Update", subresource: "status" }
    }

    /// A write to the scale subresource.
    pub(in crate::sim) const fn update_scale(name: &'a str) -> Self {
        Self { name, operation: "Update", subresource: "scale" }
    }

    /// Server-side apply.
    pub(in crate::sim) const fn apply(name: &'a str) -> Self {
        Self { name, operation: "Apply", subresource: "" }
    }
}

/// Metadata fields that no manager owns (k8s.io/apimachinery, pkg/util/managedfields/internal/stripmeta.go), and those of
/// a deletion.
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

/// Depth in an object: fields without an owner exist only at the first two levels.
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

/// Records in `object` which fields `manager` has written, compared with `before` (null for a new object). An apply owns
/// the fields of `applied`, or of the whole object if there is none.
pub(super) fn record_ownership(
    object: &mut Value,
    before: &Value,
    applied: Option<&Value>,
    manager: FieldManager<'_>,
    now: &str,
) {
    if manager.name.is_empty() {
        return;
    }
    let mut entries = match object["metadata"]["managedFields"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let (mut changed, removed) =
        (changed_fields(object, before, FieldLevel::Root), removed_fields(before, object, FieldLevel::Root));
    if before.is_null() && manager.subresource.is_empty() {
        // The server resets the status of a new object.
        changed.shift_remove("f:status");
    }
    let own_index = entries.iter().position(|entry| is_entry_of(entry, manager));
    let mut owned = own_index.and_then(|at| entries[at]["fieldsV1"].as_object().cloned()).unwrap_or_default();
    if manager.operation == "Apply" {
        let applied_paths = changed_fields(applied.unwrap_or(object), &Value::Null, FieldLevel::Root);
        if changed.is_empty() && removed.is_empty() && applied_paths == owned {
            object["metadata"]["managedFields"] = Value::Array(entries);
            return;
        }
        owned = applied_paths;
    } else {
        subtract_paths(&mut owned, &removed);
        merge_paths(&mut owned, &changed);
    }
    for (_, entry) in entries.iter_mut().enumerate().filter(|(at, _)| Some(*at) != own_index) {
        let Some(fields) = entry["fieldsV1"].as_object_mut() else { continue };
        subtract_paths(fields, &changed);
        subtract_paths(fields, &removed);
    }
    if !changed.is_empty() || !removed.is_empty() || manager.operation == "Apply" {
        let entry = managed_fields_entry(object, owned, manager, now);
        match own_index {
            Some(at) => entries[at] = entry,
            None => entries.push(entry),
        }
    }
    entries.retain(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()));
    object["metadata"]["managedFields"] = Value::Array(entries);
}

/// Lists, in the API server's format, the fields that `after` changes in `before` and that other managers own.
pub(in crate::sim) fn field_conflicts(before: &Value, after: &Value, manager: FieldManager<'_>) -> Vec<String> {
    let changed = changed_fields(after, before, FieldLevel::Root);
    let entries = before["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut all = Vec::new();
    for entry in entries.filter(|entry| !is_entry_of(entry, manager)) {
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let conflict = match text("subresource") {
            "" => format!("conflict with \"{}\"", text("manager")),
            part => format!("conflict with \"{}\" with subresource \"{part}\"", text("manager")),
        };
        let mut paths = Vec::new();
        collect_common_paths(&entry["fieldsV1"], &changed, "", &mut paths);
        all.extend(paths.into_iter().map(|path| format!("{conflict} using {}: {path}", text("apiVersion"))));
    }
    all
}

/// Whether `applied` leaves out a field that `manager` owns from an earlier apply.
pub(in crate::sim) fn drops_applied_fields(before: &Value, applied: &Value, manager: FieldManager<'_>) -> bool {
    let mut entries = before["metadata"]["managedFields"].as_array().into_iter().flatten();
    let owned = entries.find(|entry| is_entry_of(entry, manager)).and_then(|entry| entry["fieldsV1"].as_object());
    let mut left = owned.cloned().unwrap_or_default();
    subtract_paths(&mut left, &changed_fields(applied, &Value::Null, FieldLevel::Root));
    !left.is_empty()
}

fn is_entry_of(entry: &Value, manager: FieldManager<'_>) -> bool {
    entry["manager"] == manager.name
        && entry["operation"] == manager.operation
        && entry["subresource"].as_str().unwrap_or_default() == manager.subresource
}

fn managed_fields_entry(object: &Value, owned: FieldPaths, manager: FieldManager<'_>, now: &str) -> Value {
    let mut entry = json!({
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": object["apiVersion"],
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    });
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    // Writes through the scale subresource show no time (observed with Kubernetes v1.37.2).
    if let Some(fields) = entry.as_object_mut().filter(|_| manager.subresource == "scale") {
        fields.shift_remove("time");
    }
    entry
}

/// The fields of `now` that differ from `before`.
fn changed_fields(now: &Value, before: &Value, level: FieldLevel) -> FieldPaths {
    let mut fields = FieldPaths::new();
    for (key, value) in now.as_object().into_iter().flatten().filter(|(key, _)| level.is_owned(key)) {
        let old = before.get(key).unwrap_or(&Value::Null);
        let inner = match value {
            Value::Object(map) if !map.is_empty() => changed_fields(value, old, level.child(key)),
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

/// The fields of `before` that `now` does not have.
fn removed_fields(before: &Value, now: &Value, level: FieldLevel) -> FieldPaths {
    let mut fields = FieldPaths::new();
    for (key, value) in before.as_object().into_iter().flatten().filter(|(key, _)| level.is_owned(key)) {
        let inner = match (value, now.get(key)) {
            (Value::Object(_), Some(new @ Value::Object(_))) => removed_fields(value, new, level.child(key)),
            (Value::Object(_), _) => changed_fields(value, &Value::Null, level.child(key)),
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

/// Removes paths, and parents that are empty then.
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

/// Collects the paths that are in both, in the form `.spec.replicas`.
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
