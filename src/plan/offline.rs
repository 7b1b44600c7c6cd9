//! What a plan without a cluster leaves out.

use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::scenario::Scenario;

/// What was not looked at, in words; nothing for a cluster that was surveyed.
pub(super) fn not_looked_at(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let Some(scope) = &inventory.offline else { return Vec::new() };
    let mut all: Vec<String> = [
        "which of the scenario's namespaces, releases and objects exist, and whether another HPA or another run has the target",
        "free accelerators, quotas, node ports, and the classes and Secrets that the pods name",
        "which metrics APIs are served, and by whom",
        "permissions, and whether the API server accepts the objects",
    ]
    .map(ToOwned::to_owned)
    .into();
    if let HpaSource::Adopted(name) = scenario.hpa_source() {
        all.push(format!("HPA {name}, which the scenario adopts: this plan takes its spec from hpa.spec"));
    }
    if !inventory.charts.is_empty() {
        all.push("the kinds that the cluster serves, by which some charts render other objects".to_owned());
    }
    for (release, reason) in &scope.unread_charts {
        all.push(format!("the chart of release {release}, which helm could not read: {reason}"));
    }
    if scenario.releases.is_empty() {
        all.push("the target itself, which no release of the scenario installs".to_owned());
    }
    all
}

/// Whether it is known which chart renders the target, or that none does.
#[must_use]
pub(crate) fn knows_target(inventory: &Inventory) -> bool {
    let is_rendered = || inventory.charts.values().any(|chart| chart.target_resources.is_some());
    inventory.offline.as_ref().is_none_or(|scope| scope.unread_charts.is_empty() || is_rendered())
}

/// Whether the plan is about a cluster.
pub(super) fn has_cluster(inventory: &Inventory) -> bool {
    inventory.offline.is_none()
}
