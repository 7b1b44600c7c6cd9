//! Deleting objects, at once or by deletionTimestamp.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::ApiResponse;
use super::served_kinds::ServedKind;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, group_resource};

/// Result of a deletion.
#[derive(Clone, Debug)]
pub(in crate::sim) struct DeleteOutcome {
    /// The object in its last state.
    pub(in crate::sim) object: Arc<Value>,
    /// Whether the object is removed. Otherwise it has a deletionTimestamp, and the kubelet, the namespace controller or
    /// the owner of a finalizer has to finish the deletion.
    pub(in crate::sim) is_gone: bool,
}

/// Deletes an object; `uid` is a precondition.
///
/// # Errors
/// The object does not exist, or has another uid.
pub(in crate::sim) fn delete(
    cluster: &SimCluster,
    kind: &ResourceKind,
    namespace: &str,
    name: &str,
    uid: Option<&str>,
) -> Result<DeleteOutcome, StatusError> {
    let object = cluster.get(kind, namespace, name).ok_or_else(|| StatusError::not_found(kind, name))?;
    if let Some(uid) = uid {
        check_uid(kind, &object, uid)?;
    }
    let has_finalizers = object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
    let grace_s = if kind.kind == "Pod" { grace_period_s(&object) } else { 0 };
    if grace_s == 0 && !has_finalizers && kind.kind != "Namespace" {
        cluster.remove(kind, namespace, name);
        return Ok(DeleteOutcome { object, is_gone: true });
    }
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Ok(DeleteOutcome { object, is_gone: false });
    }
    let deadline = cluster.wall_time() + SignedDuration::from_secs(grace_s);
    let object = cluster.update(FieldManager::update(""), kind, namespace, name, |object| {
        let metadata = &mut object["metadata"];
        metadata["deletionTimestamp"] = json!(deadline.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        metadata["deletionGracePeriodSeconds"] = json!(grace_s);
        if kind.kind == "Namespace" {
            object["status"]["phase"] = json!("Terminating");
        }
    })?;
    Ok(DeleteOutcome { object, is_gone: false })
}

/// The finalizer of an object that is deleted after its dependents.
pub(in crate::sim) const FOREGROUND_FINALIZER: &str = "foregroundDeletion";

/// Deletes an object in the foreground: its dependents are deleted first.
///
/// # Errors
/// The object does not exist.
pub(in crate::sim) fn delete_in_foreground(
    cluster: &SimCluster,
    kind: &ResourceKind,
    namespace: &str,
    name: &str,
) -> Result<DeleteOutcome, StatusError> {
    cluster.update(FieldManager::update(""), kind, namespace, name, |object| {
        let finalizers = &mut object["metadata"]["finalizers"];
        match finalizers.as_array_mut() {
            Some(all) if all.iter().any(|one| one == FOREGROUND_FINALIZER) => {}
            Some(all) => all.push(json!(FOREGROUND_FINALIZER)),
            None => *finalizers = json!([FOREGROUND_FINALIZER]),
        }
    })?;
    delete(cluster, kind, namespace, name, None)
}

/// The grace period of a pod, seconds: 0 if it is not bound to a node or has terminated.
fn grace_period_s(pod: &Value) -> i64 {
    let has_ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if has_ended || pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return 0;
    }
    pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30)
}

/// # Errors
/// 409 if the object has another uid.
pub(super) fn check_uid(kind: &ResourceKind, object: &Value, uid: &str) -> Result<(), StatusError> {
    let actual = object["metadata"]["uid"].as_str().unwrap_or_default();
    if actual == uid {
        return Ok(());
    }
    let (resource, name) = (group_resource(kind), object["metadata"]["name"].as_str().unwrap_or_default());
    let reason = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {actual}");
    Err(StatusError::new(409, "Conflict", format!("Operation cannot be fulfilled on {resource} \"{name}\": {reason}")))
}

/// # Errors
/// As for `delete`, or the options are not supported.
pub(super) fn handle_delete(
    cluster: &SimCluster,
    served: &ServedKind,
    request: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    request.check_params(&[])?;
    let options = if request.body.is_empty() { json!({}) } else { request.json()? };
    let known = ["propagationPolicy", "preconditions", "kind", "apiVersion"];
    let is_known = |(field, value): (&String, &Value)| match field.as_str() {
        "propagationPolicy" => value == "Background" || value == "Foreground",
        "preconditions" => value["resourceVersion"].is_null(),
        field => known.contains(&field),
    };
    if !options.as_object().is_some_and(|options| options.iter().all(is_known)) {
        return Err(StatusError::not_simulated(&format!("DeleteOptions {options} for {}", request.target)));
    }
    let (kind, info) = (&served.kind, &request.info);
    let namespace = info.namespace.as_deref().unwrap_or_default();
    let uid = options["preconditions"]["uid"].as_str();
    let outcome = if options["propagationPolicy"] == "Foreground" {
        let object = cluster.get(kind, namespace, &info.name);
        let object = object.ok_or_else(|| StatusError::not_found(kind, &info.name))?;
        uid.map_or(Ok(()), |uid| check_uid(kind, &object, uid))?;
        delete_in_foreground(cluster, kind, namespace, &info.name)?
    } else {
        delete(cluster, kind, namespace, &info.name, uid)?
    };
    if !outcome.is_gone {
        return Ok(ApiResponse::json(200, outcome.object.to_string()));
    }
    let details =
        json!({"name": info.name, "group": kind.group, "kind": kind.plural, "uid": outcome.object["metadata"]["uid"]});
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Ok(ApiResponse::value(200, &status))
}
