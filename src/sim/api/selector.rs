//! Label and field selectors.

use serde_json::Value;

use super::request::ApiRequest;
use crate::sim::cluster::StatusError;

/// The label and field selector of a request, with its namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct ApiSelector {
    requirements: Vec<ApiLabelRequirement>,
    /// metadata.name
    name: Option<String>,
    /// metadata.namespace
    namespace: Option<String>,
}

#[derive(Clone, Debug)]
enum ApiLabelRequirement {
    Equals(String, String),
    NotEquals(String, String),
    Exists(String),
    DoesNotExist(String),
}

impl ApiSelector {
    /// # Errors
    /// The selector has an operator or a field that is not supported.
    pub(super) fn from_request(request: &ApiRequest) -> Result<Self, StatusError> {
        let mut selector = Self { namespace: request.info.namespace.clone(), ..Self::default() };
        for part in request.param("labelSelector").split(',').filter(|part| !part.is_empty()) {
            selector.requirements.push(parse_requirement(part)?);
        }
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
            && self.requirements.iter().all(|requirement| requirement.matches(&metadata["labels"]))
    }
}

impl ApiLabelRequirement {
    fn matches(&self, labels: &Value) -> bool {
        match self {
            Self::Equals(key, value) => labels[key] == value.as_str(),
            Self::NotEquals(key, value) => labels[key] != value.as_str(),
            Self::Exists(key) => !labels[key].is_null(),
            Self::DoesNotExist(key) => labels[key].is_null(),
        }
    }
}

fn parse_requirement(part: &str) -> Result<ApiLabelRequirement, StatusError> {
    if part.contains([' ', '(', ')', '<', '>']) {
        return Err(StatusError::not_simulated(&format!("the label selector {part}")));
    }
    Ok(if let Some((key, value)) = part.split_once("!=") {
        ApiLabelRequirement::NotEquals(key.to_owned(), value.to_owned())
    } else if let Some((key, value)) = part.split_once('=') {
        ApiLabelRequirement::Equals(key.to_owned(), value.trim_start_matches('=').to_owned())
    } else if let Some(key) = part.strip_prefix('!') {
        ApiLabelRequirement::DoesNotExist(key.to_owned())
    } else {
        ApiLabelRequirement::Exists(part.to_owned())
    })
}
