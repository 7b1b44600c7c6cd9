//! The API of a kind that no typed one is at hand for.

use kube::Client;
use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use crate::record::journal::ObjectRef;
use crate::record::kind::Kind;

/// The API of an object's kind and namespace.
#[must_use]
pub fn api_of(client: &Client, object: &ObjectRef) -> Api<DynamicObject> {
    let (group, version) = object.api_version.split_once('/').unwrap_or(("", &object.api_version));
    let kind = GroupVersionKind::gvk(group, version, &object.kind);
    api(client, &ApiResource::from_gvk_with_plural(&kind, &object.plural), object.namespace.as_deref())
}

/// The API of a kind in one namespace, or in all.
#[must_use]
pub fn all_of(client: &Client, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    api(client, &ApiResource::from_gvk_with_plural(&resource, kind.plural), namespace)
}

fn api(client: &Client, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}
