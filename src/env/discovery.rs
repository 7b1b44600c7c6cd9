//! The kinds of objects that a namespace can contain, as the API server's discovery lists them.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use kube::core::{ApiResource, GroupVersionKind};

use crate::error_chain::format_chain;

/// Concurrent requests; a cluster serves some dozens of API versions.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// The groups of Event. The objects are a log of other objects, which the API server deletes after an hour.
const EVENT_GROUPS: [&str; 2] = ["", "events.k8s.io"];

/// What a namespace can contain.
#[derive(Debug, Default)]
pub(crate) struct NamespacedKinds {
    /// The kinds that can be listed, each in one version.
    pub(crate) listable: Vec<ApiResource>,
    /// What is not known: API versions whose kinds could not be read, and kinds that cannot be listed.
    pub(crate) unknown: Vec<String>,
}

/// Reads the namespaced kinds that the deletion of a namespace deletes. The namespace controller goes by the verb `delete`
/// (kubernetes, `pkg/controller/namespace/deletion/namespaced_resources_deleter.go`): a kind without it, as the reviews of
/// authorization.k8s.io and the pods of metrics.k8s.io are, has no stored objects. Events are left out.
///
/// # Errors
/// The API server lists no groups. A group whose kinds it does not list is `unknown`.
pub(crate) async fn discover_namespaced_kinds(client: &Client) -> kube::Result<NamespacedKinds> {
    let mut versions = client.list_core_api_versions().await?.versions;
    for group in client.list_api_groups().await?.groups {
        // A group's preferred version comes first, as a kind is listed in the first version that has it.
        let preferred = group.preferred_version.into_iter().chain(group.versions).map(|version| version.group_version);
        for version in preferred {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    let lists = stream::iter(versions).map(|version| async move {
        let list = if version.contains('/') {
            client.list_api_group_resources(&version).await
        } else {
            client.list_core_api_resources(&version).await
        };
        (version, list)
    });
    let lists: Vec<_> = lists.buffered(MAX_CONCURRENT_REQUESTS).collect().await;
    let (mut kinds, mut known) = (NamespacedKinds::default(), BTreeSet::new());
    for (version, list) in lists {
        match list {
            Ok(list) => add_kinds(&mut kinds, &mut known, &version, list),
            // It is not served any more.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(e) => kinds.unknown.push(format!("the kinds of {version} ({})", error_message(&e))),
        }
    }
    Ok(kinds)
}

fn add_kinds(
    kinds: &mut NamespacedKinds,
    known: &mut BTreeSet<(String, String)>,
    api_version: &str,
    list: APIResourceList,
) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    for resource in list.resources {
        let has_verb = |verb: &str| resource.verbs.iter().any(|one| one == verb);
        let is_subresource = resource.name.contains('/');
        let is_event = resource.kind == "Event" && EVENT_GROUPS.contains(&group);
        if !resource.namespaced || is_subresource || is_event || !has_verb("delete") {
            continue;
        }
        if !known.insert((group.to_owned(), resource.name.clone())) {
            continue;
        }
        let kind = GroupVersionKind::gvk(group, version, &resource.kind);
        let kind = ApiResource::from_gvk_with_plural(&kind, &resource.name);
        if has_verb("list") {
            kinds.listable.push(kind);
        } else {
            kinds.unknown.push(format!("{}, which the API server does not list", qualified_name(&kind)));
        }
    }
}

/// The resource as kubectl accepts it: `configmaps`, `ingresses.networking.k8s.io`.
pub(crate) fn qualified_name(kind: &ApiResource) -> String {
    if kind.group.is_empty() { kind.plural.clone() } else { format!("{}.{}", kind.plural, kind.group) }
}

fn error_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.trim().to_owned(),
        other => format_chain(other),
    }
}
