//! Creates dynamic APIs for kinds without a Rust type.

use kube::Client;
use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use crate::model::journal::ObjectRef;
use crate::model::resource_kind::ResourceKind;

/// The API of an object's kind and namespace.
#[must_use]
pub(crate) fn api_for_object(client: &Client, object: &ObjectRef) -> Api<DynamicObject> {
    let (group, version) = object.api_version.split_once('/').unwrap_or(("", &object.api_version));
    let kind = GroupVersionKind::gvk(group, version, &object.kind);
    dynamic_api(client, &ApiResource::from_gvk_with_plural(&kind, &object.plural), object.namespace.as_deref())
}

/// The API of a kind in one namespace, or in all if `namespace` is `None`.
#[must_use]
pub(crate) fn api_for_kind(client: &Client, kind: &ResourceKind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    dynamic_api(client, &ApiResource::from_gvk_with_plural(&resource, kind.plural), namespace)
}

fn dynamic_api(client: &Client, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}
