//! Whether `clean` may act on a bundle: it is of a real run, and of the cluster of the kubeconfig.

use std::path::Path;

use super::{CliExit, Console};
use crate::env::{CLUSTER_NAMESPACE, read_cluster_uid};
use crate::error_chain::format_chain;
use crate::evidence;
use crate::model::inventory::Inventory;

const INVENTORY_HINT: &str =
    "a run writes its inventory before its first change; if the folder is damaged: gpuhpa clean --run-id RUN-ID";

/// Reads the inventory of a bundle, and refuses that of a rehearsal.
pub(super) fn read_origin(dir: &Path) -> Result<Inventory, CliExit> {
    let inventory = evidence::read_inventory(dir)
        .map_err(|error| Console::print_error(&error, Some(INVENTORY_HINT), CliExit::Usage))?;
    if inventory.simulated.is_some() {
        let text = "this is the evidence of a rehearsal, which changed no cluster; nothing was changed";
        return Err(Console::print_error(text, Some("name the folder of a run of gpuhpa verify"), CliExit::Usage));
    }
    Ok(inventory)
}

/// Refuses a bundle of another cluster than the client's.
pub(super) async fn check_cluster(client: &kube::Client, inventory: &Inventory) -> Result<(), CliExit> {
    let Some(recorded) = &inventory.cluster_uid else {
        Console::print_message(&format!(
            "the bundle does not say of which cluster it is, except that its API server was at {}: only objects with the run's label are changed",
            inventory.server
        ));
        return Ok(());
    };
    match read_cluster_uid(client).await {
        Ok(uid) if uid == *recorded => Ok(()),
        Ok(_) => {
            let text = format!(
                "the bundle is of another cluster, whose API server was at {} (the uid of namespace {CLUSTER_NAMESPACE} differs); nothing was changed",
                inventory.server
            );
            let hint = "name that cluster with --kubeconfig or --context";
            Err(Console::print_error(&text, Some(hint), CliExit::Usage))
        }
        Err(error) => {
            let text = format!(
                "could not check whether this is the bundle's cluster: namespace {CLUSTER_NAMESPACE}: {}; nothing was changed",
                format_chain(&error)
            );
            let hint = "the run's account may get that namespace; or: gpuhpa clean --run-id RUN-ID";
            Err(Console::print_error(&text, Some(hint), CliExit::NotRestored))
        }
    }
}
