//! The doors: all that touches the outside goes through one [`World`]. The live world opens them on a real cluster
//! (`live`); a simulated one answers in process. Nothing here knows what the doors are used for.

mod book;
mod bundle;
mod cover;
mod helm;
mod http;
mod intake;
mod objects;
mod patience;

use std::sync::Arc;

pub use book::Book;
pub use bundle::{Bundle, BundleError};
pub use cover::Cover;
pub use helm::{ChartMeta, Helm, HelmError, ReleaseArgs};
pub use http::{Body, Http, HttpError, HttpFailure};
pub use intake::{Intake, IntakeError};
pub use objects::{all_of, api_of};
pub use patience::patient;

use crate::clock::Clock;

/// Everything outside the process that a run touches.
#[derive(Clone)]
pub struct World {
    /// The cluster, for whoever changes it. Any tower service can stand behind it.
    pub kube: kube::Client,
    /// The cluster, for whoever observes: each question is sent once, and a refusal is an answer.
    pub plain: kube::Client,
    /// HTTP to the target and to stores that have a URL.
    pub http: Http,
    /// The helm binary.
    pub helm: Arc<dyn Helm>,
    /// Where evidence goes.
    pub bundle: Bundle,
    /// The timeline, written to the bundle as it grows.
    pub book: Arc<Book>,
    /// The run's clock.
    pub clock: Clock,
    /// The seed of every random number of the run.
    pub seed: u64,
}
