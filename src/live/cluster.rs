//! The way to the cluster, found as kubectl finds it: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`, or the service
//! account of the pod that we run in.

use std::path::{Path, PathBuf};

use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::env::with_retry;
use crate::error_chain::format_chain;

/// A cluster that can be asked.
#[derive(Clone)]
pub struct ClusterConnection {
    /// The client of whoever changes things: patient with an API server that is busy or starts again.
    pub client: kube::Client,
    /// The client of whoever observes: each question is sent once, and a refusal is an answer.
    pub client_no_retry: kube::Client,
    /// Context name; `in-cluster` inside a pod.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// The users of the kubeconfig as they stand there: secrets, to be kept out of everything that is shown.
    pub credentials: serde_json::Value,
}

/// No way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig could not be read.
    #[error("could not read the kubeconfig {path}: {why}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// It was read and leads nowhere.
    #[error("no cluster could be chosen: {0}")]
    NoCluster(String),
    /// The client could not be made.
    #[error("no client for the cluster could be made: {0}")]
    Client(String),
}

/// Opens the way to the cluster. Nothing is sent yet.
///
/// # Errors
/// A kubeconfig that cannot be read, a context that it does not hold, credentials that cannot be loaded.
pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<ClusterConnection, ClusterError> {
    let options = KubeConfigOptions { context: context.map(ToOwned::to_owned), ..KubeConfigOptions::default() };
    let mut credentials = serde_json::Value::Null;
    let (mut config, name) = match read_kubeconfig(kubeconfig)? {
        Some(file) => {
            credentials = serde_json::to_value(&file.auth_infos).unwrap_or_default();
            let name = context.map(ToOwned::to_owned).or_else(|| file.current_context.clone()).unwrap_or_default();
            let config = Config::from_custom_kubeconfig(file, &options).await;
            (config.map_err(|e| ClusterError::NoCluster(format_chain(&e)))?, name)
        }
        None => (Config::incluster().map_err(|e| ClusterError::NoCluster(format_chain(&e)))?, "in-cluster".to_owned()),
    };
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    config.default_retry = false;
    let plain = kube::Client::try_from(config).map_err(|e| ClusterError::Client(format_chain(&e)))?;
    Ok(ClusterConnection {
        client: with_retry(plain.clone()),
        client_no_retry: plain,
        context: name,
        server,
        credentials,
    })
}

/// The kubeconfig that kubectl would read; none inside a pod without one.
#[expect(clippy::disallowed_methods, reason = "live reads the environment as kubectl does")]
fn read_kubeconfig(path: Option<&Path>) -> Result<Option<Kubeconfig>, ClusterError> {
    let from = |path: &Path| {
        Kubeconfig::read_from(path)
            .map_err(|e| ClusterError::Kubeconfig { path: path.display().to_string(), why: format_chain(&e) })
    };
    if let Some(path) = path {
        return from(path).map(Some);
    }
    if std::env::var("KUBECONFIG").is_ok_and(|v| !v.is_empty()) {
        return Kubeconfig::from_env()
            .map_err(|e| ClusterError::Kubeconfig { path: "named by KUBECONFIG".to_owned(), why: format_chain(&e) });
    }
    let home = std::env::var("HOME").map(PathBuf::from).unwrap_or_default().join(".kube/config");
    if home.exists() {
        return from(&home).map(Some);
    }
    if std::env::var("KUBERNETES_SERVICE_HOST").is_ok() {
        return Ok(None);
    }
    Err(ClusterError::NoCluster(
        "there is no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no pod of a cluster".to_owned(),
    ))
}
