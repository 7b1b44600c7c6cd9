//! The URL that the load is sent to.

/// The endpoint of the target, with its address resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedEndpoint {
    /// Base URL, without a trailing slash.
    pub url: String,
    /// Description for messages, for example `NodePort 31434 on node node-1`.
    pub description: String,
    /// Name of the Service that gpuhpa created; `None` for `type: URL`.
    pub service: Option<String>,
}
