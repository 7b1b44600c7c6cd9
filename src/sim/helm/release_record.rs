//! helm's release records: a Secret for each revision of a release.

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::model::journal::ReleaseRef;
use crate::model::resource_kind::ResourceKind;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError};

const SECRET: ResourceKind = ResourceKind::from_type::<Secret>();
const HELM_MANAGER: FieldManager<'_> = FieldManager::update("helm");

/// One revision of a release.
#[derive(Clone, Debug)]
pub(super) struct ReleaseRecord {
    pub(super) release: ReleaseRef,
    pub(super) revision: i64,
    pub(super) status: String,
    /// Name and version of the chart.
    pub(super) chart: String,
    /// The rendered objects.
    pub(super) manifests: Vec<Value>,
}

impl ReleaseRecord {
    /// The newest revision of a release.
    pub(super) fn find_latest(cluster: &SimCluster, release: &ReleaseRef) -> Option<Self> {
        list_records(cluster, release).into_iter().max_by_key(|record| record.revision)
    }

    /// One revision of a release.
    pub(super) fn find_revision(cluster: &SimCluster, release: &ReleaseRef, revision: i64) -> Option<Self> {
        list_records(cluster, release).into_iter().find(|record| record.revision == revision)
    }

    /// Stores the record with labels that the caller adds.
    pub(super) fn create_secret(&self, cluster: &SimCluster, labels: &[(String, String)]) -> Result<(), StatusError> {
        let mut all_labels = json!({"owner": "helm", "name": self.release.name, "status": self.status,
            "version": self.revision.to_string()});
        for (key, value) in labels {
            all_labels[key] = json!(value);
        }
        let secret = json!({
            "metadata": {"name": self.secret_name(), "namespace": self.release.namespace, "labels": all_labels},
            "type": "helm.sh/release.v1",
            "data": {"chart": self.chart, "release": Value::Array(self.manifests.clone()).to_string()},
        });
        let served_kind = api::find_by_kind("v1", "Secret").ok_or_else(|| StatusError::not_simulated("Secrets"))?;
        api::create_object(cluster, HELM_MANAGER, served_kind, secret, false).map(drop)
    }

    pub(super) fn set_status(&self, cluster: &SimCluster, status: &str) {
        // Ignores the error: a record that is gone needs no status.
        let _ = cluster.update(HELM_MANAGER, &SECRET, &self.release.namespace, &self.secret_name(), |secret| {
            secret["metadata"]["labels"]["status"] = json!(status);
        });
    }

    /// Whether the labels match a selector, `key` or `key=value`.
    pub(super) fn matches_selector(&self, cluster: &SimCluster, selector: &str) -> bool {
        let (key, expected) = match selector.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (selector, None),
        };
        let labels = self.user_labels(cluster);
        labels.iter().any(|(name, value)| name == key && expected.is_none_or(|expected| expected == value))
    }

    /// The labels that the caller added.
    pub(super) fn user_labels(&self, cluster: &SimCluster) -> Vec<(String, String)> {
        let secret = cluster.get(&SECRET, &self.release.namespace, &self.secret_name());
        let labels = secret.and_then(|secret| secret["metadata"]["labels"].as_object().cloned()).unwrap_or_default();
        let helm_labels = ["owner", "name", "status", "version"];
        let user_labels = labels.into_iter().filter(|(key, _)| !helm_labels.contains(&key.as_str()));
        user_labels.map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned())).collect()
    }

    /// Deletes all records of a release.
    pub(super) fn delete_all(cluster: &SimCluster, release: &ReleaseRef) {
        for record in list_records(cluster, release) {
            cluster.remove(&SECRET, &release.namespace, &record.secret_name());
        }
    }

    fn secret_name(&self) -> String {
        format!("sh.helm.release.v1.{}.v{}", self.release.name, self.revision)
    }
}

fn list_records(cluster: &SimCluster, release: &ReleaseRef) -> Vec<ReleaseRecord> {
    let secrets = cluster.list(&SECRET, Some(&release.namespace)).into_iter();
    let of_release = secrets.filter(|secret| {
        let labels = &secret["metadata"]["labels"];
        labels["owner"] == "helm" && labels["name"] == release.name.as_str()
    });
    let record = |secret: std::sync::Arc<Value>| {
        let labels = &secret["metadata"]["labels"];
        Some(ReleaseRecord {
            release: release.clone(),
            revision: labels["version"].as_str()?.parse().ok()?,
            status: labels["status"].as_str()?.to_owned(),
            chart: secret["data"]["chart"].as_str()?.to_owned(),
            manifests: serde_json::from_str(secret["data"]["release"].as_str()?).ok()?,
        })
    };
    of_release.filter_map(record).collect()
}
