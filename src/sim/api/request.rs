//! Parses requests as the API server does (k8s.io/apiserver, pkg/endpoints/request/requestinfo.go).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, header};
use kube::client::Body;
use serde_json::Value;

use crate::sim::cluster::StatusError;

pub(super) struct ApiRequest {
    pub(super) method: Method,
    /// Path and query as sent.
    pub(super) target: String,
    pub(super) info: RequestInfo,
    pub(super) query: BTreeMap<String, String>,
    pub(super) accept: String,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// What a path names. All fields but `parts` are empty for a path that names no resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestInfo {
    /// The segments of the path.
    pub(super) parts: Vec<String>,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) resource: String,
    pub(super) name: String,
    pub(super) subresource: String,
    /// The path after the subresource, with its leading slash, which a proxy forwards.
    pub(super) proxy_path: String,
}

impl ApiRequest {
    /// # Errors
    /// The body cannot be read, or the URL is invalid.
    pub(super) async fn from_http(request: Request<Body>) -> Result<Self, StatusError> {
        let bad_request = |message: String| StatusError::new(400, "BadRequest", message);
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.map_err(|e| bad_request(e.to_string()))?;
        let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let url = reqwest::Url::parse(&format!("http://api{target}")).map_err(|e| bad_request(e.to_string()))?;
        let text = |name: header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        Ok(Self {
            info: RequestInfo::from_path(parts.uri.path()),
            query: url.query_pairs().into_owned().collect(),
            accept: text(header::ACCEPT),
            content_type: text(header::CONTENT_TYPE),
            method: parts.method,
            target,
            body,
        })
    }

    pub(super) fn is_true(&self, parameter: &str) -> bool {
        self.query.get(parameter).is_some_and(|value| value == "true")
    }

    pub(super) fn param(&self, parameter: &str) -> &str {
        self.query.get(parameter).map_or("", String::as_str)
    }

    /// # Errors
    /// The query has a parameter other than these.
    pub(super) fn check_params(&self, known: &[&str]) -> Result<(), StatusError> {
        match self.query.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(StatusError::not_simulated(&format!(
                "the query parameter {key} of {} {}",
                self.method, self.target
            ))),
            None => Ok(()),
        }
    }

    /// # Errors
    /// The body is not JSON.
    pub(super) fn json(&self) -> Result<Value, StatusError> {
        serde_json::from_slice(&self.body).map_err(|e| StatusError::new(400, "BadRequest", e.to_string()))
    }

    /// Whether the client requests PartialObjectMetadata.
    pub(super) fn is_metadata_only(&self) -> bool {
        self.accept.contains("as=PartialObjectMetadata")
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.param("dryRun") == "All"
    }

    /// The RBAC verb of the request.
    pub(super) fn verb(&self) -> &'static str {
        match self.method {
            Method::POST => "create",
            Method::PATCH => "patch",
            Method::PUT => "update",
            Method::DELETE => "delete",
            _ if self.is_true("watch") => "watch",
            _ if self.info.name.is_empty() => "list",
            _ => "get",
        }
    }

    pub(super) fn not_simulated(&self) -> StatusError {
        StatusError::not_simulated(&format!("{} {}", self.method, self.target))
    }
}

impl RequestInfo {
    pub(super) fn from_path(path: &str) -> Self {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut info = Self { parts, ..Self::default() };
        let Some(mut parts_left) = info.take_group_version() else { return info };
        if parts_left.first().is_some_and(|part| part == "namespaces") && parts_left.len() > 2 {
            info.namespace = parts_left.get(1).cloned();
            parts_left.drain(..2);
        }
        let mut parts_left = parts_left.into_iter();
        let mut next = || parts_left.next().unwrap_or_default();
        (info.resource, info.name, info.subresource) = (next(), next(), next());
        info.proxy_path = parts_left.fold(String::new(), |rest, part| rest + "/" + &part);
        info
    }

    /// Sets group and version, and returns the segments after them; `None` for a path outside `/api` and `/apis`.
    fn take_group_version(&mut self) -> Option<Vec<String>> {
        let (group, version, from) = match self.parts.first()?.as_str() {
            "api" => (String::new(), self.parts.get(1)?.clone(), 2),
            "apis" => (self.parts.get(1)?.clone(), self.parts.get(2).cloned().unwrap_or_default(), 3),
            _ => return None,
        };
        (self.group, self.version) = (group, version);
        Some(self.parts.get(from..).unwrap_or_default().to_vec())
    }

    /// The resource as RBAC names it: `pods`, or `pods/proxy` with a subresource.
    pub(super) fn rbac_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> [String; 6] {
        let info = RequestInfo::from_path(path);
        let rbac_resource = info.rbac_resource();
        [info.group, info.version, info.namespace.unwrap_or_default(), rbac_resource, info.name, info.proxy_path]
    }

    #[test]
    fn a_path_names_what_it_is_about() {
        let cases = [
            ("/version", ["", "", "", "", "", ""]),
            ("/api/v1", ["", "v1", "", "", "", ""]),
            ("/api/v1/namespaces/x", ["", "v1", "", "namespaces", "x", ""]),
            ("/api/v1/namespaces/x/pods", ["", "v1", "x", "pods", "", ""]),
            ("/apis/apps/v1/namespaces/x/deployments/d/scale", ["apps", "v1", "x", "deployments/scale", "d", ""]),
            ("/api/v1/namespaces/x/pods/p:80/proxy/api/ps", ["", "v1", "x", "pods/proxy", "p:80", "/api/ps"]),
            (
                "/apis/custom.metrics.k8s.io/v1beta1/namespaces/x/pods/*/gpu",
                ["custom.metrics.k8s.io", "v1beta1", "x", "pods/gpu", "*", ""],
            ),
        ];
        for (path, expected) in cases {
            assert_eq!(parse(path), expected, "{path}");
        }
    }
}
