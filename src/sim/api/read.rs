//! get and list.

use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::{ApiResponse, partial_metadata};
use super::selector::ApiSelector;
use super::served_kinds::ServedKind;
use crate::sim::cluster::{SimCluster, StatusError};

/// # Errors
/// It is not there, or something is asked that is not simulated.
pub(super) fn handle_get(
    cluster: &SimCluster,
    facts: &ServedKind,
    asked: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    asked.check_params(&[])?;
    let place = &asked.info;
    let namespace = place.namespace.as_deref().unwrap_or_default();
    let found = cluster.get(&facts.kind, namespace, &place.name);
    let found = found.ok_or_else(|| StatusError::not_found(&facts.kind, &place.name))?;
    Ok(ApiResponse::json(
        200,
        if asked.is_metadata_only() { partial_metadata(&found).to_string() } else { found.to_string() },
    ))
}

/// All at once, however small a page is asked for: the API server may do so.
///
/// # Errors
/// Something is asked that is not simulated.
pub(super) fn handle_list(
    cluster: &SimCluster,
    facts: &ServedKind,
    asked: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    asked.check_params(&["labelSelector", "fieldSelector", "limit", "resourceVersion"])?;
    let selector = ApiSelector::from_request(asked)?;
    let all = cluster.list(&facts.kind, asked.info.namespace.as_deref());
    let found = all.iter().filter(|object| selector.matches(object));
    let (kind, version, items): (_, _, Vec<String>) = if asked.is_metadata_only() {
        let items = found.map(|object| partial_metadata(object).to_string()).collect();
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), items)
    } else {
        let items = found.map(|object: &std::sync::Arc<Value>| object.to_string()).collect();
        (format!("{}List", facts.kind.kind), facts.kind.api_version(), items)
    };
    let head = json!({"resourceVersion": cluster.resource_version().to_string()});
    let text =
        format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{head},"items":[{}]}}"#, items.join(","));
    Ok(ApiResponse::json(200, text))
}
