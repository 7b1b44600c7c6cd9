//! The helm interface: the operations that a run needs. `live` implements it with the helm binary, 3 or 4.

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::model::inventory::ExistingRelease;
use crate::model::journal::ReleaseRef;
use crate::model::scenario::{ReleaseSpec, Scenario};
use crate::units::HumanDuration;

/// A release to install or upgrade.
#[derive(Clone, Debug)]
pub struct ReleaseArgs {
    /// Name and namespace.
    pub(crate) release: ReleaseRef,
    /// Path, `oci://` reference or chart name.
    pub(crate) chart: String,
    /// Chart repository URL.
    pub(crate) repo: Option<String>,
    /// Chart version.
    pub(crate) version: Option<String>,
    /// Values.
    pub(crate) values: Map<String, Value>,
    /// Labels of the release's storage Secret.
    pub(crate) labels: Vec<(String, String)>,
    /// Whether the OCI registry uses plain HTTP.
    pub(crate) plain_http: bool,
    /// Path of a CA bundle.
    pub(crate) ca_file: Option<String>,
    /// Path of a registry credentials file.
    pub(crate) registry_config: Option<String>,
    /// Timeout of one helm call.
    pub(crate) timeout: HumanDuration,
}

impl ReleaseArgs {
    /// The arguments for one release of a scenario.
    #[must_use]
    pub(crate) fn from_scenario(
        name: &str,
        release: &ReleaseSpec,
        scenario: &Scenario,
        labels: Vec<(String, String)>,
    ) -> Self {
        let namespace = scenario.release_namespace(name).to_owned();
        Self {
            release: ReleaseRef { name: name.to_owned(), namespace },
            chart: release.chart.clone(),
            repo: release.repo.clone(),
            version: release.version.clone(),
            values: release.values.clone(),
            labels,
            plain_http: release.plain_http,
            ca_file: release.ca_file.clone(),
            registry_config: release.registry_config.clone(),
            timeout: scenario.phases.install_timeout,
        }
    }
}

/// The metadata of a chart (Chart.yaml).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartMeta {
    /// The chart's `name`.
    pub(crate) name: String,
    /// The chart's `version`.
    pub(crate) version: String,
    /// The chart's `appVersion`.
    pub(crate) app_version: String,
    /// Names of the charts below it, or the names that it gives them.
    pub(crate) dependencies: Vec<String>,
}

/// A helm call that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HelmError {
    /// The binary could not be started.
    #[error("could not start helm as `{binary}`: {reason}")]
    Start {
        /// Path or name of the binary.
        binary: String,
        /// What is wrong.
        reason: String,
    },
    /// helm exited with an error.
    #[error("`helm {command}` failed: {stderr}")]
    Failed {
        /// Subcommand and release, without values.
        command: String,
        /// Its error output.
        stderr: String,
    },
    /// helm did not exit within its timeout.
    #[error("`helm {command}` timed out after {bound} and was killed")]
    TimedOut {
        /// Subcommand and release.
        command: String,
        /// The timeout.
        bound: HumanDuration,
    },
    /// The output of helm could not be parsed.
    #[error("`helm {command}` returned unexpected output: {reason}")]
    Unreadable {
        /// Subcommand and release.
        command: String,
        /// What is wrong.
        reason: String,
    },
}

/// The helm client. Every call has a timeout; dropping a call's future kills the process.
pub trait HelmClient: Send + Sync {
    /// helm's version, for example `v4.3.1`.
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>>;
    /// The chart's metadata.
    fn show_chart<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>>;
    /// The chart's own values (values.yaml).
    fn show_values<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<Value, HelmError>>;
    /// The manifests that an install would apply, rendered without a cluster.
    fn template<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>>;
    /// The current state of the release; `None` if it does not exist or does not match the label selector.
    fn status<'a>(
        &'a self,
        release: &'a ReleaseRef,
        selector: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>>;
    /// Installs the release; does not wait for its pods.
    fn install<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>>;
    /// Upgrades the release; does not wait for its pods.
    fn upgrade<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>>;
    /// Rolls the release back to a revision.
    fn rollback<'a>(&'a self, release: &'a ReleaseRef, revision: i64) -> BoxFuture<'a, Result<(), HelmError>>;
    /// Uninstalls the release and waits until its objects are deleted; succeeds if the release does not exist.
    fn uninstall<'a>(&'a self, release: &'a ReleaseRef, bound: HumanDuration) -> BoxFuture<'a, Result<(), HelmError>>;
}
