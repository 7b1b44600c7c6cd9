//! Connects to the cluster that kubectl would use: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`, or the service
//! account of the pod that gpuhpa runs in.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::tls::install_tls_provider;
use crate::env::{KubeClients, read_named_text};
use crate::error_chain::format_chain;

/// Largest kubeconfig that is read; one for a thousand clusters has some megabytes.
const MAX_KUBECONFIG_BYTES: u64 = 16 << 20;

/// The clients of a cluster, and how it was configured.
#[derive(Clone)]
pub(crate) struct ClusterConnection {
    /// The clients.
    pub(crate) kube: KubeClients,
    /// Context name; `in-cluster` inside a pod.
    pub(crate) context: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// The users of the kubeconfig, unredacted: secrets, which must not appear in any output.
    pub(crate) credentials: serde_json::Value,
}

/// Why no connection could be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// The kubeconfig could not be read.
    #[error("could not read the kubeconfig {path}: {reason}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The kubeconfig does not have the context.
    #[error("the kubeconfig has no context {context}{others}")]
    NoContext {
        /// The context.
        context: String,
        /// Those that it has, as the rest of the sentence.
        others: String,
    },
    /// The kubeconfig, or its absence, gives no cluster.
    #[error("no cluster configured: {0}")]
    NoCluster(String),
    /// The client could not be created.
    #[error("could not create the Kubernetes client: {0}")]
    Client(String),
}

impl ClusterError {
    /// What to do next.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Kubeconfig { reason, .. } if reason.contains("Permission denied") => {
                "make it readable for this user, or name another one with --kubeconfig"
            }
            Self::Kubeconfig { .. } => {
                "name a kubeconfig with --kubeconfig or KUBECONFIG that exists and that kubectl can use"
            }
            Self::NoContext { .. } => {
                "name one of its contexts with --context: `kubectl config get-contexts` lists them"
            }
            Self::NoCluster(_) => {
                "name a kubeconfig with --kubeconfig, or a context with --context; without a cluster there are `gpuhpa rehearse` and `gpuhpa plan --offline`"
            }
            Self::Client(_) => {
                "check certificates, keys and proxy of the context: does `kubectl version` work with it?"
            }
        }
    }
}

/// Creates the clients of the cluster. Sends nothing yet.
///
/// # Errors
/// The kubeconfig cannot be read, it does not have the context, or its credentials cannot be loaded.
pub(crate) async fn connect(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
) -> Result<ClusterConnection, ClusterError> {
    install_tls_provider();
    let options = KubeConfigOptions { context: context.map(ToOwned::to_owned), ..KubeConfigOptions::default() };
    let mut credentials = serde_json::Value::Null;
    let (mut config, name) = match read_kubeconfig(kubeconfig)? {
        Some(file) => {
            credentials = serde_json::to_value(&file.auth_infos).unwrap_or_default();
            let name = context.map(ToOwned::to_owned).or_else(|| file.current_context.clone()).unwrap_or_default();
            check_context(&file, &name)?;
            check_credential_files(&file, &name)?;
            let config = Config::from_custom_kubeconfig(file, &options).await;
            (config.map_err(|e| ClusterError::NoCluster(format_chain(&e)))?, name)
        }
        None => (Config::incluster().map_err(|e| ClusterError::NoCluster(format_chain(&e)))?, "in-cluster".to_owned()),
    };
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    // The retries of `KubeClients` replace kube's own.
    config.default_retry = false;
    let no_retry = kube::Client::try_from(config).map_err(|e| ClusterError::Client(format_chain(&e)))?;
    Ok(ClusterConnection { kube: KubeClients::new(no_retry), context: name, server, credentials })
}

/// The kubeconfig that kubectl would read; `None` in a pod without one.
#[expect(clippy::disallowed_methods, reason = "live reads the environment as kubectl does")]
fn read_kubeconfig(path: Option<&Path>) -> Result<Option<Kubeconfig>, ClusterError> {
    let to_error = |path: &Path, reason: String| ClusterError::Kubeconfig { path: path.display().to_string(), reason };
    let from = |path: &Path| {
        check_size(path).map_err(|reason| to_error(path, reason))?;
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            let text = read_named_text(path, MAX_KUBECONFIG_BYTES).map_err(|reason| to_error(path, reason))?;
            return Kubeconfig::from_yaml(&text).map_err(|e| to_error(path, format_chain(&e)));
        }
        Kubeconfig::read_from(path).map_err(|e| kubeconfig_error(path.display().to_string(), &e))
    };
    if let Some(path) = path {
        return from(path).map(Some);
    }
    if let Some(paths) = std::env::var("KUBECONFIG").ok().filter(|paths| !paths.is_empty()) {
        for path in std::env::split_paths(&paths) {
            check_size(&path).map_err(|reason| to_error(&path, reason))?;
            if std::fs::metadata(&path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
                return Err(to_error(&path, "it is a pipe; name it with --kubeconfig".to_owned()));
            }
        }
        return Kubeconfig::from_env().map_err(|e| kubeconfig_error("$KUBECONFIG".to_owned(), &e));
    }
    let home = std::env::var("HOME").map(PathBuf::from).unwrap_or_default().join(".kube/config");
    if home.exists() {
        return from(&home).map(Some);
    }
    if std::env::var("KUBERNETES_SERVICE_HOST").is_ok() {
        return Ok(None);
    }
    Err(ClusterError::NoCluster("no --kubeconfig, KUBECONFIG or ~/.kube/config, and not running in a pod".to_owned()))
}

/// Fails for a file that is not read because of its size. A pipe (`--kubeconfig <(...)`) has none before it is read.
fn check_size(path: &Path) -> Result<(), String> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    if metadata.file_type().is_char_device() || metadata.file_type().is_block_device() {
        return Err("it is a device".to_owned());
    }
    if metadata.len() > MAX_KUBECONFIG_BYTES {
        return Err(format!("it is larger than {MAX_KUBECONFIG_BYTES} bytes"));
    }
    Ok(())
}

/// Fails for a context that the kubeconfig does not have.
fn check_context(config: &Kubeconfig, context: &str) -> Result<(), ClusterError> {
    const MOST_NAMED: usize = 10;
    let names: Vec<&str> = config.contexts.iter().map(|one| one.name.as_str()).collect();
    if names.contains(&context) {
        return Ok(());
    }
    let more = if names.len() > MOST_NAMED { ", ..." } else { "" };
    let others = match names.as_slice() {
        [] => "; it has none".to_owned(),
        names => format!("; it has {}{more}", names[..names.len().min(MOST_NAMED)].join(", ")),
    };
    let context = if context.is_empty() { "of its own (current-context)".to_owned() } else { format!("`{context}`") };
    Err(ClusterError::NoContext { context, others })
}

/// Fails for a certificate, key or token of the context that is in no regular file: the client reads it without a limit.
fn check_credential_files(config: &Kubeconfig, context: &str) -> Result<(), ClusterError> {
    let context = config.contexts.iter().find(|one| one.name == context).and_then(|one| one.context.as_ref());
    let Some(context) = context else { return Ok(()) };
    let user = config.auth_infos.iter().find(|one| Some(&one.name) == context.user.as_ref());
    let user = user.and_then(|user| user.auth_info.as_ref());
    let cluster = config.clusters.iter().find(|one| one.name == context.cluster);
    let authority = cluster.and_then(|one| one.cluster.as_ref()?.certificate_authority.as_ref());
    let of_user = user.map(|user| [&user.client_certificate, &user.client_key, &user.token_file]);
    for path in of_user.into_iter().flatten().flatten().chain(authority) {
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(ClusterError::NoCluster(format!("{path}, which the kubeconfig names, is no regular file")));
        }
    }
    Ok(())
}

/// A kubeconfig that cannot be used; `named` is the path that the user gave. The variable can list several files, and the error
/// names the one that cannot be read.
fn kubeconfig_error(named: String, error: &KubeconfigError) -> ClusterError {
    let (path, reason) = match error {
        KubeconfigError::ReadConfig(reason, path) => (path.display().to_string(), reason.to_string()),
        other => (named, format_chain(other)),
    };
    ClusterError::Kubeconfig { path, reason }
}
