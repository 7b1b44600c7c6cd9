//! The simulated helm. Like helm, it stores a Secret for each revision and annotates the objects that it creates.

mod adapter;
mod chart;
mod claims;
mod objects;
mod ollama;
mod release_record;

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::cluster::SimCluster;
use crate::env::{ChartMeta, HelmClient, HelmError, ReleaseArgs};
use crate::model::inventory::ExistingRelease;
use crate::model::journal::ReleaseRef;
use crate::sim::config::HelmFault;
use crate::units::HumanDuration;
use release_record::ReleaseRecord;

/// The helm client of a run.
pub(super) struct SimHelm {
    cluster: SimCluster,
}

/// What of a release the simulator does not support, each by name.
pub(super) fn find_unsupported(args: &ReleaseArgs) -> Vec<String> {
    chart::find_unsupported(args)
}

/// Where a model may be that the servers of a release do not pull, if the simulator does not know the content of that place.
pub(super) fn unknown_model_place(args: &ReleaseArgs, model: &str) -> Option<String> {
    chart::load_chart(args).ok().and_then(|chart| ollama::unknown_model_place(&chart, model))
}

/// The adapter's configuration by the values of a release, and whether it has the chart's default rules too; `None` for another
/// chart.
pub(super) fn adapter_config(args: &ReleaseArgs) -> Option<(Value, bool)> {
    let chart = chart::load_chart(args).ok().filter(|chart| chart.name == "prometheus-adapter")?;
    Some((adapter::rules_config(&chart), chart.is_enabled("rules.default")))
}

/// The extended resource by which the pods of a release request an accelerator; `None` for a release without one.
pub(super) fn requested_resource(args: &ReleaseArgs) -> Option<String> {
    let chart = chart::load_chart(args).ok().filter(|chart| chart.name.starts_with("ollama"))?;
    ollama::gpu_resource(&chart).map(str::to_owned)
}

impl SimHelm {
    pub(super) const fn new(cluster: SimCluster) -> Self {
        Self { cluster }
    }

    async fn wait_latency(&self) {
        tokio::time::sleep(self.cluster.config().helm.latency.to_std()).await;
    }

    async fn install_or_upgrade(&self, args: &ReleaseArgs, verb: &str) -> Result<(), HelmError> {
        let command = format!("{verb} {}", args.release.name);
        let failed = |stderr: String| HelmError::Failed { command: command.clone(), stderr };
        let fault = self.cluster.config().helm.fault;
        self.wait_latency().await;
        if fault == Some(HelmFault::Hangs) {
            tokio::time::sleep(args.timeout.to_std()).await;
            return Err(HelmError::TimedOut { command, bound: args.timeout });
        }
        if fault == Some(HelmFault::Fails) {
            return Err(failed("Error: INSTALLATION FAILED: Kubernetes cluster unreachable".to_owned()));
        }
        let chart = chart::load_chart(args).map_err(&failed)?;
        let documents = chart::render(args).map_err(&failed)?;
        let last = ReleaseRecord::find_latest(&self.cluster, &args.release);
        if verb == "install" && last.is_some() {
            return Err(failed("Error: INSTALLATION FAILED: cannot reuse a name that is still in use".to_owned()));
        }
        let record = ReleaseRecord {
            release: args.release.clone(),
            revision: last.as_ref().map_or(1, |last| last.revision + 1),
            status: format!("pending-{verb}"),
            chart: format!("{}-{}", chart.name, chart.version),
            manifests: documents,
        };
        let labels = if args.labels.is_empty() { last.map(|last| last.user_labels(&self.cluster)) } else { None };
        self.cluster.count_write_step();
        record
            .create_secret(&self.cluster, &labels.unwrap_or_else(|| args.labels.clone()))
            .map_err(|e| failed(e.message))?;
        self.apply_record(&record, fault, &failed).await
    }

    /// Applies the objects of a record, and sets its status to the result.
    async fn apply_record(
        &self,
        record: &ReleaseRecord,
        fault: Option<HelmFault>,
        failed: &(dyn Fn(String) -> HelmError + Send + Sync),
    ) -> Result<(), HelmError> {
        let limit = if fault == Some(HelmFault::FailsHalfWay) { record.manifests.len() / 2 } else { usize::MAX };
        for (n, document) in record.manifests.iter().enumerate() {
            let result = if n < limit {
                objects::apply(&self.cluster, &record.release, document)
            } else {
                Err("etcdserver: request timed out".to_owned())
            };
            if let Err(error) = result {
                record.set_status(&self.cluster, "failed");
                return Err(failed(format!("Error: INSTALLATION FAILED: {error}")));
            }
            self.cluster.count_write_step();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        record.set_status(&self.cluster, "deployed");
        Ok(())
    }
}

impl HelmClient for SimHelm {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        Box::pin(async {
            self.wait_latency().await;
            Ok("v4.3.1".to_owned())
        })
    }

    fn show_chart<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        Box::pin(async {
            let failed = |stderr| HelmError::Failed { command: format!("show chart {}", args.chart), stderr };
            let chart = chart::load_chart(args).map_err(failed)?;
            let (name, app_version) = (chart.name.to_owned(), chart.app_version.to_owned());
            Ok(ChartMeta { name, version: chart.version, app_version, dependencies: Vec::new() })
        })
    }

    fn show_values<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<Value, HelmError>> {
        let failed = |stderr| HelmError::Failed { command: format!("show values {}", args.chart), stderr };
        Box::pin(async move { chart::default_values(args).map_err(failed) })
    }

    fn template<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        Box::pin(async {
            let failed = |stderr| HelmError::Failed { command: format!("template {}", args.release.name), stderr };
            let documents = chart::render(args).map_err(failed)?;
            // JSON is YAML.
            Ok(documents.iter().map(|document| format!("---\n{document}\n")).collect())
        })
    }

    fn status<'a>(
        &'a self,
        release: &'a ReleaseRef,
        selector: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        Box::pin(async move {
            let last = ReleaseRecord::find_latest(&self.cluster, release);
            let last =
                last.filter(|last| selector.is_none_or(|selector| last.matches_selector(&self.cluster, selector)));
            Ok(last.map(|last| ExistingRelease {
                namespace: release.namespace.clone(),
                revision: last.revision,
                status: last.status,
                chart: last.chart,
                made_by_run: false,
            }))
        })
    }

    fn install<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(self.install_or_upgrade(args, "install"))
    }

    fn upgrade<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(self.install_or_upgrade(args, "upgrade"))
    }

    fn rollback<'a>(&'a self, release: &'a ReleaseRef, revision: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async move {
            let failed = |stderr: String| HelmError::Failed { command: format!("rollback {}", release.name), stderr };
            let (Some(target), Some(last)) = (
                ReleaseRecord::find_revision(&self.cluster, release, revision),
                ReleaseRecord::find_latest(&self.cluster, release),
            ) else {
                return Err(failed(format!("Error: release has no {revision} version")));
            };
            self.wait_latency().await;
            let labels = last.user_labels(&self.cluster);
            let record = ReleaseRecord { revision: last.revision + 1, status: "pending-rollback".to_owned(), ..target };
            record.create_secret(&self.cluster, &labels).map_err(|e| failed(e.message))?;
            self.apply_record(&record, None, &failed).await
        })
    }

    fn uninstall<'a>(
        &'a self,
        release: &'a ReleaseRef,
        timeout: HumanDuration,
    ) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async move {
            let Some(last) = ReleaseRecord::find_latest(&self.cluster, release) else { return Ok(()) };
            self.wait_latency().await;
            let deletion = async {
                for document in last.manifests.iter().rev() {
                    self.cluster.count_write_step();
                    objects::delete(&self.cluster, document).await;
                }
            };
            let command = format!("uninstall {}", release.name);
            tokio::time::timeout(timeout.to_std(), deletion)
                .await
                .map_err(|_| HelmError::TimedOut { command, bound: timeout })?;
            ReleaseRecord::delete_all(&self.cluster, release);
            Ok(())
        })
    }
}
