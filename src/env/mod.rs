//! The I/O boundary: everything outside the process is reached through one [`RunEnv`]. `live` creates it for a real
//! cluster, `sim` for a simulated one in process. Nothing here depends on what its clients are used for.

mod bearer_token;
mod bounded_file;
mod bundle;
mod bundle_reader;
mod cluster_uid;
mod discovery;
mod dynamic_api;
mod helm;
mod http;
mod redactor;
mod retry;
mod timeline_writer;

use std::sync::Arc;

pub use bearer_token::BearerToken;
pub(crate) use bounded_file::{read_bounded_text, read_named_file, read_named_text, read_regular_file};
pub use bundle::Bundle;
pub(crate) use bundle::BundleError;
pub(crate) use bundle_reader::{BundleReadError, BundleReader};
pub(crate) use cluster_uid::{CLUSTER_NAMESPACE, read_cluster_uid};
pub(crate) use discovery::{discover_namespaced_kinds, qualified_name};
pub(crate) use dynamic_api::{api_for_kind, api_for_object};
pub use helm::{ChartMeta, HelmClient, HelmError, ReleaseArgs};
pub use http::{HttpClient, HttpError, HttpFailure, ResponseBody};
pub use redactor::Redactor;
pub(crate) use redactor::sanitize_text;
pub use retry::KubeClients;
pub(crate) use retry::parse_retry_after;
pub use timeline_writer::TimelineWriter;

use crate::clock::RunClock;

/// Everything outside the process that a run uses.
#[derive(Clone)]
pub struct RunEnv {
    /// The clients of the cluster.
    pub kube: KubeClients,
    /// HTTP to the target, and to stores with a URL.
    pub http: HttpClient,
    /// The bearer token of chats through the endpoint. No other request has it.
    pub bearer_token: Option<BearerToken>,
    /// The helm binary.
    pub helm: Arc<dyn HelmClient>,
    /// The evidence of the run.
    pub bundle: Bundle,
    /// The timeline, which the writer appends to the bundle.
    pub timeline: Arc<TimelineWriter>,
    /// The run's clock.
    pub clock: RunClock,
    /// Seed of all random numbers of the run.
    pub seed: u64,
}
