//! Where the load goes.

use serde::{Deserialize, Serialize};

/// The way to the target, once it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedEndpoint {
    /// Base URL, without a trailing slash.
    pub url: String,
    /// What it is, for people: `NodePort 31434 on node-1's address 10.0.0.1`.
    pub description: String,
    /// Name of the Service that gpuhpa made for it.
    pub service: Option<String>,
}
