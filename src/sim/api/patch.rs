//! Patches: server-side apply and merge patch.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::create::create_object;
use super::delete::check_uid;
use super::field_manager;
use super::request::ApiRequest;
use super::response::ApiResponse;
use super::scale::{scale_object, update_scale};
use super::served_kinds::ServedKind;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{
    FieldManager, SimCluster, StatusError, drops_applied_fields, field_conflicts, metadata_text,
};

/// # Errors
/// The API server rejects the patch, or the simulator does not support it.
pub(super) fn handle_patch(
    cluster: &SimCluster,
    served: &ServedKind,
    request: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    request.check_params(&["fieldManager"])?;
    let (info, patch) = (&request.info, request.json()?);
    let namespace = info.namespace.as_deref().unwrap_or_default();
    match (request.content_type.as_str(), info.subresource.as_str()) {
        ("application/apply-patch+yaml", "") if request.query.contains_key("fieldManager") => {
            let mut applied = patch;
            applied["metadata"]["name"] = json!(info.name);
            if served.is_namespaced {
                applied["metadata"]["namespace"] = json!(namespace);
            }
            let is_new = cluster.get(&served.kind, namespace, &info.name).is_none();
            let created = apply(cluster, field_manager(request), served, applied)?;
            Ok(ApiResponse::json(if is_new { 201 } else { 200 }, created.to_string()))
        }
        ("application/merge-patch+json", "") => {
            let changed = merge_patch(
                cluster,
                FieldManager::update(field_manager(request)),
                &served.kind,
                (namespace, &info.name),
                &patch,
            )?;
            Ok(ApiResponse::json(200, changed.to_string()))
        }
        ("application/merge-patch+json", "scale") => {
            let replicas = patch["spec"]["replicas"].as_i64();
            let Some(replicas) = replicas.filter(|size| patch == json!({"spec": {"replicas": size}})) else {
                return Err(StatusError::not_simulated(&format!("a scale patch other than spec.replicas: {patch}")));
            };
            let manager = FieldManager::update_scale(field_manager(request));
            let changed = update_scale(cluster, manager, &served.kind, namespace, &info.name, replicas)?;
            Ok(ApiResponse::value(200, &scale_object(&changed)))
        }
        (content_type, _) => {
            Err(StatusError::not_simulated(&format!("a patch of {} of content type {content_type:?}", request.target)))
        }
    }
}

/// Server-side apply: creates the object, or sets the fields of `applied`, which `manager` owns then. Simplified: a list
/// is owned as a whole, and an apply is never forced.
///
/// # Errors
/// The API server rejects it, for example for a conflict with another manager.
pub(in crate::sim) fn apply(
    cluster: &SimCluster,
    manager: &str,
    served: &ServedKind,
    applied: Value,
) -> Result<Arc<Value>, StatusError> {
    let (kind, manager) = (&served.kind, FieldManager::apply(manager));
    let (namespace, name) = (metadata_text(&applied, "namespace"), metadata_text(&applied, "name"));
    let Some(before) = cluster.get(kind, &namespace, &name) else {
        return create_object(cluster, manager, served, applied, false);
    };
    if drops_applied_fields(&before, &applied, manager) {
        return Err(StatusError::not_simulated(&format!("removing applied fields of {} {name}", kind.kind)));
    }
    let mut after = (*before).clone();
    overlay(&mut after, &applied);
    let all = field_conflicts(&before, &after, manager);
    if !all.is_empty() {
        let count = if all.len() == 1 { "1 conflict".to_owned() } else { format!("{} conflicts", all.len()) };
        return Err(StatusError::new(409, "Conflict", format!("Apply failed with {count}: {}", all.join("\n"))));
    }
    cluster.update_with_applied(manager, kind, (&namespace, &name), Some(&applied), |object| *object = after)
}

/// # Errors
/// The object does not exist, or has another uid.
fn merge_patch(
    cluster: &SimCluster,
    manager: FieldManager<'_>,
    kind: &ResourceKind,
    (namespace, name): (&str, &str),
    patch: &Value,
) -> Result<Arc<Value>, StatusError> {
    let before = cluster.get(kind, namespace, name).ok_or_else(|| StatusError::not_found(kind, name))?;
    let metadata = patch["metadata"].as_object();
    let known = ["uid", "labels", "annotations"];
    let unsupported = metadata.into_iter().flat_map(Map::keys).find(|field| !known.contains(&field.as_str()));
    if let Some(field) = unsupported {
        return Err(StatusError::not_simulated(&format!("a merge patch of metadata.{field}")));
    }
    if let Some(uid) = patch["metadata"]["uid"].as_str() {
        check_uid(kind, &before, uid)?;
    }
    cluster.update(manager, kind, namespace, name, |object| apply_merge_patch(object, patch))
}

/// Applies a JSON merge patch (RFC 7386).
fn apply_merge_patch(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            if let Some(object) = object.as_object_mut() {
                object.shift_remove(key);
            }
        } else {
            apply_merge_patch(&mut object[key], value);
        }
    }
}

/// Merges an applied configuration into an object. Lists of equal length are merged by index, so that the entries keep
/// the API server's defaults; a list of another length is replaced.
fn overlay(object: &mut Value, applied: &Value) {
    match (object, applied) {
        (Value::Object(object), Value::Object(applied)) => {
            for (key, value) in applied {
                overlay(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(object), Value::Array(applied)) if object.len() == applied.len() => {
            object.iter_mut().zip(applied).for_each(|(object, applied)| overlay(object, applied));
        }
        (object, applied) => *object = applied.clone(),
    }
}
