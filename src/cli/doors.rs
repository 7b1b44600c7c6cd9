//! The doors of the real world, and what must not be shown of it.

use std::sync::Arc;

use super::ClusterArgs;
use crate::clock::Clock;
use crate::live::{self, HelmBinary};
use crate::record::inventory::Inventory;
use crate::record::scenario::Scenario;
use crate::world::{Book, Bundle, Cover, World};

/// The doors of the real world. The credentials that lead there are covered from here on.
pub(super) fn world(
    args: &ClusterArgs,
    cluster: &live::Cluster,
    scenario: &Scenario,
    clock: Clock,
    bundle: &Bundle,
) -> Result<World, String> {
    bundle.cover().object(&mut cluster.credentials.clone());
    let http = live::http::http(scenario.load.connection, scenario.load.timeouts.connect).map_err(|e| e.to_string())?;
    let helm =
        HelmBinary { binary: args.helm.clone(), kubeconfig: args.kubeconfig.clone(), context: args.context.clone() };
    Ok(World {
        kube: cluster.client.clone(),
        plain: cluster.plain.clone(),
        http,
        helm: Arc::new(helm),
        bundle: bundle.clone(),
        book: Arc::new(Book::new(clock, bundle.clone())),
        clock,
        seed: scenario.load.seed,
    })
}

/// Tells what is covered with `--redact`, as far as it is known before the first change.
pub(super) fn tell_hosts(cover: &Cover, inventory: &Inventory, scenario: &Scenario) {
    cover.url(&inventory.server);
    inventory.nodes.iter().for_each(|node| cover.host("NODE", &node.name));
    inventory.node_addresses.iter().for_each(|address| cover.host("ADDRESS", address));
    let releases = scenario.releases.values().flat_map(|release| [Some(&release.chart), release.repo.as_ref()]);
    let store = scenario.metric.store.as_ref().and_then(|store| store.url.as_ref());
    releases.chain([scenario.reach.url.as_ref(), store]).flatten().for_each(|url| cover.url(url));
}
