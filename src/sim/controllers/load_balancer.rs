//! The cloud load balancer: gives `LoadBalancer` Services an address.

use serde_json::json;

use super::context::ControllerContext;
use crate::sim::cluster::FieldManager;
use crate::sim::objects::kinds::SERVICE;

/// Allocates the address of a Service.
pub(super) fn sync(context: &mut ControllerContext, namespace: &str, name: &str) {
    let cluster = &context.cluster;
    let Some(service) = cluster.get(&SERVICE, namespace, name) else { return };
    if service["spec"]["type"] != "LoadBalancer" || !service["status"]["loadBalancer"]["ingress"].is_null() {
        return;
    }
    let services = cluster.list(&SERVICE, None);
    let taken = services.iter().filter(|one| !one["status"]["loadBalancer"]["ingress"].is_null()).count();
    // The error is NotFound: the object is deleted.
    let _ =
        cluster.update(FieldManager::update_status("cloud-controller-manager"), &SERVICE, namespace, name, |service| {
            service["status"]["loadBalancer"] = json!({"ingress": [{"ip": format!("203.0.113.{}", 10 + taken)}]});
        });
}
