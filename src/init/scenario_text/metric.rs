//! The hops of the metric before the metrics API: exporter and store.

use super::autoscaler::adopted_range;
use super::{ScenarioFacts, ScenarioSection};
use crate::init::exporter::ExporterFindings;
use crate::init::store::StoreFindings;
use crate::init::yaml_text::quoted;

pub(super) fn section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    if facts.adopted.is_some() {
        write_range(facts, &mut section);
    }
    match &facts.found.exporter {
        Some(exporter) => write_exporter(facts, exporter, &mut section),
        None if !facts.found.are_pods_read => section.say(
            "Exporter: the pods could not be read, which takes the right to list pods of all namespaces. The one of the base scenario is left in: correct metric.exporter, or set it to null.",
        ),
        None => {
            section.say("Exporter: no pod has the labels of a known exporter. The run reads none; to have this hop in the evidence, write metric.exporter: {namespace, podLabels, port, metricName} in place of null.");
            section.keys.value(1, "exporter", "null");
        }
    }
    match &facts.found.store {
        Some(store) => write_store(facts, store, &mut section),
        None if !facts.found.are_services_read => section.say(
            "Store: the Services could not be read, which takes the right to list services of all namespaces. The one of the base scenario is left in, for the adapter as well: correct metric.store and the adapter's values, or set metric.store to null.",
        ),
        None => {
            let adapter = facts.adapter_release().filter(|_| !facts.is_adapter_there && facts.adopted.is_none());
            let adapter = adapter.map_or(String::new(), |release| {
                format!(" The adapter needs one: install it, or name it in releases.{release}.values.prometheus, or no run can pass.")
            });
            section.say(format!(
                "Store: no Service of a known name answers Prometheus queries. Name it as metric.store: {{service or url, series}} in place of null.{adapter}"
            ));
            section.keys.value(1, "store", "null");
        }
    }
    section
}

/// The range of the adopted HPA's metric, which need not be that of one series.
fn write_range(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) {
    match adopted_range(facts) {
        Some([low, high]) => {
            section.say("Range: the query of the ScaledObject is a sum over the pods, here over maxReplicas of them with one series each.");
            section.keys.value(1, "range", &format!("[{low}, {high}]"));
        }
        None => section.say("Range: is the metric of the HPA no value of one pod but a sum, for example, then state metric.range, its smallest and largest value over maxReplicas pods."),
    }
}

fn write_exporter(facts: &ScenarioFacts<'_>, exporter: &ExporterFindings, section: &mut ScenarioSection) {
    let ExporterFindings { namespace, label, port, pods, page, .. } = exporter;
    let (key, value) = label;
    section.say(format!("Exporter: pods with {key}={value} in namespace {namespace}, {pods} of them."));
    match (&page.error, &page.series) {
        (Some(error), _) => {
            section.say(format!("Its page could not be used ({error}); {} is an assumption.", facts.series))
        }
        (None, Some(series)) => section.say(format!(
            "Samples of {series} on one page: {}; of these, with a pod: {}.",
            page.samples, page.samples_with_pod
        )),
        (None, None) => section.say(format!(
            "Its page has none of the series {}: add one to the exporter's counters, or name another one here.",
            page.absent.join(", ")
        )),
    }
    if page.has_mig || facts.found.accelerators.has_mig() {
        section.say("Its devices are instances of cards (MIG): for them only a series of the instance counts, such as DCGM_FI_PROF_GR_ENGINE_ACTIVE, a ratio from 0 to 1.");
    }
    let base_profile = facts.base.metric.profile.as_ref().map(|profile| profile.name.as_str());
    match exporter.profile {
        Some(profile) if base_profile != Some(profile) => section.keys.text(1, "profile", profile),
        Some(_) => {}
        None => {
            section.say("No profile of this exporter is shipped: state metric.range and metric.unit of the series.");
            section.keys.value(1, "profile", "null");
        }
    }
    section.keys.map(1, "exporter");
    section.keys.text(2, "namespace", namespace);
    section.keys.map(2, "podLabels");
    let of_base = facts.base.metric.exporter.iter().flat_map(|exporter| exporter.pod_labels.keys());
    of_base.filter(|other| *other != key).for_each(|other| section.keys.value(3, other, "null"));
    section.keys.text(3, key, value);
    section.keys.value(2, "port", &port.to_string());
    section.keys.text(2, "metricName", &facts.series);
}

fn write_store(facts: &ScenarioFacts<'_>, store: &StoreFindings, section: &mut ScenarioSection) {
    let StoreFindings { service, found_by, series, renames_labels, .. } = store;
    section.say(format!("Store: Service {}/{}; {found_by}.", service.namespace, service.name));
    match series {
        Some(0) => section
            .say(format!("It holds no sample of {}: have it scrape the exporter, or no run can pass.", facts.series)),
        Some(count) => section.say(format!("Series of {} that it holds: {count}.", facts.series)),
        None => section.say("Whether it holds the exporter's series is not known."),
    }
    if *renames_labels {
        section.say("It scrapes without honorLabels: the pod of a series is its label exported_pod.");
    }
    section.keys.map(1, "store");
    if facts.base.metric.store.as_ref().is_some_and(|store| store.url.is_some()) {
        section.keys.value(2, "url", "null");
    }
    let path = if service.path.is_empty() { String::new() } else { format!(", path: {}", quoted(&service.path)) };
    section.keys.value(
        2,
        "service",
        &format!(
            "{{namespace: {}, name: {}, port: {}{path}}}",
            quoted(&service.namespace),
            quoted(&service.name),
            quoted(&service.port)
        ),
    );
    let label = facts.store_label("namespace");
    section.keys.text(2, "series", &format!("{}{{{label}=\"{}\"}}", facts.series, facts.namespace));
}
