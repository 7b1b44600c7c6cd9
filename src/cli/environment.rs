//! Builds the I/O boundary of a real cluster, and registers what to redact.

use std::sync::Arc;

use super::ClusterArgs;
use crate::clock::RunClock;
use crate::env::{Bundle, Redactor, RunEnv, TimelineWriter};
use crate::live::{self, HelmBinary};
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

/// Builds the I/O boundary of a real cluster. From here on the cluster's credentials are redacted.
pub(super) fn build_env(
    args: &ClusterArgs,
    cluster: &live::ClusterConnection,
    scenario: &Scenario,
    clock: RunClock,
    bundle: &Bundle,
) -> Result<RunEnv, String> {
    bundle.redactor().redact_object(&mut cluster.credentials.clone());
    let http =
        live::http::http_client(scenario.load.connection, scenario.load.timeouts.connect).map_err(|e| e.to_string())?;
    let helm =
        HelmBinary { binary: args.helm.clone(), kubeconfig: args.kubeconfig.clone(), context: args.context.clone() };
    Ok(RunEnv {
        kube: cluster.kube.clone(),
        http,
        // Only a run that sends chats reads one.
        bearer_token: None,
        helm: Arc::new(helm),
        bundle: bundle.clone(),
        timeline: Arc::new(TimelineWriter::new(clock, bundle.clone())),
        clock,
        seed: scenario.load.seed,
    })
}

/// Registers the hosts that `--redact` replaces, as far as they are known before the first change.
pub(super) fn register_hosts(redactor: &Redactor, inventory: &Inventory, scenario: &Scenario) {
    redactor.add_url_host(&inventory.server);
    inventory.nodes.iter().for_each(|node| redactor.add_host("NODE", &node.name));
    inventory.node_addresses.iter().for_each(|address| redactor.add_host("ADDRESS", address));
    let releases = scenario.releases.values().flat_map(|release| [Some(&release.chart), release.repo.as_ref()]);
    let store = scenario.metric.store.as_ref().and_then(|store| store.url.as_ref());
    releases.chain([scenario.endpoint.url.as_ref(), store]).flatten().for_each(|url| redactor.add_url_host(url));
}
