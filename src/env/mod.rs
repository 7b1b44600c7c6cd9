//! The doors: all that touches the outside goes through one [`World`]. The live world opens them on a real cluster
//! (`live`); a simulated one answers in process. Nothing here knows what the doors are used for.

mod bundle;
mod bundle_reader;
mod dynamic_api;
mod helm;
mod http;
mod redactor;
mod retry;
mod timeline_writer;

use std::sync::Arc;

pub use bundle::{Bundle, BundleError};
pub use bundle_reader::{BundleReadError, BundleReader};
pub use dynamic_api::{api_for_kind, api_for_object};
pub use helm::{ChartMeta, HelmClient, HelmError, ReleaseArgs};
pub use http::{HttpClient, HttpError, HttpFailure, ResponseBody};
pub use redactor::Redactor;
pub use retry::with_retry;
pub use timeline_writer::TimelineWriter;

use crate::clock::RunClock;

/// Everything outside the process that a run touches.
#[derive(Clone)]
pub struct RunEnv {
    /// The cluster, for whoever changes it. Any tower service can stand behind it.
    pub kube: kube::Client,
    /// The cluster, for whoever observes: each question is sent once, and a refusal is an answer.
    pub kube_no_retry: kube::Client,
    /// HTTP to the target and to stores that have a URL.
    pub http: HttpClient,
    /// The helm binary.
    pub helm: Arc<dyn HelmClient>,
    /// Where evidence goes.
    pub bundle: Bundle,
    /// The timeline, written to the bundle as it grows.
    pub timeline: Arc<TimelineWriter>,
    /// The run's clock.
    pub clock: RunClock,
    /// The seed of every random number of the run.
    pub seed: u64,
}
