//! KEDA as its manifests install it (kedacore/keda v2.21.0, config/): its namespace, its metrics server behind
//! external.metrics.k8s.io, and its operator. Nothing of it is simulated but what the run can observe.

use serde_json::json;

use super::existing_objects::{create, running_pod};
use crate::hpa::EXTERNAL_METRICS_GROUP;
use crate::sim::cluster::SimCluster;
use crate::sim::objects::keda::{METRICS_SERVICE, NAMESPACE, OPERATOR};
use crate::sim::objects::{condition, kinds};

/// Creates the objects of KEDA, with its pods on this node.
pub(super) fn install(cluster: &SimCluster, node: &str) {
    let labels = json!({"kubernetes.io/metadata.name": NAMESPACE});
    let namespace = json!({"metadata": {"name": NAMESPACE, "labels": labels}, "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"}});
    create(cluster, &kinds::NAMESPACE, namespace);
    let labels = json!({"app": METRICS_SERVICE});
    let ports = json!([{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}]);
    let service = json!({"metadata": {"name": METRICS_SERVICE, "namespace": NAMESPACE, "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.91", "selector": labels, "ports": ports},
        "status": {"loadBalancer": {}}});
    create(cluster, &kinds::SERVICE, service);
    let ports = json!([{"name": "https", "containerPort": 6443}]);
    let server = (NAMESPACE, "keda-operator-metrics-apiserver-0", node);
    create(cluster, &kinds::POD, running_pod(cluster, server, &labels, &ports, 201));
    let (labels, ports) = (json!({"app": OPERATOR}), json!([{"name": "metricsservice", "containerPort": 9666}]));
    create(cluster, &kinds::POD, running_pod(cluster, (NAMESPACE, "keda-operator-0", node), &labels, &ports, 202));
    let slice = json!({"metadata": {"name": format!("{METRICS_SERVICE}-1"), "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": METRICS_SERVICE}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.255.202"], "conditions": {"ready": true, "serving": true, "terminating": false}}],
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]});
    create(cluster, &kinds::ENDPOINT_SLICE, slice);
    let mut status = json!({});
    condition::set(&mut status, &cluster.now(), "Available", "True", "Passed", "all checks passed");
    let api_service = json!({"metadata": {"name": format!("v1beta1.{EXTERNAL_METRICS_GROUP}")},
        "spec": {"group": EXTERNAL_METRICS_GROUP, "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"namespace": NAMESPACE, "name": METRICS_SERVICE, "port": 443}},
        "status": status});
    create(cluster, &kinds::API_SERVICE, api_service);
}
