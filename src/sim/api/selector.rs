//! Label and field selectors.

use kube::core::Selector;
use serde_json::Value;

use super::request::ApiRequest;
use crate::metrics::selector::parse_selector;
use crate::sim::cluster::StatusError;
use crate::sim::objects::labels;

/// The label and field selector of a request, with its namespace.
#[derive(Clone, Debug)]
pub(super) struct ApiSelector {
    labels: Selector,
    /// metadata.name
    name: Option<String>,
    /// metadata.namespace
    namespace: Option<String>,
}

impl ApiSelector {
    /// # Errors
    /// The selector has an operator or a field that is not supported.
    pub(super) fn from_request(request: &ApiRequest) -> Result<Self, StatusError> {
        let labels = parse_selector(request.param("labelSelector"));
        let labels = labels.map_err(|unsupported| StatusError::not_simulated(&unsupported))?;
        let mut selector = Self { labels, namespace: request.info.namespace.clone(), name: None };
        for part in request.param("fieldSelector").split(',').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("metadata.name", name)) => selector.name = Some(name.trim_start_matches('=').to_owned()),
                _ => return Err(StatusError::not_simulated(&format!("the field selector {part}"))),
            }
        }
        Ok(selector)
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        self.namespace.as_ref().is_none_or(|namespace| metadata["namespace"] == namespace.as_str())
            && self.name.as_ref().is_none_or(|name| metadata["name"] == name.as_str())
            && labels::is_selected(object, &self.labels)
    }
}
