//! Runs the helm binary, version 3 or 4. Values are passed on standard input, so that no file with them is left behind;
//! helm runs in its own process group, so that Ctrl-C in the terminal does not reach it and gpuhpa decides what to do.

use std::path::PathBuf;
use std::process::Stdio;

use futures::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::env::{ChartMeta, HelmClient, HelmError, ReleaseArgs};
use crate::model::inventory::ExistingRelease;
use crate::model::journal::ReleaseRef;
use crate::units::HumanDuration;

/// Timeout of a call that only queries the cluster or a registry.
const QUERY_TIMEOUT: HumanDuration = HumanDuration::from_secs(120);

/// The helm binary and the cluster that it uses.
#[derive(Clone, Debug)]
pub(crate) struct HelmBinary {
    /// Path, or a name in PATH.
    pub(crate) binary: String,
    /// `--kubeconfig`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// `--kube-context`.
    pub(crate) context: Option<String>,
}

impl HelmBinary {
    /// Runs helm to its end. Dropping the future kills the process.
    async fn run(&self, args: &[&str], values: Option<String>, bound: HumanDuration) -> Result<String, HelmError> {
        // The command in error messages: subcommand and operands, no flags.
        let command =
            args.iter().take(if args.first() == Some(&"show") { 3 } else { 2 }).copied().collect::<Vec<_>>().join(" ");
        let work = self.spawn_and_wait(args, values);
        let output = tokio::time::timeout(bound.to_std(), work)
            .await
            .map_err(|_| HelmError::TimedOut { command: command.clone(), bound })?
            .map_err(|e| HelmError::Start { binary: self.binary.clone(), reason: e.to_string() })?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(HelmError::Failed { command, stderr: last_lines(&stderr) });
        }
        String::from_utf8(output.stdout)
            .map_err(|_| HelmError::Unreadable { command, reason: "its output is not UTF-8".to_owned() })
    }

    #[expect(clippy::disallowed_methods, reason = "live starts processes")]
    async fn spawn_and_wait(&self, args: &[&str], values: Option<String>) -> std::io::Result<std::process::Output> {
        let mut command = tokio::process::Command::new(&self.binary);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        command.stdin(if values.is_some() { Stdio::piped() } else { Stdio::null() });
        if let Some(path) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(path);
        }
        if let Some(context) = &self.context {
            command.arg("--kube-context").arg(context);
        }
        let mut child = command.spawn()?;
        if let (Some(mut stdin), Some(values)) = (child.stdin.take(), values) {
            // helm may exit before it has read everything; its own error then gives the reason.
            let _ = stdin.write_all(values.as_bytes()).await;
        }
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let mut output = std::pin::pin!(child.wait_with_output());
        // Dropped before the child, so that the process id is not reused yet.
        let mut group = ProcessGroup(group);
        let result = (&mut output).await;
        group.0 = None;
        result
    }
}

/// helm's process group, killed on drop: a wrapper around helm, a credential plugin or a post-renderer ends with it.
struct ProcessGroup(Option<Pid>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // The group may have ended already.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The flags that identify a chart, the same for every subcommand.
fn chart_flags(args: &ReleaseArgs) -> Vec<&str> {
    let mut flags = Vec::new();
    for (flag, value) in [
        ("--repo", &args.repo),
        ("--version", &args.version),
        ("--ca-file", &args.ca_file),
        ("--registry-config", &args.registry_config),
    ] {
        if let Some(value) = value {
            flags.extend([flag, value.as_str()]);
        }
    }
    if args.plain_http {
        flags.push("--plain-http");
    }
    flags
}

/// Subcommand, release name, chart, namespace and chart flags; values are read from standard input.
fn release_command_args<'a>(verb: &'a str, args: &'a ReleaseArgs) -> Vec<&'a str> {
    let mut all = vec![verb, &args.release.name, &args.chart, "--namespace", &args.release.namespace, "--values", "-"];
    all.extend(chart_flags(args));
    all
}

/// The labels of helm's record.
fn label_flag(args: &ReleaseArgs) -> String {
    args.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

fn values_yaml(args: &ReleaseArgs) -> Option<String> {
    // JSON is YAML.
    Some(Value::Object(args.values.clone()).to_string())
}

/// The last lines of an error: helm repeats itself, and the end has the cause.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("; ")
}

impl HelmClient for HelmBinary {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        Box::pin(async {
            let output = self.run(&["version", "--template", "{{.Version}}"], None, QUERY_TIMEOUT).await?;
            Ok(output.trim().to_owned())
        })
    }

    fn show_chart<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        Box::pin(async {
            let mut all = vec!["show", "chart", &args.chart];
            all.extend(chart_flags(args));
            let output = self.run(&all, None, QUERY_TIMEOUT).await?;
            let chart: Value = serde_saphyr::from_str(&output).map_err(|e| HelmError::Unreadable {
                command: format!("show chart {}", args.chart),
                reason: e.without_snippet().to_string(),
            })?;
            let field = |name: &str| match &chart[name] {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            let dependencies = chart["dependencies"].as_array().into_iter().flatten();
            let name = |one: &Value| one["alias"].as_str().or(one["name"].as_str()).map(ToOwned::to_owned);
            Ok(ChartMeta {
                name: field("name"),
                version: field("version"),
                app_version: field("appVersion"),
                dependencies: dependencies.filter_map(name).collect(),
            })
        })
    }

    fn show_values<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<Value, HelmError>> {
        Box::pin(async {
            let mut all = vec!["show", "values", &args.chart];
            all.extend(chart_flags(args));
            let output = self.run(&all, None, QUERY_TIMEOUT).await?;
            let is_empty = output.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
            serde_saphyr::from_str(if is_empty { "{}" } else { &output }).map_err(|e| HelmError::Unreadable {
                command: format!("show values {}", args.chart),
                reason: e.without_snippet().to_string(),
            })
        })
    }

    fn template<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        Box::pin(async { self.run(&release_command_args("template", args), values_yaml(args), QUERY_TIMEOUT).await })
    }

    fn status<'a>(
        &'a self,
        release: &'a ReleaseRef,
        selector: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        Box::pin(async move {
            let filter = format!("^{}$", release.name);
            let mut all = vec![
                "list",
                "--namespace",
                &release.namespace,
                "--filter",
                &filter,
                "--output",
                "json",
                "--deployed",
                "--failed",
                "--pending",
                "--superseded",
                "--uninstalling",
                "--uninstalled",
            ];
            if let Some(selector) = selector {
                all.extend(["--selector", selector]);
            }
            let output = self.run(&all, None, QUERY_TIMEOUT).await?;
            let unreadable = |reason: String| HelmError::Unreadable { command: format!("list {filter}"), reason };
            let releases: Vec<Value> = serde_json::from_str(&output).map_err(|e| unreadable(e.to_string()))?;
            let Some(entry) = releases.first() else { return Ok(None) };
            let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            // helm prints the revision as a string.
            let revision = field("revision").parse().map_err(|_| unreadable("invalid revision".to_owned()))?;
            Ok(Some(ExistingRelease {
                namespace: release.namespace.clone(),
                revision,
                status: field("status"),
                chart: field("chart"),
                made_by_run: false,
            }))
        })
    }

    fn install<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async {
            let labels = label_flag(args);
            let bound = args.timeout.to_string();
            let mut all = release_command_args("install", args);
            all.extend(["--labels", &labels, "--timeout", &bound]);
            self.run(&all, values_yaml(args), args.timeout).await.map(drop)
        })
    }

    fn upgrade<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async {
            let labels = label_flag(args);
            let bound = args.timeout.to_string();
            let mut all = release_command_args("upgrade", args);
            all.extend(["--labels", &labels, "--timeout", &bound]);
            self.run(&all, values_yaml(args), args.timeout).await.map(drop)
        })
    }

    fn rollback<'a>(&'a self, release: &'a ReleaseRef, revision: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async move {
            let revision = revision.to_string();
            let all = ["rollback", &release.name, &revision, "--namespace", &release.namespace];
            self.run(&all, None, QUERY_TIMEOUT).await.map(drop)
        })
    }

    fn uninstall<'a>(&'a self, release: &'a ReleaseRef, bound: HumanDuration) -> BoxFuture<'a, Result<(), HelmError>> {
        Box::pin(async move {
            let timeout = bound.to_string();
            let all = [
                "uninstall",
                &release.name,
                "--namespace",
                &release.namespace,
                "--ignore-not-found",
                // Pods keep accelerators until they are deleted, and in a namespace that stays nothing else waits for
                // them.
                "--cascade",
                "foreground",
                "--wait",
                "--timeout",
                &timeout,
            ];
            self.run(&all, None, bound).await.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A wrapper that starts helm as its child, which never ends.
    #[tokio::test]
    async fn a_helm_that_hangs_is_killed_with_all_its_children() {
        let dir = std::env::temp_dir().join(format!("gpuhpa-helm-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (binary, child) = (dir.join("helm"), dir.join("child"));
        std::fs::write(&binary, format!("#!/bin/sh\nsleep 1000 &\necho $! >{}\nwait\n", child.display())).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let helm = HelmBinary { binary: binary.display().to_string(), kubeconfig: None, context: None };
        let started = async {
            while !std::fs::read_to_string(&child).is_ok_and(|text| text.ends_with('\n')) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let run = helm.run(&["install", "ollama"], None, HumanDuration::from_secs(60));
        let first = futures::future::select(Box::pin(run), Box::pin(started)).await;
        assert!(matches!(first, futures::future::Either::Right(_)));
        drop(first);
        let child = std::fs::read_to_string(&child).unwrap();
        let stat = std::path::PathBuf::from(format!("/proc/{}/stat", child.trim()));
        // Ended, and perhaps not yet reaped.
        let ended = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let waited = async {
            while !ended() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), waited).await.unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
