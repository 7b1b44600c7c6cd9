//! Authorization: gpuhpa may do everything except what the configuration denies.

use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::ApiResponse;
use crate::sim::cluster::{SimCluster, StatusError};

/// gpuhpa's user name in the API server's messages.
const USER: &str = "gpuhpa";

/// # Errors
/// 403 with the API server's message.
pub(super) fn authorize(cluster: &SimCluster, request: &ApiRequest) -> Result<(), StatusError> {
    let info = &request.info;
    let (verb, rbac_resource) = (request.verb(), info.rbac_resource());
    let namespace = info.namespace.as_deref().unwrap_or_default();
    if info.resource.is_empty() || !is_denied(cluster, verb, &info.group, &rbac_resource, namespace) {
        return Ok(());
    }
    let resource = format!("{}.{}", info.resource, info.group);
    let quoted_name = if info.name.is_empty() { String::new() } else { format!(" \"{}\"", info.name) };
    let scope = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let message = format!(
        "{}{quoted_name} is forbidden: User \"{USER}\" cannot {verb} resource \"{rbac_resource}\" in API group \"{}\" {scope}",
        resource.trim_end_matches('.'),
        info.group
    );
    Err(StatusError::new(403, "Forbidden", message))
}

/// Responds to a SelfSubjectAccessReview.
///
/// # Errors
/// The body is no review of resource attributes.
pub(super) fn handle_access_review(cluster: &SimCluster, request: &ApiRequest) -> Result<ApiResponse, StatusError> {
    request.check_params(&[])?;
    let mut review = request.json()?;
    let attributes = &review["spec"]["resourceAttributes"];
    let text = |field: &str| attributes[field].as_str().unwrap_or_default();
    if text("verb").is_empty() || text("resource").is_empty() {
        return Err(StatusError::not_simulated("an access review without verb and resource"));
    }
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        subresource => format!("{}/{subresource}", text("resource")),
    };
    let allowed = !is_denied(cluster, text("verb"), text("group"), &resource, text("namespace"));
    review["status"] = json!({"allowed": allowed});
    review["metadata"] = Value::Object(serde_json::Map::new());
    Ok(ApiResponse::value(201, &review))
}

fn is_denied(cluster: &SimCluster, verb: &str, group: &str, resource: &str, namespace: &str) -> bool {
    // A review of every resource asks for a rule that grants them all.
    let is_any = (group, resource) == ("*", "*");
    cluster.config().api.denied_permissions.iter().any(|denied| {
        (denied.verb == "*" || denied.verb == verb)
            && (is_any || denied.group == group && denied.resource == resource)
            && (denied.namespace.is_empty() || denied.namespace == namespace)
    })
}
