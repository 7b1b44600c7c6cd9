//! Compares the HPA that the cluster holds with the one that was applied.

use super::{ObservedItem, RunView};
use crate::hpa;
use crate::model::hpa_source::HpaSource;
use crate::model::observation::HpaSnapshot;

/// Differences that a message names.
const MOST_NAMED: usize = 4;

impl RunView<'_> {
    /// How the run's HPA differs from the one that was applied, and what to do: a field of its stored spec, or a metric of
    /// its status that the scenario does not have. With the observation that shows it. A bundle that was written before the
    /// spec was recorded shows the metrics alone.
    pub(in crate::judge) fn hpa_difference(&self) -> Option<(String, u64)> {
        let seen = self.our_hpa_snapshots().take_while(|(o, _)| o.at_ms <= self.end_ms());
        let (all, seq) = seen.map(|item| (self.differences_in(item), item.0.seq)).find(|(all, _)| !all.is_empty())?;
        match self.records.scenario.hpa_source() {
            HpaSource::Applied => Some((format!("{}; {}", describe(&all), hpa::spec_difference_hint(&all)), seq)),
            // The run applied nothing.
            HpaSource::Adopted(_) | HpaSource::ScaledObject => {
                let text = describe(&all).replace("(applied: ", "(expected: ");
                Some((
                    format!(
                        "{text}; another client or a webhook changed it: `kubectl get hpa -o yaml --show-managed-fields` names the writers"
                    ),
                    seq,
                ))
            }
        }
    }

    fn differences_in(&self, (_, hpa): &ObservedItem<'_, HpaSnapshot>) -> Vec<String> {
        let applied = &self.records.scenario.hpa.spec;
        let mut all = match &hpa.spec {
            Some(stored) => hpa::find_spec_differences(applied, stored),
            None => Vec::new(),
        };
        all.extend(self.metric.as_ref().and_then(|metric| hpa::find_foreign_metrics(metric, hpa)));
        all
    }
}

/// The first differences, and how many more there are.
fn describe(all: &[String]) -> String {
    let more = all.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    let text = all[..all.len().min(MOST_NAMED)].join("; ");
    format!("{text}{more}")
}
