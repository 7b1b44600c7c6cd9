//! What we may do: everything but what the setting denies.

use serde_json::{Value, json};

use super::asked::Asked;
use super::reply::Reply;
use crate::sim::cluster::{Cluster, Refusal};

/// Who we are, as the API server calls us.
const USER: &str = "gpuhpa";

/// # Errors
/// 403 in the API server's words.
pub(super) fn check(cluster: &Cluster, asked: &Asked) -> Result<(), Refusal> {
    let place = &asked.place;
    let (verb, right) = (asked.verb(), place.right());
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
    Err(Refusal::new(403, "Forbidden", message))
}

/// A SelfSubjectAccessReview.
///
/// # Errors
/// It is none.
pub(super) fn review(cluster: &Cluster, asked: &Asked) -> Result<Reply, Refusal> {
    asked.only(&[])?;
    let mut review = asked.json()?;
    let wanted = &review["spec"]["resourceAttributes"];
    let text = |field: &str| wanted[field].as_str().unwrap_or_default();
    if text("verb").is_empty() || text("resource").is_empty() {
        return Err(Refusal::unknown("an access review without verb and resource"));
    }
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        part => format!("{}/{part}", text("resource")),
    };
    let allowed = !is_denied(cluster, text("verb"), text("group"), &resource, text("namespace"));
    review["status"] = json!({"allowed": allowed});
    review["metadata"] = Value::Object(serde_json::Map::new());
    Ok(Reply::value(201, &review))
}

fn is_denied(cluster: &Cluster, verb: &str, group: &str, resource: &str, namespace: &str) -> bool {
    cluster.setting().api.denied.iter().any(|denied| {
        (denied.verb == "*" || denied.verb == verb)
            && denied.group == group
            && denied.resource == resource
            && (denied.namespace.is_empty() || denied.namespace == namespace)
    })
}
