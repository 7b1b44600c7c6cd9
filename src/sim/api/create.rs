//! Making an object: what the API server asks of it, fills in and hands out before it keeps it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::served_kinds::ServedKind;
use super::{admission, defaults};
use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, group_resource, metadata_text};

const NAMESPACE: ResourceKind = ResourceKind::new("", "v1", "Namespace", "namespaces");

/// Letters of generated names.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Makes an object as `hand` sends it: names, namespace, defaults, ports and addresses as the API server does. With
/// `dry_run` nothing is kept.
///
/// # Errors
/// It is refused, in the API server's words.
pub(in crate::sim) fn create_object(
    cluster: &SimCluster,
    hand: FieldManager<'_>,
    facts: &ServedKind,
    object: Value,
    dry_run: bool,
) -> Result<Arc<Value>, StatusError> {
    let kind = &facts.kind;
    let document = (hand.operation == "Apply").then(|| object.clone());
    let mut object = assign_identity(cluster, facts, object)?;
    let (namespace, name) = (metadata_text(&object, "namespace"), metadata_text(&object, "name"));
    if facts.is_namespaced {
        check_namespace(cluster, kind, &namespace, &name)?;
    }
    defaults::set_defaults(cluster, kind, &mut object)?;
    if kind.kind == "Pod" {
        admission::admit_pod(cluster, &object, dry_run)?;
    }
    if !dry_run {
        return cluster.create_with_applied(hand, kind, object, document.as_ref());
    }
    match cluster.get(kind, &namespace, &name) {
        Some(_) => {
            Err(StatusError::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", group_resource(kind))))
        }
        None => Ok(Arc::new(object)),
    }
}

/// The object with the identity that it will have.
fn assign_identity(cluster: &SimCluster, facts: &ServedKind, mut object: Value) -> Result<Value, StatusError> {
    let kind = &facts.kind;
    let is_other = |field: &str, own: &str| object[field].as_str().is_some_and(|stated| stated != own);
    if is_other("apiVersion", &kind.api_version()) || is_other("kind", kind.kind) {
        let why =
            format!("the API version in the data does not match the expected API version ({})", kind.api_version());
        return Err(StatusError::new(400, "BadRequest", why));
    }
    if metadata_text(&object, "name").is_empty() {
        let stem = metadata_text(&object, "generateName");
        if stem.is_empty() {
            let why = "Required value: name or generateName is required";
            return Err(invalid_error(kind, "", &format!("metadata.name: {why}")));
        }
        let letter = |_| {
            NAME_LETTERS
                .get(cluster.random_below(NAME_LETTERS.len() as u64) as usize)
                .map_or('x', |one| char::from(*one))
        };
        object["metadata"]["name"] = json!(stem + &(0..5).map(letter).collect::<String>());
    }
    (object["apiVersion"], object["kind"]) = (json!(kind.api_version()), json!(kind.kind));
    let metadata = object["metadata"].as_object_mut();
    if let Some(metadata) = metadata.filter(|_| !facts.is_namespaced) {
        metadata.shift_remove("namespace");
    }
    Ok(object)
}

/// # Errors
/// The namespace is not there, or is going away.
fn check_namespace(cluster: &SimCluster, kind: &ResourceKind, namespace: &str, name: &str) -> Result<(), StatusError> {
    let within = cluster.get(&NAMESPACE, "", namespace).ok_or_else(|| StatusError::not_found(&NAMESPACE, namespace))?;
    if within["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let why = "because it is being terminated";
    let resource = group_resource(kind);
    let message =
        format!("{resource} \"{name}\" is forbidden: unable to create new content in namespace {namespace} {why}");
    Err(StatusError::new(403, "Forbidden", message))
}

/// 422 in the API server's words.
pub(super) fn invalid_error(kind: &ResourceKind, name: &str, why: &str) -> StatusError {
    let kind = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
    StatusError::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {why}"))
}
