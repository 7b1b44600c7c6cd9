//! Refusals in the API server's words.

use crate::record::kind::Kind;

/// Why something is refused: a Kubernetes Status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(in crate::sim) struct Refusal {
    pub(in crate::sim) code: u16,
    pub(in crate::sim) reason: String,
    pub(in crate::sim) message: String,
}

impl Refusal {
    pub(in crate::sim) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into() }
    }

    /// 404 in the API server's words.
    pub(in crate::sim) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource(kind)))
    }

    /// What the simulation does not know it does not guess.
    pub(in crate::sim) fn unknown(what: &str) -> Self {
        Self::new(501, "NotSimulated", format!("the simulated platform does not know {what}"))
    }
}

/// `deployments.apps`, or `pods` of the core group.
pub(in crate::sim) fn resource(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.plural.to_owned() } else { format!("{}.{}", kind.plural, kind.group) }
}
