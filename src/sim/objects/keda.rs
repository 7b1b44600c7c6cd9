//! KEDA in the simulated cluster, as its manifests install it: names, and whether it is there.

use serde_json::Value;

use super::kinds::API_SERVICE;
use crate::hpa::EXTERNAL_METRICS_GROUP;
use crate::sim::cluster::SimCluster;

/// Its namespace.
pub(in crate::sim) const NAMESPACE: &str = "keda";
/// The Service of its metrics server.
pub(in crate::sim) const METRICS_SERVICE: &str = "keda-operator-metrics-apiserver";
/// Name of its operator's Deployment.
pub(in crate::sim) const OPERATOR: &str = "keda-operator";
/// Field manager of its operator: the name of its binary.
pub(in crate::sim) const FIELD_MANAGER: &str = "keda";
/// The finalizer of its ScaledObjects.
pub(in crate::sim) const FINALIZER: &str = "finalizer.keda.sh";

/// Whether it is installed.
pub(in crate::sim) fn is_installed(cluster: &SimCluster) -> bool {
    let api_service = cluster.get(&API_SERVICE, "", &format!("v1beta1.{EXTERNAL_METRICS_GROUP}"));
    api_service.is_some_and(|api_service| is_served_by(&api_service))
}

/// Whether its metrics server is behind an APIService.
pub(in crate::sim) fn is_served_by(api_service: &Value) -> bool {
    let service = &api_service["spec"]["service"];
    service["namespace"] == NAMESPACE && service["name"] == METRICS_SERVICE
}
