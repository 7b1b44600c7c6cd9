//! Availability of aggregated APIs: the Service has a ready endpoint.

use super::context::ControllerContext;
use super::endpoint_slice;
use crate::sim::cluster::FieldManager;
use crate::sim::objects::condition;
use crate::sim::objects::kinds::{API_SERVICE, SERVICE};

/// Writes the Available condition of an `APIService`.
pub(super) fn sync(context: &mut ControllerContext, name: &str) {
    let cluster = &context.cluster;
    let Some(api_service) = cluster.get(&API_SERVICE, "", name) else { return };
    let service_ref = &api_service["spec"]["service"];
    let (namespace, service) =
        (service_ref["namespace"].as_str().unwrap_or_default(), service_ref["name"].as_str().unwrap_or_default());
    let (available, reason, message) = if service_ref.is_null() {
        ("True", "Local", "Local APIServices are always available".to_owned())
    } else if cluster.get(&SERVICE, namespace, service).is_none() {
        ("False", "ServiceNotFound", format!("service/{service} in \"{namespace}\" is not present"))
    } else if endpoint_slice::has_ready_endpoint(cluster, namespace, service) {
        ("True", "Passed", "all checks passed".to_owned())
    } else {
        let message = format!("endpoints for service/{service} in \"{namespace}\" have no addresses");
        ("False", "MissingEndpoints", message)
    };
    let now = cluster.now();
    // The error is NotFound: the object is deleted.
    let _ = cluster.update(FieldManager::update_status("kube-apiserver"), &API_SERVICE, "", name, |api_service| {
        condition::set(&mut api_service["status"], &now, "Available", available, reason, &message);
    });
}
