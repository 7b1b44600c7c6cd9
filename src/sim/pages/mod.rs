//! The pages of metrics that the simulated platform can have, by profile: those of exporters of devices, and those that inference
//! servers serve of themselves. It has the exporter and the servers' page of which the scenario names a series. How they
//! look follows the recorded pages in fixtures/pages; what they show is computed by `pipeline`.

mod exporters;
mod servers;

use crate::model::adapter_rule::AdapterRules;
use crate::model::metric_under_test::MetricKind;
use crate::model::scenario::Scenario;
use crate::model::shipped_profiles;
pub(in crate::sim) use exporters::{DCGM, DeviceField, DeviceQuantity, ENGINE_ACTIVE_FIELD, ExporterPage, LabelSet};
pub(in crate::sim) use servers::{RequestState, ServedPage};

/// The exporter of devices of which the scenario names a series, else the one of its profile, else dcgm-exporter.
pub(in crate::sim) fn find_exporter(scenario: &Scenario) -> &'static ExporterPage {
    let of_profile = || exporters::ALL.into_iter().find(|page| is_of_profile(scenario, page.profile));
    find_named_exporter(scenario).or_else(of_profile).unwrap_or(&DCGM)
}

/// The exporter of devices of which the scenario names a series.
fn find_named_exporter(scenario: &Scenario) -> Option<&'static ExporterPage> {
    let names_one = |text: &String| {
        exporters::ALL.into_iter().find(|page| page.fields.iter().any(|field| names_series(text, field.name)))
    };
    series_texts(scenario).iter().find_map(names_one)
}

/// The profile of the exporter of which the scenario names a series, if it measures no device of this extended resource, and
/// another exporter does: no cluster has that exporter's series of such a device.
pub(in crate::sim) fn find_foreign_exporter(scenario: &Scenario, resource: &str) -> Option<&'static str> {
    let measures = |page: &&ExporterPage| {
        shipped_profiles::find(page.profile).is_ok_and(|profile| profile.lists_resource(resource))
    };
    let named = find_named_exporter(scenario).filter(|page| !measures(page))?;
    exporters::ALL.iter().any(measures).then_some(named.profile)
}

/// The page of an inference server of which the scenario names a series, or whose profile it has, with the port that
/// `metric.exporter` states for it. The simulated servers serve it beside Ollama's protocol.
pub(in crate::sim) fn find_server_page(scenario: &Scenario) -> Option<ServedPage> {
    let names_one =
        |text: &String| servers::ALL.into_iter().find(|page| page.known_names().any(|name| names_series(text, name)));
    let of_profile = || servers::ALL.into_iter().find(|page| is_of_profile(scenario, page.profile));
    let page = series_texts(scenario).iter().find_map(names_one).or_else(of_profile)?;
    let exporter = scenario.metric.exporter.as_ref();
    let stated = exporter.filter(|exporter| page.known_names().any(|name| name == exporter.metric_name));
    let port = stated.map_or(page.port, |exporter| exporter.port);
    Some(ServedPage { page, port, model: scenario.load.model.clone() })
}

/// Whether a rule or selector of the scenario has labels that a store renames where it scrapes without `honorLabels`.
pub(in crate::sim) fn names_renamed_labels(scenario: &Scenario) -> bool {
    series_texts(scenario).iter().any(|text| ["exported_pod", "exported_namespace"].iter().any(|l| text.contains(l)))
}

/// The profiles of all pages but these.
pub(in crate::sim) fn other_profiles(known: &[&str]) -> Vec<&'static str> {
    let of_exporters = exporters::ALL.into_iter().map(|page| page.profile);
    let mut all: Vec<_> = of_exporters.chain(servers::ALL.into_iter().map(|page| page.profile)).collect();
    all.dedup();
    all.retain(|profile| !known.contains(profile));
    all
}

fn is_of_profile(scenario: &Scenario, name: &str) -> bool {
    scenario.metric.profile.as_ref().is_some_and(|profile| profile.name == name)
}

/// What names series in a scenario: the exporter's metric first, then the store's selector, rules and queries.
fn series_texts(scenario: &Scenario) -> Vec<String> {
    let metric = &scenario.metric;
    let exporter = metric.exporter.iter().map(|exporter| exporter.metric_name.clone());
    let store = metric.store.iter().map(|store| store.series.clone());
    let rules = AdapterRules::from_scenario(scenario).flat_map(|rules| {
        let kinds = [MetricKind::Pods, MetricKind::External];
        kinds.iter().flat_map(|kind| rules.of_kind(*kind)).collect::<Vec<_>>()
    });
    let rules = rules.flat_map(|rule| ["seriesQuery", "metricsQuery"].map(|key| &rule[key]));
    let rules = rules.filter_map(|text| text.as_str().map(str::to_owned));
    let triggers = scenario.scaled_object.iter().filter_map(|it| it.spec.get("triggers"));
    let query = triggers.filter_map(|all| all[0]["metadata"]["query"].as_str().map(str::to_owned));
    exporter.chain(store).chain(rules).chain(query).collect()
}

/// Whether a selector, rule or query has this metric name, and not as a part of a longer one.
fn names_series(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_of_its_shipped_profile() {
        for page in exporters::ALL {
            let profile = shipped_profiles::find(page.profile).unwrap();
            assert!(!profile.own_page);
            let unknown = page.fields.iter().find(|field| !profile.series.contains_key(field.name));
            assert!(unknown.is_none(), "{unknown:?} of {}", page.profile);
        }
        for page in servers::ALL {
            let profile = shipped_profiles::find(page.profile).unwrap();
            assert!(profile.own_page);
            let unknown = page.known_names().find(|name| !profile.series.contains_key(*name));
            assert!(unknown.is_none(), "{unknown:?} of {}", page.profile);
            for field in page.fields {
                let is_queue = field.requests == RequestState::Waiting;
                assert_eq!(profile.series[field.name].zero_while_busy, is_queue, "{}", field.name);
            }
        }
    }

    #[test]
    fn a_series_is_named_as_a_whole_word() {
        let waiting = "vllm:num_requests_waiting";
        for text in [waiting, "{__name__=~\"^vllm:num_requests_waiting$\"}", "sum by(x) (vllm:num_requests_waiting{})"]
        {
            assert!(names_series(text, waiting), "{text}");
        }
        assert!(!names_series("vllm:num_requests_waiting_by_reason", waiting));
        assert!(!names_series("amd_gpu_gfx_activity{pod!=\"\"}", "gpu_gfx_activity"));
    }

    fn scenario(metric: &str) -> Scenario {
        Scenario { metric: serde_saphyr::from_str(metric).unwrap(), ..Scenario::default() }
    }

    #[test]
    fn the_pages_are_those_whose_series_the_scenario_names() {
        let cases = [
            ("{}", "dcgm", None),
            ("profile: amd", "amd", None),
            ("exporter: {namespace: n, port: 5000, metricName: amd_gpu_gfx_activity}", "amd", None),
            ("{profile: amd, store: {series: 'DCGM_FI_DEV_GPU_UTIL{pod!=\"\"}'}}", "dcgm", None),
            ("profile: tgi", "dcgm", Some(("tgi", 80))),
            ("store: {series: 'vllm:num_requests_running'}", "dcgm", Some(("vllm", 8000))),
            (
                "exporter: {namespace: n, port: 8081, metricName: 'vllm:num_requests_running'}",
                "dcgm",
                Some(("vllm", 8081)),
            ),
            (
                "{exporter: {namespace: n, port: 9400, metricName: DCGM_FI_DEV_GPU_UTIL}, store: {series: 'llamacpp:requests_deferred'}}",
                "dcgm",
                Some(("llama-cpp", 8080)),
            ),
        ];
        for (metric, exporter, server) in cases {
            let scenario = scenario(metric);
            assert_eq!(find_exporter(&scenario).profile, exporter, "{metric}");
            let found = find_server_page(&scenario);
            assert_eq!(found.as_ref().map(|served| (served.page.profile, served.port)), server, "{metric}");
        }
        let prefixed = scenario("exporter: {namespace: n, port: 5000, metricName: amd_gpu_gfx_activity}");
        assert!(find_exporter(&prefixed).fields.iter().all(|field| field.name.starts_with("amd_")));
    }
}
