//! The helm door: the few things that a run asks of helm. Live it is the helm binary, 3 or 4.

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::model::inventory::ExistingRelease;
use crate::model::journal::ReleaseRef;
use crate::model::scenario::{ReleaseSpec, Scenario};
use crate::units::HumanDuration;

/// What helm is to install.
#[derive(Clone, Debug)]
pub struct ReleaseArgs {
    /// Name and namespace.
    pub release: ReleaseRef,
    /// Path, `oci://` reference or chart name.
    pub chart: String,
    /// Chart repository URL.
    pub repo: Option<String>,
    /// Chart version.
    pub version: Option<String>,
    /// Values.
    pub values: Map<String, Value>,
    /// Labels of the release's own record.
    pub labels: Vec<(String, String)>,
    /// The OCI registry speaks plain HTTP.
    pub plain_http: bool,
    /// CA bundle.
    pub ca_file: Option<String>,
    /// Registry credentials file.
    pub registry_config: Option<String>,
    /// Bound of one helm call.
    pub timeout: HumanDuration,
}

impl ReleaseArgs {
    /// What helm is to do for one release of a scenario.
    #[must_use]
    pub fn from_scenario(
        name: &str,
        release: &ReleaseSpec,
        scenario: &Scenario,
        labels: Vec<(String, String)>,
    ) -> Self {
        let namespace = release.namespace.clone().unwrap_or_else(|| scenario.namespace.clone());
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

/// A chart's own description (Chart.yaml).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartMeta {
    /// name.
    pub name: String,
    /// version.
    pub version: String,
    /// appVersion.
    pub app_version: String,
}

/// A helm call that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HelmError {
    /// The binary could not be started.
    #[error("helm could not be started as `{binary}`: {why}")]
    Start {
        /// The binary.
        binary: String,
        /// Why.
        why: String,
    },
    /// It ran and failed.
    #[error("`helm {command}` failed: {stderr}")]
    Failed {
        /// Sub-command and release, without values.
        command: String,
        /// What it said.
        stderr: String,
    },
    /// It did not end within its bound and was killed.
    #[error("`helm {command}` did not end within {bound} and was stopped")]
    TimedOut {
        /// Sub-command and release.
        command: String,
        /// The bound.
        bound: HumanDuration,
    },
    /// It answered something that could not be read.
    #[error("`helm {command}` answered something unexpected: {why}")]
    Unreadable {
        /// Sub-command and release.
        command: String,
        /// Why.
        why: String,
    },
}

/// The helm client. Every call is bounded; dropping a call's future stops the process.
pub trait HelmClient: Send + Sync {
    /// helm's version, for example `v4.3.1`.
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>>;
    /// The chart's own description.
    fn show_chart<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>>;
    /// The manifests that an install would apply, rendered without the cluster.
    fn template<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>>;
    /// The release as it stands; `None` when there is none, or none that the label selector allows.
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
    /// Uninstalls the release and waits for its objects to be deleted; success when there is none.
    fn uninstall<'a>(&'a self, release: &'a ReleaseRef, bound: HumanDuration) -> BoxFuture<'a, Result<(), HelmError>>;
}
