//! The permissions that a chart's roles grant, and the roles that it binds.

use serde_json::Value;

use super::{namespace_of, text};
use crate::model::inventory::{BoundRole, RoleGrant};

/// The rules of a role, one grant per verb and resource. Leaves out nonResourceURLs.
pub(super) fn grants(document: &Value, release: &str) -> Vec<RoleGrant> {
    let kind = text(&document["kind"]);
    if !matches!(kind.as_str(), "Role" | "ClusterRole") {
        return Vec::new();
    }
    let list = |value: &Value| value.as_array().map(|all| all.iter().map(text).collect()).unwrap_or_default();
    let grant = RoleGrant {
        role: format!("{kind} {}", text(&document["metadata"]["name"])),
        namespace: (kind == "Role").then(|| namespace_of(document, release)),
        ..RoleGrant::default()
    };
    let mut all = Vec::new();
    for rule in document["rules"].as_array().into_iter().flatten() {
        let [groups, resources, verbs, mut names]: [Vec<String>; 4] =
            ["apiGroups", "resources", "verbs", "resourceNames"].map(|field| list(&rule[field]));
        if names.is_empty() {
            names.push(String::new());
        }
        for (group, resource) in groups.iter().flat_map(|group| resources.iter().map(move |one| (group, one))) {
            for (verb, name) in verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
                let (group, resource) = (group.clone(), resource.clone());
                all.push(RoleGrant {
                    group,
                    resource,
                    verb: verb.clone(),
                    resource_name: name.clone(),
                    ..grant.clone()
                });
            }
        }
    }
    all
}

/// The role of a binding, unless the chart contains that role: then its rules count.
pub(super) fn binding(document: &Value, release: &str, documents: &[Value]) -> Option<BoundRole> {
    let kind = text(&document["kind"]);
    if !matches!(kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
        return None;
    }
    let (role, name) = (text(&document["roleRef"]["kind"]), text(&document["roleRef"]["name"]));
    let is_rendered =
        documents.iter().any(|other| other["kind"] == role.as_str() && other["metadata"]["name"] == name.as_str());
    let namespace = (kind == "RoleBinding").then(|| namespace_of(document, release));
    (!is_rendered).then_some(BoundRole { kind: role, role: name, namespace })
}
