//! The verbs get and list.

use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::{ApiResponse, partial_metadata};
use super::selector::ApiSelector;
use super::served_kinds::ServedKind;
use crate::sim::cluster::{SimCluster, StatusError};

/// # Errors
/// The object does not exist, or a parameter is not supported.
pub(super) fn handle_get(
    cluster: &SimCluster,
    served: &ServedKind,
    request: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    request.check_params(&[])?;
    let info = &request.info;
    let namespace = info.namespace.as_deref().unwrap_or_default();
    let found = cluster.get(&served.kind, namespace, &info.name);
    let found = found.ok_or_else(|| StatusError::not_found(&served.kind, &info.name))?;
    Ok(ApiResponse::json(
        200,
        if request.is_metadata_only() { partial_metadata(&found).to_string() } else { found.to_string() },
    ))
}

/// Lists all objects in one page: the API server may ignore `limit`.
///
/// # Errors
/// A parameter is not supported.
pub(super) fn handle_list(
    cluster: &SimCluster,
    served: &ServedKind,
    request: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    request.check_params(&["labelSelector", "fieldSelector", "limit", "resourceVersion"])?;
    let selector = ApiSelector::from_request(request)?;
    let all = cluster.list(&served.kind, request.info.namespace.as_deref());
    let found = all.iter().filter(|object| selector.matches(object));
    let (kind, version, items): (_, _, Vec<String>) = if request.is_metadata_only() {
        let items = found.map(|object| partial_metadata(object).to_string()).collect();
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), items)
    } else {
        let items = found.map(|object: &std::sync::Arc<Value>| object.to_string()).collect();
        (format!("{}List", served.kind.kind), served.kind.api_version(), items)
    };
    let head = json!({"resourceVersion": cluster.resource_version().to_string()});
    // Metadata of no object is `null` for the API server, and a list of no object is empty.
    let items = match items.as_slice() {
        [] if request.is_metadata_only() => "null".to_owned(),
        _ => format!("[{}]", items.join(",")),
    };
    let text = format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{head},"items":{items}}}"#);
    Ok(ApiResponse::json(200, text))
}
