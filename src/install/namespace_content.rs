//! What a namespace contains: the metadata of each stored object, of every kind that the API server lists.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use http::{HeaderValue, header};
use kube::Client;
use kube::api::{ListParams, ObjectMeta};
use kube::core::{ApiResource, DynamicObject, Resource as _};
use serde::Deserialize;

use super::apply::error_message;
use crate::env::{discover_namespaced_kinds, qualified_name};

/// Concurrent lists; a namespace has some dozens of kinds.
const MAX_CONCURRENT_LISTS: usize = 8;

/// Objects of a kind in one response.
const PAGE_SIZE: u32 = 500;

/// Responses for one kind. A namespace with more objects than these hold has content that is not known.
const MAX_PAGES: usize = 20;

/// Metadata alone. A server that cannot reduce its objects to it (some aggregated ones) sends them whole.
const ACCEPT_METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";

/// An object in a namespace.
#[derive(Debug)]
pub(super) struct ContentObject {
    /// Its kind.
    pub(super) kind: ApiResource,
    /// Its metadata.
    pub(super) metadata: ObjectMeta,
}

impl ContentObject {
    /// Its uid.
    pub(super) fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether it is of this kind of the core group.
    pub(super) fn is_core(&self, kind: &str) -> bool {
        self.kind.group.is_empty() && self.kind.kind == kind
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(name).map(String::as_str)
    }
}

/// The content of a namespace, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct NamespaceContent {
    /// Each stored object once.
    pub(super) objects: Vec<ContentObject>,
    /// What could not be discovered: an API server that has just started, or has just lost a group, may list it later.
    pub(super) undiscovered: Vec<String>,
    /// Kinds that could not be listed, each with the reason.
    pub(super) unlisted: Vec<String>,
}

/// Reads the content of a namespace.
pub(super) async fn read_content(client: &Client, namespace: &str) -> NamespaceContent {
    let kinds = match discover_namespaced_kinds(client).await {
        Ok(kinds) => kinds,
        Err(e) => {
            let undiscovered = vec![format!("the API groups ({})", error_message(&e))];
            return NamespaceContent { undiscovered, ..NamespaceContent::default() };
        }
    };
    let lists = stream::iter(kinds.listable).map(|kind| async {
        let list = list_kind(client, &kind, namespace).await;
        (kind, list)
    });
    let lists: Vec<_> = lists.buffered(MAX_CONCURRENT_LISTS).collect().await;
    let mut content = NamespaceContent { undiscovered: kinds.unknown, ..NamespaceContent::default() };
    let mut uids = BTreeSet::new();
    for (kind, list) in lists {
        match list {
            // A kind that two groups serve is listed twice. An object without a uid is computed, not stored.
            Ok(list) => content.objects.extend(
                list.into_iter()
                    .filter(|metadata| metadata.uid.as_ref().is_some_and(|uid| uids.insert(uid.clone())))
                    .map(|metadata| ContentObject { kind: kind.clone(), metadata }),
            ),
            Err(reason) => content.unlisted.push(format!("{} ({reason})", qualified_name(&kind))),
        }
    }
    content
}

/// A list of any kind, reduced to metadata.
#[derive(Deserialize)]
struct MetadataPage {
    #[serde(default)]
    metadata: PageMetadata,
    /// `null` where there are none: so the API server writes an empty list of metadata.
    items: Option<Vec<PageItem>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    continue_token: Option<String>,
}

#[derive(Deserialize)]
struct PageItem {
    #[serde(default)]
    metadata: ObjectMeta,
}

/// Lists the objects of a kind, page by page; the error says why it could not.
async fn list_kind(client: &Client, kind: &ApiResource, namespace: &str) -> Result<Vec<ObjectMeta>, String> {
    let (mut all, mut token) = (Vec::new(), String::new());
    for _ in 0..MAX_PAGES {
        let mut params = ListParams::default().limit(PAGE_SIZE);
        if !token.is_empty() {
            params = params.continue_token(&token);
        }
        let path = DynamicObject::url_path(kind, Some(namespace));
        let mut request = kube::core::Request::new(path).list_metadata(&params).map_err(|e| e.to_string())?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(ACCEPT_METADATA));
        match client.request::<MetadataPage>(request).await {
            Ok(page) => {
                all.extend(page.items.into_iter().flatten().map(|item| item.metadata));
                token = page.metadata.continue_token.unwrap_or_default();
                if token.is_empty() {
                    return Ok(all);
                }
            }
            // The kind is not served any more, or has no lists after all: it stores nothing.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 405) => return Ok(Vec::new()),
            // The pages are too old to be continued.
            Err(kube::Error::Api(status)) if status.code == 410 && !token.is_empty() => {
                (all, token) = (Vec::new(), String::new());
            }
            Err(e) => return Err(error_message(&e)),
        }
    }
    Err(format!("there are more than {} objects", all.len()))
}
