//! What we may do: everything but what the setting denies.

use serde_json::{Value, json};

use super::request::ApiRequest;
use super::response::ApiResponse;
use crate::sim::cluster::{SimCluster, StatusError};

/// Who we are, as the API server calls us.
const USER: &str = "gpuhpa";

/// # Errors
/// 403 in the API server's words.
pub(super) fn authorize(cluster: &SimCluster, asked: &ApiRequest) -> Result<(), StatusError> {
    let place = &asked.info;
    let (verb, right) = (asked.verb(), place.rbac_resource());
    let namespace = place.namespace.as_deref().unwrap_or_default();
    if place.resource.is_empty() || !is_denied(cluster, verb, &place.group, &right, namespace) {
        return Ok(());
    }
    let resource = format!("{}.{}", place.resource, place.group);
    let named = if place.name.is_empty() { String::new() } else { format!(" \"{}\"", place.name) };
    let within = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let message = format!(
        "{}{named} is forbidden: User \"{USER}\" cannot {verb} resource \"{right}\" in API group \"{}\" {within}",
        resource.trim_end_matches('.'),
        place.group
    );
    Err(StatusError::new(403, "Forbidden", message))
}

/// A SelfSubjectAccessReview.
///
/// # Errors
/// It is none.
pub(super) fn handle_access_review(cluster: &SimCluster, asked: &ApiRequest) -> Result<ApiResponse, StatusError> {
    asked.check_params(&[])?;
    let mut review = asked.json()?;
    let wanted = &review["spec"]["resourceAttributes"];
    let text = |field: &str| wanted[field].as_str().unwrap_or_default();
    if text("verb").is_empty() || text("resource").is_empty() {
        return Err(StatusError::not_simulated("an access review without verb and resource"));
    }
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        part => format!("{}/{part}", text("resource")),
    };
    let allowed = !is_denied(cluster, text("verb"), text("group"), &resource, text("namespace"));
    review["status"] = json!({"allowed": allowed});
    review["metadata"] = Value::Object(serde_json::Map::new());
    Ok(ApiResponse::value(201, &review))
}

fn is_denied(cluster: &SimCluster, verb: &str, group: &str, resource: &str, namespace: &str) -> bool {
    cluster.config().api.denied_permissions.iter().any(|denied| {
        (denied.verb == "*" || denied.verb == verb)
            && denied.group == group
            && denied.resource == resource
            && (denied.namespace.is_empty() || denied.namespace == namespace)
    })
}
