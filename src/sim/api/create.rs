//! Creating an object: identity, defaults and admission, in the API server's order.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use serde_json::{Value, json};

use super::served_kinds::ServedKind;
use super::{admission, defaults};
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, group_resource, metadata_text};

const NAMESPACE: ResourceKind = ResourceKind::from_type::<Namespace>();

/// Letters of generated names (k8s.io/apimachinery, pkg/util/rand).
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Creates an object with name, defaults, ports and addresses as the API server assigns them. With `dry_run` it is not
/// stored.
///
/// # Errors
/// The API server rejects it.
pub(in crate::sim) fn create_object(
    cluster: &SimCluster,
    manager: FieldManager<'_>,
    served: &ServedKind,
    object: Value,
    dry_run: bool,
) -> Result<Arc<Value>, StatusError> {
    let kind = &served.kind;
    let applied = (manager.operation == "Apply").then(|| object.clone());
    let mut object = assign_identity(cluster, served, object)?;
    let (namespace, name) = (metadata_text(&object, "namespace"), metadata_text(&object, "name"));
    if served.is_namespaced {
        check_namespace(cluster, kind, &namespace, &name)?;
    }
    defaults::set_defaults(cluster, kind, &mut object)?;
    if kind.kind == "Pod" {
        admission::admit_pod(cluster, &object, dry_run)?;
    }
    if !dry_run {
        return cluster.create_with_applied(manager, kind, object, applied.as_ref());
    }
    match cluster.get(kind, &namespace, &name) {
        Some(_) => {
            Err(StatusError::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", group_resource(kind))))
        }
        None => Ok(Arc::new(object)),
    }
}

/// Checks type and name, generates a name if asked to, and drops the namespace of a cluster-scoped object.
fn assign_identity(cluster: &SimCluster, served: &ServedKind, mut object: Value) -> Result<Value, StatusError> {
    let kind = &served.kind;
    let differs = |field: &str, expected: &str| object[field].as_str().is_some_and(|actual| actual != expected);
    if differs("apiVersion", &kind.api_version()) || differs("kind", kind.kind) {
        let message =
            format!("the API version in the data does not match the expected API version ({})", kind.api_version());
        return Err(StatusError::new(400, "BadRequest", message));
    }
    if metadata_text(&object, "name").is_empty() {
        let prefix = metadata_text(&object, "generateName");
        if prefix.is_empty() {
            let message = "Required value: name or generateName is required";
            return Err(invalid_error(kind, "", &format!("metadata.name: {message}")));
        }
        let letter = |_| {
            NAME_LETTERS
                .get(cluster.random_below(NAME_LETTERS.len() as u64) as usize)
                .map_or('x', |one| char::from(*one))
        };
        object["metadata"]["name"] = json!(prefix + &(0..5).map(letter).collect::<String>());
    }
    (object["apiVersion"], object["kind"]) = (json!(kind.api_version()), json!(kind.kind));
    let metadata = object["metadata"].as_object_mut();
    if let Some(metadata) = metadata.filter(|_| !served.is_namespaced) {
        metadata.shift_remove("namespace");
    }
    Ok(object)
}

/// # Errors
/// The namespace does not exist, or is being terminated.
fn check_namespace(cluster: &SimCluster, kind: &ResourceKind, namespace: &str, name: &str) -> Result<(), StatusError> {
    let parent = cluster.get(&NAMESPACE, "", namespace).ok_or_else(|| StatusError::not_found(&NAMESPACE, namespace))?;
    if parent["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let reason = "because it is being terminated";
    let resource = group_resource(kind);
    let message =
        format!("{resource} \"{name}\" is forbidden: unable to create new content in namespace {namespace} {reason}");
    Err(StatusError::new(403, "Forbidden", message))
}

/// 422 with the API server's message.
pub(super) fn invalid_error(kind: &ResourceKind, name: &str, message: &str) -> StatusError {
    let kind = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
    StatusError::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {message}"))
}
