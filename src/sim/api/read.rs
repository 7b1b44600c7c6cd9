//! get and list.

use serde_json::{Value, json};

use super::asked::Asked;
use super::kinds::KindFacts;
use super::reply::{Reply, metadata};
use super::selector::Selector;
use crate::sim::cluster::{Cluster, Refusal};

/// # Errors
/// It is not there, or something is asked that is not simulated.
pub(super) fn get(cluster: &Cluster, facts: &KindFacts, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&[])?;
    let place = &asked.place;
    let namespace = place.namespace.as_deref().unwrap_or_default();
    let found = cluster.get(&facts.kind, namespace, &place.name);
    let found = found.ok_or_else(|| Refusal::not_found(&facts.kind, &place.name))?;
    Ok(Reply::json(200, if asked.wants_metadata() { metadata(&found).to_string() } else { found.to_string() }))
}

/// All at once, however small a page is asked for: the API server may do so.
///
/// # Errors
/// Something is asked that is not simulated.
pub(super) fn list(cluster: &Cluster, facts: &KindFacts, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&["labelSelector", "fieldSelector", "limit", "resourceVersion"])?;
    let selector = Selector::of(asked)?;
    let all = cluster.list(&facts.kind, asked.place.namespace.as_deref());
    let found = all.iter().filter(|object| selector.matches(object));
    let (kind, version, items): (_, _, Vec<String>) = if asked.wants_metadata() {
        let items = found.map(|object| metadata(object).to_string()).collect();
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), items)
    } else {
        let items = found.map(|object: &std::sync::Arc<Value>| object.to_string()).collect();
        (format!("{}List", facts.kind.kind), facts.kind.api_version(), items)
    };
    let head = json!({"resourceVersion": cluster.version().to_string()});
    let text =
        format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{head},"items":[{}]}}"#, items.join(","));
    Ok(Reply::json(200, text))
}
