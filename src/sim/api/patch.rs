//! Changing an object: server-side apply, and merge patches.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::admit::admit;
use super::asked::Asked;
use super::delete::is_the_one;
use super::kinds::KindFacts;
use super::manager;
use super::reply::Reply;
use super::scale::{scale, shown};
use crate::record::kind::Kind;
use crate::sim::cluster::{Cluster, Hand, Refusal, conflicts, drops, text};

/// # Errors
/// It is refused, or something is asked that is not simulated.
pub(super) fn patch(cluster: &Cluster, facts: &KindFacts, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&["fieldManager"])?;
    let (place, patch) = (&asked.place, asked.json()?);
    let namespace = place.namespace.as_deref().unwrap_or_default();
    match (asked.content.as_str(), place.subresource.as_str()) {
        ("application/apply-patch+yaml", "") if asked.query.contains_key("fieldManager") => {
            let mut document = patch;
            document["metadata"]["name"] = json!(place.name);
            if facts.is_namespaced {
                document["metadata"]["namespace"] = json!(namespace);
            }
            let is_new = cluster.get(&facts.kind, namespace, &place.name).is_none();
            let made = apply(cluster, manager(asked), facts, document)?;
            Ok(Reply::json(if is_new { 201 } else { 200 }, made.to_string()))
        }
        ("application/merge-patch+json", "") => {
            let changed = merge(cluster, Hand::of(manager(asked)), &facts.kind, (namespace, &place.name), &patch)?;
            Ok(Reply::json(200, changed.to_string()))
        }
        ("application/merge-patch+json", "scale") => {
            let replicas = patch["spec"]["replicas"].as_i64();
            let Some(replicas) = replicas.filter(|size| patch == json!({"spec": {"replicas": size}})) else {
                return Err(Refusal::unknown(&format!("the scale {patch}")));
            };
            let hand = Hand::scale(manager(asked));
            let changed = scale(cluster, hand, &facts.kind, namespace, &place.name, replicas)?;
            Ok(Reply::value(200, &shown(&changed)))
        }
        (content, _) => Err(Refusal::unknown(&format!("a patch of {} with {content:?}", asked.target))),
    }
}

/// Server-side apply: the object is made, or gets what stands in `document`, whose fields are the manager's then. A
/// list is taken as a whole.
///
/// # Errors
/// It is refused: what another manager owns is not overwritten.
pub(in crate::sim) fn apply(
    cluster: &Cluster,
    manager: &str,
    facts: &KindFacts,
    document: Value,
) -> Result<Arc<Value>, Refusal> {
    let (kind, hand) = (&facts.kind, Hand::apply(manager));
    let (namespace, name) = (text(&document, "namespace"), text(&document, "name"));
    let Some(before) = cluster.get(kind, &namespace, &name) else {
        return admit(cluster, hand, facts, document, false);
    };
    if drops(&before, &document, hand) {
        return Err(Refusal::unknown(&format!("applying less of {} {name} than before", kind.kind)));
    }
    let mut after = (*before).clone();
    overlay(&mut after, &document);
    let all = conflicts(&before, &after, hand);
    if !all.is_empty() {
        let count = if all.len() == 1 { "1 conflict".to_owned() } else { format!("{} conflicts", all.len()) };
        return Err(Refusal::new(409, "Conflict", format!("Apply failed with {count}: {}", all.join("\n"))));
    }
    cluster.change_of(hand, kind, (&namespace, &name), Some(&document), |object| *object = after)
}

/// # Errors
/// It is not there, or is another one.
fn merge(
    cluster: &Cluster,
    hand: Hand<'_>,
    kind: &Kind,
    (namespace, name): (&str, &str),
    patch: &Value,
) -> Result<Arc<Value>, Refusal> {
    let before = cluster.get(kind, namespace, name).ok_or_else(|| Refusal::not_found(kind, name))?;
    let metadata = patch["metadata"].as_object();
    let known = ["uid", "labels", "annotations"];
    let strange = metadata.into_iter().flat_map(Map::keys).find(|field| !known.contains(&field.as_str()));
    if let Some(field) = strange {
        return Err(Refusal::unknown(&format!("a merge patch of metadata.{field}")));
    }
    if let Some(uid) = patch["metadata"]["uid"].as_str() {
        is_the_one(kind, &before, uid)?;
    }
    cluster.change(hand, kind, namespace, name, |object| merged(object, patch))
}

/// RFC 7386.
fn merged(object: &mut Value, patch: &Value) {
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
            merged(&mut object[key], value);
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
