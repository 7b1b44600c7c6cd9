//! Deleting: what goes at once, and what only begins to go.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::ApiResponse;
use super::served_kinds::ServedKind;
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, group_resource};

/// What became of an object that was to go.
#[derive(Clone, Debug)]
pub(in crate::sim) struct DeleteOutcome {
    /// The object as it was last.
    pub(in crate::sim) object: Arc<Value>,
    /// It is gone; else it has a deletionTimestamp now, and somebody else's work comes before its end: the kubelet's,
    /// the namespace controller's, that of who set a finalizer.
    pub(in crate::sim) is_gone: bool,
}

/// Deletes an object; `uid` is the one that it must have.
///
/// # Errors
/// It is not there, or is another one.
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
    let until = cluster.wall_time() + SignedDuration::from_secs(grace_s);
    let object = cluster.update(FieldManager::update(""), kind, namespace, name, |object| {
        let metadata = &mut object["metadata"];
        metadata["deletionTimestamp"] = json!(until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        metadata["deletionGracePeriodSeconds"] = json!(grace_s);
        if kind.kind == "Namespace" {
            object["status"]["phase"] = json!("Terminating");
        }
    })?;
    Ok(DeleteOutcome { object, is_gone: false })
}

/// The finalizer of what goes after all that belongs to it.
pub(in crate::sim) const FOREGROUND_FINALIZER: &str = "foregroundDeletion";

/// Deletes an object in the foreground: what belongs to it goes first.
///
/// # Errors
/// It is not there.
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

/// Seconds that a pod has to end: none where no kubelet has it, or where it has ended.
fn grace_period_s(pod: &Value) -> i64 {
    let has_ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if has_ended || pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return 0;
    }
    pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30)
}

/// # Errors
/// 409: it is another object of that name.
pub(super) fn check_uid(kind: &ResourceKind, object: &Value, uid: &str) -> Result<(), StatusError> {
    let own = object["metadata"]["uid"].as_str().unwrap_or_default();
    if own == uid {
        return Ok(());
    }
    let (resource, name) = (group_resource(kind), object["metadata"]["name"].as_str().unwrap_or_default());
    let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
    Err(StatusError::new(409, "Conflict", format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}")))
}

/// # Errors
/// As above, or something is asked that is not simulated.
pub(super) fn handle_delete(
    cluster: &SimCluster,
    facts: &ServedKind,
    asked: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    asked.check_params(&[])?;
    let options = if asked.body.is_empty() { json!({}) } else { asked.json()? };
    let known = ["propagationPolicy", "preconditions", "kind", "apiVersion"];
    let is_known = |(field, value): (&String, &Value)| match field.as_str() {
        "propagationPolicy" => value == "Background",
        "preconditions" => value["resourceVersion"].is_null(),
        field => known.contains(&field),
    };
    if !options.as_object().is_some_and(|options| options.iter().all(is_known)) {
        return Err(StatusError::not_simulated(&format!("the deletion of {} with {options}", asked.target)));
    }
    let (kind, place) = (&facts.kind, &asked.info);
    let namespace = place.namespace.as_deref().unwrap_or_default();
    let done = delete(cluster, kind, namespace, &place.name, options["preconditions"]["uid"].as_str())?;
    if !done.is_gone {
        return Ok(ApiResponse::json(200, done.object.to_string()));
    }
    let details =
        json!({"name": place.name, "group": kind.group, "kind": kind.plural, "uid": done.object["metadata"]["uid"]});
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Ok(ApiResponse::value(200, &status))
}
