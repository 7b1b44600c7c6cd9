//! A volume that one node alone can mount: a pod on another node waits for it.

use serde_json::Value;

use super::{KUBELET, POD, creation_order};
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::event;
use crate::sim::controllers::kinds::PERSISTENT_VOLUME_CLAIM;

/// Says so and returns true where a pod's claim is mounted on another node, and may be mounted on one only.
pub(super) fn report_multi_attach(cluster: &SimCluster, pod: &Value) -> bool {
    let namespace = metadata_text(pod, "namespace");
    let single = |name: &&str| {
        let claim = cluster.get(&PERSISTENT_VOLUME_CLAIM, &namespace, name);
        let modes = claim.and_then(|claim| claim["spec"]["accessModes"].as_array().cloned()).unwrap_or_default();
        !modes.is_empty() && !modes.iter().any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany")
    };
    let own: Vec<_> = claim_names(pod).filter(single).collect();
    let all = if own.is_empty() { Vec::new() } else { cluster.list(&POD, Some(&namespace)) };
    let away = |other: &Value, claim: &str| {
        let node = &other["spec"]["nodeName"];
        let is_first = other["status"]["phase"] == "Running" || creation_order(other) < creation_order(pod);
        let elsewhere = !node.is_null() && *node != pod["spec"]["nodeName"];
        elsewhere && is_first && claim_names(other).any(|one| one == claim)
    };
    let Some(claim) = own.iter().find(|claim| all.iter().any(|other| away(other, claim))) else { return false };
    let message = format!(
        "Multi-Attach error for volume \"{claim}\" Volume is already exclusively attached to one node and can't be \
         attached to another"
    );
    event::record(cluster, KUBELET, pod, ("Warning", "FailedAttachVolume"), message);
    true
}

fn claim_names(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}
