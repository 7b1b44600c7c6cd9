//! Refusals in the API server's words.

use crate::model::resource_kind::ResourceKind;

/// Why something is refused: a Kubernetes Status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(in crate::sim) struct StatusError {
    pub(in crate::sim) code: u16,
    pub(in crate::sim) reason: String,
    pub(in crate::sim) message: String,
}

impl StatusError {
    pub(in crate::sim) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into() }
    }

    /// 404 in the API server's words.
    pub(in crate::sim) fn not_found(kind: &ResourceKind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", group_resource(kind)))
    }

    /// What the simulation does not know it does not guess.
    pub(in crate::sim) fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotSimulated", format!("the simulated platform does not know {what}"))
    }
}

/// `deployments.apps`, or `pods` of the core group.
pub(in crate::sim) fn group_resource(kind: &ResourceKind) -> String {
    if kind.group.is_empty() { kind.plural.to_owned() } else { format!("{}.{}", kind.plural, kind.group) }
}
