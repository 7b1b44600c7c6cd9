//! The times of the cluster: measured, read, or left to the base.

use super::{ScenarioFacts, ScenarioSection};
use crate::units::HumanDuration;

/// Time within which a store shows a new sample. VictoriaMetrics shows samples up to some seconds late even without an offset.
const STORE_LATENCY_MS: u64 = 5000;

pub(super) fn section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    let assumed = &facts.base.assumptions;
    controller(facts, &mut section);
    let exporter = facts.found.exporter.as_ref();
    match exporter.and_then(|exporter| exporter.page.interval_ms) {
        Some(ms) => {
            section.say("exporterInterval: measured, by the changes of the exporter's page.");
            section.keys.value(1, "exporterInterval", &HumanDuration::from_ms(ms).to_string());
        }
        None => section.say(format!(
            "exporterInterval: not measured, since {}; {} is assumed.",
            if exporter.is_some() {
                "its values did not change often enough while it was watched"
            } else {
                "there is no exporter to watch"
            },
            assumed.exporter_interval
        )),
    }
    let store = facts.found.store.as_ref();
    match store.and_then(|store| store.scrape_ms) {
        Some(ms) => {
            section.say("scrapeInterval: measured, by the times of the store's samples.");
            section.keys.value(1, "scrapeInterval", &HumanDuration::from_ms(ms).to_string());
        }
        None => section.say(format!(
            "scrapeInterval: not measured, since no store showed two samples of a series; {} is assumed.",
            assumed.scrape_interval
        )),
    }
    let delay = facts.found.metrics_apis.pod_metric().filter(|_| facts.is_adapter_there);
    let delay_ms = delay.map_or(0, |metric| metric.delay_ms);
    let rule = if delay_ms > 0 {
        format!(", and {} of the range in the adapter's rule", HumanDuration::from_ms(delay_ms))
    } else {
        String::new()
    };
    match store.and_then(|store| store.offset_ms) {
        Some(ms) => {
            section.say(format!(
                "storeOffset: {} measured, by the age of the sample that an instant query returns, with {} until a sample shows{rule}.",
                HumanDuration::from_ms(ms),
                HumanDuration::from_ms(STORE_LATENCY_MS)
            ));
            section.keys.value(1, "storeOffset", &HumanDuration::from_ms(ms + STORE_LATENCY_MS + delay_ms).to_string());
        }
        None => {
            let offset = HumanDuration::from_ms(assumed.store_offset.ms() + delay_ms);
            section.say(format!("storeOffset: not measured{rule}; {offset} is assumed."));
            if delay_ms > 0 {
                section.keys.value(1, "storeOffset", &offset.to_string());
            }
        }
    }
    section
}

fn controller(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) {
    let Some(flags) = &facts.found.controller else {
        section.say(format!(
            "syncPeriod, tolerance: the flags of kube-controller-manager are not readable here; {} and {} are assumed.",
            facts.base.assumptions.sync_period, facts.base.assumptions.tolerance
        ));
        return;
    };
    section.say("syncPeriod, tolerance, downscaleStabilization: read from kube-controller-manager; a flag that is not set has Kubernetes' default.");
    let duration =
        |ms: Option<u64>, default_s: u64| ms.map_or(HumanDuration::from_secs(default_s), HumanDuration::from_ms);
    section.keys.value(1, "syncPeriod", &duration(flags.sync_period_ms, 15).to_string());
    section.keys.value(1, "tolerance", &flags.tolerance.unwrap_or(0.1).to_string());
    let window = duration(flags.downscale_stabilization_ms, 300);
    section.keys.value(1, "downscaleStabilization", &window.to_string());
}
