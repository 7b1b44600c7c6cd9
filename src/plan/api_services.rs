//! The APIServices of the metrics APIs, and who serves them.

use crate::model::inventory::Inventory;

/// The APIServices of the metrics groups. A cluster has at most one of each name.
pub(super) const METRICS_APIS: [&str; 3] =
    ["v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"];

/// An APIService of this release that something else already serves: its name and its server.
pub(super) fn conflicting_api_service(inventory: &Inventory, name: &str) -> Option<(String, String)> {
    if inventory.existing_releases.contains_key(name) {
        return None;
    }
    let rendered = &inventory.charts.get(name)?.api_services;
    let (service, api) = inventory.metrics_apis.iter().find(|(service, _)| rendered.contains(service))?;
    let owner = api.release.clone().map_or(api.service.clone(), |release| format!("helm release {release}"));
    Some((service.clone(), owner))
}
