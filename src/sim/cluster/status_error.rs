//! Errors of the API server.

use crate::model::resource_kind::ResourceKind;

/// A failure as the API server returns it (metav1.Status).
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

    /// 404 with the API server's message.
    pub(in crate::sim) fn not_found(kind: &ResourceKind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", group_resource(kind)))
    }

    /// 501 for a request that the simulator does not support: it fails instead of guessing a response.
    pub(in crate::sim) fn not_simulated(feature: &str) -> Self {
        Self::new(501, "NotSimulated", format!("the simulator does not support {feature}"))
    }
}

/// `deployments.apps`, or `pods` of the core group.
pub(in crate::sim) fn group_resource(kind: &ResourceKind) -> String {
    if kind.group.is_empty() { kind.plural.to_owned() } else { format!("{}.{}", kind.plural, kind.group) }
}
