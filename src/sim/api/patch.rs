//! Changing an object: server-side apply, and merge patches.

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
/// It is refused, or something is asked that is not simulated.
pub(super) fn handle_patch(
    cluster: &SimCluster,
    facts: &ServedKind,
    asked: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    asked.check_params(&["fieldManager"])?;
    let (place, patch) = (&asked.info, asked.json()?);
    let namespace = place.namespace.as_deref().unwrap_or_default();
    match (asked.content_type.as_str(), place.subresource.as_str()) {
        ("application/apply-patch+yaml", "") if asked.query.contains_key("fieldManager") => {
            let mut document = patch;
            document["metadata"]["name"] = json!(place.name);
            if facts.is_namespaced {
                document["metadata"]["namespace"] = json!(namespace);
            }
            let is_new = cluster.get(&facts.kind, namespace, &place.name).is_none();
            let made = apply(cluster, field_manager(asked), facts, document)?;
            Ok(ApiResponse::json(if is_new { 201 } else { 200 }, made.to_string()))
        }
        ("application/merge-patch+json", "") => {
            let changed = merge_patch(
                cluster,
                FieldManager::update(field_manager(asked)),
                &facts.kind,
                (namespace, &place.name),
                &patch,
            )?;
            Ok(ApiResponse::json(200, changed.to_string()))
        }
        ("application/merge-patch+json", "scale") => {
            let replicas = patch["spec"]["replicas"].as_i64();
            let Some(replicas) = replicas.filter(|size| patch == json!({"spec": {"replicas": size}})) else {
                return Err(StatusError::not_simulated(&format!("the scale {patch}")));
            };
            let hand = FieldManager::update_scale(field_manager(asked));
            let changed = update_scale(cluster, hand, &facts.kind, namespace, &place.name, replicas)?;
            Ok(ApiResponse::value(200, &scale_object(&changed)))
        }
        (content, _) => Err(StatusError::not_simulated(&format!("a patch of {} with {content:?}", asked.target))),
    }
}

/// Server-side apply: the object is made, or gets what stands in `document`, whose fields are the manager's then. A
/// list is taken as a whole.
///
/// # Errors
/// It is refused: what another manager owns is not overwritten.
pub(in crate::sim) fn apply(
    cluster: &SimCluster,
    manager: &str,
    facts: &ServedKind,
    document: Value,
) -> Result<Arc<Value>, StatusError> {
    let (kind, hand) = (&facts.kind, FieldManager::apply(manager));
    let (namespace, name) = (metadata_text(&document, "namespace"), metadata_text(&document, "name"));
    let Some(before) = cluster.get(kind, &namespace, &name) else {
        return create_object(cluster, hand, facts, document, false);
    };
    if drops_applied_fields(&before, &document, hand) {
        return Err(StatusError::not_simulated(&format!("applying less of {} {name} than before", kind.kind)));
    }
    let mut after = (*before).clone();
    overlay(&mut after, &document);
    let all = field_conflicts(&before, &after, hand);
    if !all.is_empty() {
        let count = if all.len() == 1 { "1 conflict".to_owned() } else { format!("{} conflicts", all.len()) };
        return Err(StatusError::new(409, "Conflict", format!("Apply failed with {count}: {}", all.join("\n"))));
    }
    cluster.update_with_applied(hand, kind, (&namespace, &name), Some(&document), |object| *object = after)
}

/// # Errors
/// It is not there, or is another one.
fn merge_patch(
    cluster: &SimCluster,
    hand: FieldManager<'_>,
    kind: &ResourceKind,
    (namespace, name): (&str, &str),
    patch: &Value,
) -> Result<Arc<Value>, StatusError> {
    let before = cluster.get(kind, namespace, name).ok_or_else(|| StatusError::not_found(kind, name))?;
    let metadata = patch["metadata"].as_object();
    let known = ["uid", "labels", "annotations"];
    let strange = metadata.into_iter().flat_map(Map::keys).find(|field| !known.contains(&field.as_str()));
    if let Some(field) = strange {
        return Err(StatusError::not_simulated(&format!("a merge patch of metadata.{field}")));
    }
    if let Some(uid) = patch["metadata"]["uid"].as_str() {
        check_uid(kind, &before, uid)?;
    }
    cluster.update(hand, kind, namespace, name, |object| apply_merge_patch(object, patch))
}

/// RFC 7386.
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

/// What stands in the document, over what is there. A list's entries get what theirs state, so that what the API server
/// has filled in stays; a list of another length is replaced.
fn overlay(object: &mut Value, document: &Value) {
    match (object, document) {
        (Value::Object(object), Value::Object(document)) => {
            for (key, value) in document {
                overlay(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(object), Value::Array(document)) if object.len() == document.len() => {
            object.iter_mut().zip(document).for_each(|(object, document)| overlay(object, document));
        }
        (object, document) => *object = document.clone(),
    }
}
