//! The survey without a cluster: the charts as helm renders them.

use super::SurveyError;
use super::charts::{ChartFailure, render_chart};
use crate::env::HelmClient;
use crate::model::inventory::{Inventory, OfflineScope};
use crate::model::scenario::Scenario;

/// Reads what a plan needs and no cluster has. A chart that helm cannot read is left out, with the reason: its repository may be
/// out of reach.
///
/// # Errors
/// A chart does not render with the values of its release.
pub(crate) async fn survey_offline(
    helm: &dyn HelmClient,
    scenario: &Scenario,
    started: jiff::Timestamp,
) -> Result<Inventory, SurveyError> {
    let mut inventory = Inventory { hpa_served: true, ..Inventory::before_survey(started) };
    let mut scope = OfflineScope::default();
    if !scenario.releases.is_empty() {
        inventory.helm_version = match helm.version().await {
            Ok(version) => version,
            Err(error) => {
                let reason = error.to_string();
                scope.unread_charts = scenario.releases.keys().map(|name| (name.clone(), reason.clone())).collect();
                return Ok(Inventory { offline: Some(scope), ..inventory });
            }
        };
    }
    for (name, release) in &scenario.releases {
        match render_chart(helm, scenario, name, release).await {
            Ok((chart, _)) => drop(inventory.charts.insert(name.clone(), chart)),
            Err(ChartFailure::Unread(reason)) => drop(scope.unread_charts.insert(name.clone(), reason)),
            Err(ChartFailure::NotRendered(message)) => {
                return Err(SurveyError::Chart { release: name.clone(), message });
            }
        }
    }
    Ok(Inventory { offline: Some(scope), ..inventory })
}
