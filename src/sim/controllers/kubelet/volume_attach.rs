//! Attachment of volumes that only one node can mount.

use serde_json::Value;

use super::pod_status::KUBELET;
use crate::sim::cluster::{SimCluster, metadata_text};
use crate::sim::controllers::event;
use crate::sim::controllers::pods::creation_order;
use crate::sim::objects::kinds::{PERSISTENT_VOLUME_CLAIM, POD};

/// If a claim of the pod is attached to another node and can be attached to one node only, records the event and returns
/// true.
pub(super) fn report_multi_attach(cluster: &SimCluster, pod: &Value) -> bool {
    let namespace = metadata_text(pod, "namespace");
    let is_single_node = |name: &&str| {
        let claim = cluster.get(&PERSISTENT_VOLUME_CLAIM, &namespace, name);
        let modes = claim.and_then(|claim| claim["spec"]["accessModes"].as_array().cloned()).unwrap_or_default();
        !modes.is_empty() && !modes.iter().any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany")
    };
    let single_node_claims: Vec<_> = claim_names(pod).filter(is_single_node).collect();
    let all = if single_node_claims.is_empty() { Vec::new() } else { cluster.list(&POD, Some(&namespace)) };
    let is_on_other_node = |other: &Value, claim: &str| {
        let node = &other["spec"]["nodeName"];
        let is_first = other["status"]["phase"] == "Running" || creation_order(other) < creation_order(pod);
        let other_node = !node.is_null() && *node != pod["spec"]["nodeName"];
        other_node && is_first && claim_names(other).any(|one| one == claim)
    };
    let Some(claim) = single_node_claims.iter().find(|claim| all.iter().any(|other| is_on_other_node(other, claim)))
    else {
        return false;
    };
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
