//! The doors of the real world, and what must not be shown of it.

use std::sync::Arc;

use super::ClusterArgs;
use crate::clock::RunClock;
use crate::env::{Bundle, Redactor, RunEnv, TimelineWriter};
use crate::live::{self, HelmBinary};
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

/// The doors of the real world. The credentials that lead there are covered from here on.
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
        kube: cluster.client.clone(),
        kube_no_retry: cluster.client_no_retry.clone(),
        http,
        helm: Arc::new(helm),
        bundle: bundle.clone(),
        timeline: Arc::new(TimelineWriter::new(clock, bundle.clone())),
        clock,
        seed: scenario.load.seed,
    })
}

/// Tells what is covered with `--redact`, as far as it is known before the first change.
pub(super) fn register_hosts(cover: &Redactor, inventory: &Inventory, scenario: &Scenario) {
    cover.add_url_host(&inventory.server);
    inventory.nodes.iter().for_each(|node| cover.add_host("NODE", &node.name));
    inventory.node_addresses.iter().for_each(|address| cover.add_host("ADDRESS", address));
    let releases = scenario.releases.values().flat_map(|release| [Some(&release.chart), release.repo.as_ref()]);
    let store = scenario.metric.store.as_ref().and_then(|store| store.url.as_ref());
    releases.chain([scenario.endpoint.url.as_ref(), store]).flatten().for_each(|url| cover.add_url_host(url));
}
