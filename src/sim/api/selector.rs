//! Label and field selectors.

use serde_json::Value;

use super::asked::Asked;
use crate::sim::cluster::Refusal;

/// Which objects are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    labels: Vec<Wanted>,
    /// metadata.name
    name: Option<String>,
    /// metadata.namespace
    namespace: Option<String>,
}

/// One requirement of a label selector.
#[derive(Clone, Debug)]
enum Wanted {
    Is(String, String),
    IsNot(String, String),
    Has(String),
    Lacks(String),
}

impl Selector {
    /// # Errors
    /// A form or a field that is not simulated.
    pub(super) fn of(asked: &Asked) -> Result<Self, Refusal> {
        let mut selector = Self { namespace: asked.place.namespace.clone(), ..Self::default() };
        for part in asked.text("labelSelector").split(',').filter(|part| !part.is_empty()) {
            selector.labels.push(label(part)?);
        }
        for part in asked.text("fieldSelector").split(',').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("metadata.name", name)) => selector.name = Some(name.trim_start_matches('=').to_owned()),
                _ => return Err(Refusal::unknown(&format!("the field selector {part}"))),
            }
        }
        Ok(selector)
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        self.namespace.as_ref().is_none_or(|namespace| metadata["namespace"] == namespace.as_str())
            && self.name.as_ref().is_none_or(|name| metadata["name"] == name.as_str())
            && self.labels.iter().all(|wanted| wanted.holds(&metadata["labels"]))
    }
}

impl Wanted {
    fn holds(&self, labels: &Value) -> bool {
        match self {
            Self::Is(key, value) => labels[key] == value.as_str(),
            Self::IsNot(key, value) => labels[key] != value.as_str(),
            Self::Has(key) => !labels[key].is_null(),
            Self::Lacks(key) => labels[key].is_null(),
        }
    }
}

fn label(part: &str) -> Result<Wanted, Refusal> {
    if part.contains([' ', '(', ')', '<', '>']) {
        return Err(Refusal::unknown(&format!("the label selector {part}")));
    }
    Ok(if let Some((key, value)) = part.split_once("!=") {
        Wanted::IsNot(key.to_owned(), value.to_owned())
    } else if let Some((key, value)) = part.split_once('=') {
        Wanted::Is(key.to_owned(), value.trim_start_matches('=').to_owned())
    } else if let Some(key) = part.strip_prefix('!') {
        Wanted::Lacks(key.to_owned())
    } else {
        Wanted::Has(part.to_owned())
    })
}
