//! Making an object: what the API server asks of it, fills in and hands out before it keeps it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::KindFacts;
use super::{admission, defaults};
use crate::record::kind::Kind;
use crate::sim::cluster::{Cluster, Hand, Refusal, resource, text};

const NAMESPACE: Kind = Kind::of("", "v1", "Namespace", "namespaces");

/// Letters of generated names.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Makes an object as `hand` sends it: names, namespace, defaults, ports and addresses as the API server does. With
/// `dry_run` nothing is kept.
///
/// # Errors
/// It is refused, in the API server's words.
pub(in crate::sim) fn admit(
    cluster: &Cluster,
    hand: Hand<'_>,
    facts: &KindFacts,
    object: Value,
    dry_run: bool,
) -> Result<Arc<Value>, Refusal> {
    let kind = &facts.kind;
    let document = (hand.operation == "Apply").then(|| object.clone());
    let mut object = named(cluster, facts, object)?;
    let (namespace, name) = (text(&object, "namespace"), text(&object, "name"));
    if facts.is_namespaced {
        takes_content(cluster, kind, &namespace, &name)?;
    }
    defaults::fill(cluster, kind, &mut object)?;
    if kind.kind == "Pod" {
        admission::pod(cluster, &object, dry_run)?;
    }
    if !dry_run {
        return cluster.create_of(hand, kind, object, document.as_ref());
    }
    match cluster.get(kind, &namespace, &name) {
        Some(_) => Err(Refusal::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource(kind)))),
        None => Ok(Arc::new(object)),
    }
}

/// The object with the identity that it will have.
fn named(cluster: &Cluster, facts: &KindFacts, mut object: Value) -> Result<Value, Refusal> {
    let kind = &facts.kind;
    let is_other = |field: &str, own: &str| object[field].as_str().is_some_and(|stated| stated != own);
    if is_other("apiVersion", &kind.api_version()) || is_other("kind", kind.kind) {
        let why =
            format!("the API version in the data does not match the expected API version ({})", kind.api_version());
        return Err(Refusal::new(400, "BadRequest", why));
    }
    if text(&object, "name").is_empty() {
        let stem = text(&object, "generateName");
        if stem.is_empty() {
            let why = "Required value: name or generateName is required";
            return Err(invalid(kind, "", &format!("metadata.name: {why}")));
        }
        let letter = |_| LETTERS.get(cluster.chance(LETTERS.len() as u64) as usize).map_or('x', |one| char::from(*one));
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
fn takes_content(cluster: &Cluster, kind: &Kind, namespace: &str, name: &str) -> Result<(), Refusal> {
    let within = cluster.get(&NAMESPACE, "", namespace).ok_or_else(|| Refusal::not_found(&NAMESPACE, namespace))?;
    if within["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let why = "because it is being terminated";
    let resource = resource(kind);
    let message =
        format!("{resource} \"{name}\" is forbidden: unable to create new content in namespace {namespace} {why}");
    Err(Refusal::new(403, "Forbidden", message))
}

/// 422 in the API server's words.
pub(super) fn invalid(kind: &Kind, name: &str, why: &str) -> Refusal {
    let kind = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
    Refusal::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {why}"))
}
