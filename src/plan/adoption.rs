//! Which releases a run adopts.

use super::api_services::conflicting_api_service;
use crate::model::inventory::Inventory;
use crate::model::scenario::{IfExists, Scenario};

/// Whether the run adopts this release: the scenario says `ifExists: adopt`, and the release exists, or something else serves
/// its metrics API.
#[must_use]
pub(crate) fn is_adopted(scenario: &Scenario, inventory: &Inventory, name: &str) -> bool {
    let adopt = scenario.releases.get(name).is_some_and(|release| release.if_exists == IfExists::Adopt);
    adopt && (inventory.existing_releases.contains_key(name) || conflicting_api_service(inventory, name).is_some())
}
