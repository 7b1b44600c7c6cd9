//! The URL that the load is sent to.

/// The endpoint of the target, with its address resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedEndpoint {
    /// Base URL, without a trailing slash.
    pub(crate) url: String,
    /// Description for messages, for example `NodePort 31434 on node node-1`.
    pub(crate) description: String,
    /// Name of the Service that gpuhpa created; `None` for `type: URL`.
    pub(crate) service: Option<String>,
}
