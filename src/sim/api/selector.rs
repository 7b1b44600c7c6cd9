//! Label and field selectors.

use serde_json::Value;

use super::request::ApiRequest;
use crate::sim::cluster::StatusError;

/// Which objects are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct ApiSelector {
    requirements: Vec<ApiLabelRequirement>,
    /// metadata.name
    name: Option<String>,
    /// metadata.namespace
    namespace: Option<String>,
}

/// One requirement of a label selector.
#[derive(Clone, Debug)]
enum ApiLabelRequirement {
    Equals(String, String),
    NotEquals(String, String),
    Exists(String),
    DoesNotExist(String),
}

impl ApiSelector {
    /// # Errors
    /// A form or a field that is not simulated.
    pub(super) fn from_request(asked: &ApiRequest) -> Result<Self, StatusError> {
        let mut selector = Self { namespace: asked.info.namespace.clone(), ..Self::default() };
        for part in asked.param("labelSelector").split(',').filter(|part| !part.is_empty()) {
            selector.requirements.push(parse_requirement(part)?);
        }
        for part in asked.param("fieldSelector").split(',').filter(|part| !part.is_empty()) {
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
            && self.requirements.iter().all(|wanted| wanted.matches(&metadata["labels"]))
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
