//! Objects that exist before a run.

use serde_json::{Value, json};

use crate::model::resource_kind::ResourceKind;
use crate::sim::cluster::{FieldManager, SimCluster};
use crate::sim::objects::condition;

const FIELD_MANAGER: &str = "gpuhpa-simulator";

/// Creates an object. Cannot fail: the cluster is empty.
pub(super) fn create(cluster: &SimCluster, kind: &ResourceKind, object: Value) {
    let _ = cluster.create(FieldManager::update(FIELD_MANAGER), kind, object);
}

/// Returns a pod that is Running and Ready.
pub(super) fn running_pod(
    cluster: &SimCluster,
    (namespace, name, node): (&str, &str, &str),
    labels: &Value,
    ports: &Value,
    index: usize,
) -> Value {
    let now = cluster.now();
    let address = format!("10.244.255.{}", 1 + index);
    let mut status = json!({"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
        "containerStatuses": [{"name": "main", "image": "simulated", "imageID": "", "ready": true, "started": true,
            "restartCount": 0, "state": {"running": {"startedAt": now}}}]});
    for kind in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
        condition::set(&mut status, &now, kind, "True", "", "");
    }
    json!({"metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": node, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "main", "image": "simulated", "ports": ports, "resources": {}}]},
        "status": status})
}
