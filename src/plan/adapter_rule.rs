//! Preflight warnings about the rule by which a Prometheus adapter serves the metric under test. Source: prometheus-adapter,
//! docs/config.md.

use serde_json::Value;

use super::capacity;
use crate::model::adapter_rule::{AdapterRules, query_delay_ms};
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::{AdoptedHpa, Inventory};
use crate::model::metric_under_test::{MetricKind, MetricUnderTest, TargetType};
use crate::model::promql_query::find_unclosed;
use crate::model::scenario::Scenario;
use crate::units::HumanDuration;

/// The template variable that the adapter replaces by the labels of the requested objects in a query.
const LABEL_MATCHERS: &str = "<<.LabelMatchers>>";
const GROUP_BY: [&str; 2] = ["<<.GroupBy>>", "<<.GroupBySlice>>"];

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, metric: Option<&MetricUnderTest>) -> Vec<String> {
    // KEDA serves the metric of a ScaledObject.
    let is_of_keda = scenario.hpa_source() == HpaSource::ScaledObject
        || inventory.adopted_hpa.as_ref().is_some_and(AdoptedHpa::is_of_scaled_object);
    let Some(metric) = metric.filter(|_| !is_of_keda) else { return Vec::new() };
    let mut all: Vec<String> = unserved_warning(scenario, metric).into_iter().collect();
    for rules in AdapterRules::from_scenario(scenario) {
        let release = rules.release;
        let Some(rule) = rules.serving(metric) else { continue };
        let subject = format!("the rule of {} in release {release}", metric.name);
        all.extend(pod_warning(&subject, rule, metric));
        all.extend(query_warnings(&subject, rule, metric));
        if let Some(query) = rule["metricsQuery"].as_str() {
            all.extend(average_warning(&subject, query, scenario, metric));
            all.extend(sum_warning(&subject, query, scenario, metric));
        }
        all.extend(device_warning(&subject, rule, scenario, inventory));
        let others = rules.of_kind(metric.kind).filter(|other| !std::ptr::eq(*other, rule));
        all.extend(others.filter_map(|other| {
            let name = other["name"]["as"].as_str().or(other["seriesQuery"].as_str()).unwrap_or_default();
            misplaced_query(&format!("the rule of {name} in release {release}"), other)
        }));
        if rules.has_default() {
            all.push(format!(
                "release {release} has rules.default: true, which adds a metric for nearly every series of the store: in a large store that delays {}; set it to false",
                metric.name
            ));
        }
    }
    all
}

/// Warns where the scenario's adapters have rules, and none serves the metric. A rule that makes its names of a pattern may
/// serve any.
fn unserved_warning(scenario: &Scenario, metric: &MetricUnderTest) -> Option<String> {
    let (mut releases, mut names) = (Vec::new(), Vec::new());
    for rules in AdapterRules::from_scenario(scenario) {
        if rules.has_default() || rules.has_other_sources() || rules.serving(metric).is_some() {
            return None;
        }
        releases.push(rules.release);
        for rule in rules.of_kind(metric.kind) {
            let name = rule["name"]["as"].as_str().or(rule["seriesQuery"].as_str()).unwrap_or_default();
            let is_pattern = name.contains('$') || name.contains("__name__") || name.starts_with('{');
            if is_pattern || (rule["name"]["matches"].is_string() && !rule["name"]["as"].is_string()) {
                return None;
            }
            names.push(name.split('{').next().unwrap_or_default());
        }
    }
    let has = if names.is_empty() { "none of this kind".to_owned() } else { names.join(", ") };
    (!releases.is_empty()).then(|| {
        format!(
            "no rule of release {} serves {} (it has rules of: {has}): unless another adapter serves it, Setup/MetricServed will be INCONCLUSIVE",
            releases.join(", "),
            metric.title()
        )
    })
}

/// Warns of a rule for a Pods metric that maps no label to the pod.
fn pod_warning(subject: &str, rule: &Value, metric: &MetricUnderTest) -> Option<String> {
    let resources = &rule["resources"];
    let mut mapped = resources["overrides"].as_object().into_iter().flatten().map(|(_, one)| &one["resource"]);
    let maps_pod = resources["template"].is_string() || mapped.any(|resource| resource == "pod" || resource == "pods");
    (metric.kind == MetricKind::Pods && !maps_pod).then(|| {
        format!(
            "{subject} maps no label to the pod (resources.overrides): the metrics API answers NotFound for a Pods metric, and Setup/MetricServed will be INCONCLUSIVE"
        )
    })
}

/// Warns of a query one level too deep.
fn misplaced_query(subject: &str, rule: &Value) -> Option<String> {
    (!rule["metricsQuery"].is_string() && rule["name"]["metricsQuery"].is_string()).then(|| {
        format!(
            "{subject} has metricsQuery below name, where the adapter ignores it: it takes its default query, a sum"
        )
    })
}

fn query_warnings(subject: &str, rule: &Value, metric: &MetricUnderTest) -> Vec<String> {
    let Some(query) = rule["metricsQuery"].as_str() else {
        return misplaced_query(subject, rule).into_iter().collect();
    };
    if let Some(what) = find_unclosed(query) {
        return vec![format!(
            "{subject} {what}: the store answers its query with an error, and Setup/MetricServed will be INCONCLUSIVE: `{query}`"
        )];
    }
    let mut all: Vec<String> = delay_warning(subject, query).into_iter().collect();
    if metric.kind == MetricKind::Pods && !GROUP_BY.iter().any(|group| query.contains(group)) && !groups_by_pod(query) {
        all.push(format!(
            "{subject} has no `by (<<.GroupBy>>)`: its result has no pod label, so no pod has a value, and Setup/MetricServed will be INCONCLUSIVE"
        ));
    }
    if !query.contains(LABEL_MATCHERS) && !query.contains("<<.LabelValuesByName>>") {
        all.push(format!(
            "{subject} has no {LABEL_MATCHERS}: it is computed over every namespace of the store, so that other workloads may count in it"
        ));
    }
    all
}

/// Warns of a query whose result follows the load later than the samples do.
pub(super) fn delay_warning(subject: &str, query: &str) -> Option<String> {
    let delay_ms = query_delay_ms(query);
    (delay_ms > 0).then(|| {
        format!(
            "{subject} has a range or an offset: its value follows the load up to {} later than the samples, which the bounds include: `{query}`",
            HumanDuration::from_ms(delay_ms)
        )
    })
}

/// Warns of an average against a target of type `AverageValue`, where the range does not show that it cannot reach maxReplicas.
pub(super) fn average_warning(
    subject: &str,
    query: &str,
    scenario: &Scenario,
    metric: &MetricUnderTest,
) -> Option<String> {
    let is_divided = metric.kind != MetricKind::Pods && metric.target_type == TargetType::AverageValue;
    let top = capacity::reachable_replicas(scenario, Some(metric)).last().copied().unwrap_or(1);
    let is_shown = scenario.metric.value_range().is_some() && top < scenario.hpa.spec.max_replicas;
    (is_divided && is_aggregated_by(query, "avg") && !is_shown).then(|| {
        format!(
            "{subject} is an average, and target type AverageValue divides it by the number of pods again: each new pod lowers what the HPA sees; use a sum, or target type Value"
        )
    })
}

/// Warns of a sum without a known range, such as the length of a queue, against a target of type Value. With a range, the sizes
/// that the metric can reach show what comes of it.
pub(super) fn sum_warning(subject: &str, query: &str, scenario: &Scenario, metric: &MetricUnderTest) -> Option<String> {
    let is_multiplied = metric.kind != MetricKind::Pods && metric.target_type == TargetType::Value;
    (is_multiplied && is_aggregated_by(query, "sum") && scenario.metric.value_range().is_none()).then(|| {
        format!(
            "{subject} is a sum, and target type Value multiplies its ratio to the target by the present replicas: the larger the workload already is, the more replicas the same sum asks for; a sum wants target type AverageValue"
        )
    })
}

/// Whether a query is one aggregation by this operator.
fn is_aggregated_by(query: &str, operator: &str) -> bool {
    query.trim_start().strip_prefix(operator).is_some_and(|rest| rest.starts_with(['(', ' ']))
}

/// Whether a query groups by a label of the pod that it names itself.
fn groups_by_pod(query: &str) -> bool {
    let mut parts = query.split("by").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('('));
    parts
        .any(|labels| labels.split(')').next().unwrap_or_default().split(',').any(|label| label.trim().contains("pod")))
}

/// Warns of an average over the devices of one pod: a model on one of them shows a part of its activity.
fn device_warning(subject: &str, rule: &Value, scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let query = rule["metricsQuery"].as_str()?;
    let devices =
        capacity::accelerator_capacity(scenario, inventory).needed / i64::from(scenario.hpa.spec.max_replicas.max(1));
    (is_aggregated_by(query, "avg") && devices > 1).then(|| {
        format!(
            "{subject} averages over the {devices} devices of a pod: a model on one of them shows 1/{devices} of its activity; use max, or give each pod one device"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::model::inventory::ChartSummary;

    /// The warnings about the built-in scenario with this rule.
    fn warn(edit: impl FnOnce(&mut Value), devices: i64) -> Vec<String> {
        let mut scenario: Scenario =
            serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
        let rules = scenario.releases.get_mut("prometheus-adapter").unwrap().values.get_mut("rules").unwrap();
        edit(rules);
        let resources = BTreeMap::from([("nvidia.com/gpu".to_owned(), devices)]);
        let chart = ChartSummary { target_resources: Some(resources), ..ChartSummary::default() };
        let inventory = Inventory { charts: [("ollama".to_owned(), chart)].into(), ..Inventory::default() };
        warnings(&scenario, &inventory, MetricUnderTest::from_scenario(&scenario).as_ref())
    }

    fn with_query(query: &str) -> Vec<String> {
        warn(|rules| rules["custom"][0]["metricsQuery"] = json!(query), 1)
    }

    #[test]
    fn a_metric_that_no_rule_serves_is_named_unless_a_rule_may_serve_any() {
        let unserved =
            "no rule of release prometheus-adapter serves Pods metric gpu_utilization (it has rules of: other)";
        assert!(warn(|rules| rules["custom"][0]["name"]["as"] = json!("other"), 1)[0].starts_with(unserved));
        assert!(warn(|rules| rules["custom"] = json!([]), 1)[0].contains("none of this kind"));
        let pattern = json!({"matches": "^(.*)_UTIL$", "as": "${1}"});
        assert_eq!(warn(|rules| rules["custom"][0]["name"] = pattern, 1), Vec::<String>::new());
    }

    #[test]
    fn a_rule_that_maps_no_pod_is_named() {
        let without = warn(
            |rules| rules["custom"][0]["resources"]["overrides"] = json!({"namespace": {"resource": "namespace"}}),
            1,
        );
        assert!(without[0].contains("maps no label to the pod"), "{without:?}");
        let template = warn(|rules| rules["custom"][0]["resources"] = json!({"template": "<<.Resource>>"}), 1);
        assert_eq!(template, Vec::<String>::new());
    }

    #[test]
    fn the_built_in_rule_has_no_warning() {
        assert_eq!(warn(|_| (), 1), Vec::<String>::new());
        assert_eq!(with_query("max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"), Vec::<String>::new());
    }

    #[test]
    fn a_window_and_an_offset_are_named_with_their_time() {
        for (query, lag) in [
            ("avg(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)", "up to 2m later"),
            ("sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m30s])) by (<<.GroupBy>>)", "up to 1m30s later"),
            ("max_over_time(<<.Series>>{<<.LabelMatchers>>}[10m:30s]) by (<<.GroupBy>>)", "up to 10m later"),
            ("avg(<<.Series>>{<<.LabelMatchers>>} offset 1m) by (<<.GroupBy>>)", "up to 1m later"),
        ] {
            let found = with_query(query);
            assert!(found.len() == 1 && found[0].contains(lag), "{query}: {found:?}");
        }
    }

    #[test]
    fn the_bounds_include_the_ranges_and_offsets_of_the_rule() {
        let lag = |query: &str| {
            let mut scenario: Scenario =
                serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
            let rules = scenario.releases.get_mut("prometheus-adapter").unwrap().values.get_mut("rules").unwrap();
            rules["custom"][0]["metricsQuery"] = json!(query);
            let plan = crate::plan::plan(&scenario, &Inventory::default(), "x");
            let names = ["metric follows the load", "hold", "metric falls back", "scale-down", "metric served"];
            let bounds = plan.bounds.iter().filter(|bound| names.contains(&bound.name.as_str()));
            bounds.map(crate::model::plan::TimeBound::total_ms).collect::<Vec<_>>()
        };
        let plain = lag("avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)");
        let smoothed = lag("avg(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[2m] offset 1m)) by (<<.GroupBy>>)");
        assert_eq!(smoothed, plain.iter().map(|ms| ms + 180_000).collect::<Vec<_>>());
        assert_eq!(plain.len(), 5);
    }

    #[test]
    fn a_sum_against_a_value_is_named() {
        let mut scenario: Scenario = serde_saphyr::from_str(include_str!("../../scenarios/suse-ai.yaml")).unwrap();
        (scenario.metric.range, scenario.metric.profile) = (None, None);
        let object = scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
        let name = object.metric.name.clone();
        let mut found = |target: &str, query: &str| {
            let metric = scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
            metric.target = serde_json::from_str(target).unwrap();
            let rules = json!({"custom": [{"name": {"as": name}, "metricsQuery": query}]});
            let release = crate::model::scenario::ReleaseSpec {
                values: json!({"rules": rules}).as_object().unwrap().clone(),
                ..Default::default()
            };
            scenario.releases = [("adapter".to_owned(), release)].into();
            warnings(&scenario, &Inventory::default(), MetricUnderTest::from_scenario(&scenario).as_ref()).join("; ")
        };
        let (value, average) = (r#"{"type":"Value","value":"1"}"#, r#"{"type":"AverageValue","averageValue":"1"}"#);
        assert!(found(value, "sum by (namespace) (x{<<.LabelMatchers>>})").contains("is a sum, and target type Value"));
        assert_eq!(found(average, "sum(x{<<.LabelMatchers>>}) by (<<.GroupBy>>)"), "");
        assert_eq!(found(value, "avg(x{<<.LabelMatchers>>}) by (<<.GroupBy>>)"), "");
    }

    #[test]
    fn a_bracket_that_is_not_closed_is_named_alone() {
        let found = with_query("avg(<<.Series>>{<<.LabelMatchers>>} by (<<.GroupBy>>)");
        assert!(found.len() == 1 && found[0].contains("has a `(` that is not closed"), "{found:?}");
    }

    #[test]
    fn an_average_that_is_divided_again_is_named_where_no_range_shows_it() {
        let mut scenario: Scenario = serde_saphyr::from_str(include_str!("../../scenarios/suse-ai.yaml")).unwrap();
        let object = scenario.hpa.spec.metrics.as_mut().unwrap()[0].object.as_mut().unwrap();
        object.target = serde_json::from_str(r#"{"type":"AverageValue","averageValue":"70"}"#).unwrap();
        let warn = |scenario: &Scenario| {
            warnings(scenario, &Inventory::default(), MetricUnderTest::from_scenario(scenario).as_ref()).join("; ")
        };
        assert!(!warn(&scenario).contains("is an average"), "{}", warn(&scenario));
        (scenario.metric.range, scenario.metric.profile) = (None, None);
        assert!(warn(&scenario).contains("is an average, and target type AverageValue divides"), "{}", warn(&scenario));
    }

    #[test]
    fn a_query_without_groups_or_matchers_is_named() {
        let found = with_query("avg(<<.Series>>{<<.LabelMatchers>>})");
        assert!(found.len() == 1 && found[0].contains("no `by (<<.GroupBy>>)`"), "{found:?}");
        let found = with_query("sum by (namespace, pod) (DCGM_FI_DEV_GPU_UTIL)");
        assert!(found.len() == 1 && found[0].contains("no <<.LabelMatchers>>"), "{found:?}");
    }

    #[test]
    fn a_query_below_name_the_default_rules_and_several_devices_are_named() {
        let below = warn(
            |rules| {
                let rule = rules["custom"][0].as_object_mut().unwrap();
                let query = rule.shift_remove("metricsQuery").unwrap();
                rule["name"]["metricsQuery"] = query;
            },
            1,
        );
        assert!(below.len() == 1 && below[0].contains("metricsQuery below name"), "{below:?}");
        let default = warn(|rules| rules["default"] = json!(true), 1);
        assert!(default.len() == 1 && default[0].contains("rules.default: true"), "{default:?}");
        let second = json!({"seriesQuery": "x{}", "name": {"as": "another", "metricsQuery": "avg(x)"}});
        let second = warn(|rules| rules["custom"].as_array_mut().unwrap().push(second), 1);
        assert!(second.len() == 1 && second[0].starts_with("the rule of another in release"), "{second:?}");
        let devices = warn(|_| (), 7);
        assert!(devices.len() == 1 && devices[0].contains("shows 1/7 of its activity"), "{devices:?}");
    }

    #[test]
    fn of_the_rule_of_another_metric_only_its_name_is_looked_at() {
        let other = |rules: &mut Value| {
            rules["custom"][0]["name"]["as"] = json!("another");
            rules["custom"][0]["metricsQuery"] = json!("avg(x[5m])");
        };
        let warned = warn(other, 7);
        assert!(warned.len() == 1 && warned[0].contains("(it has rules of: another)"), "{warned:?}");
    }
}
