//! Preflight warnings about the rule by which a Prometheus adapter serves the metric under test, as a release's values state
//! it (`rules` of the chart prometheus-adapter). Source: prometheus-adapter, docs/config.md.

use serde_json::Value;

use super::capacity;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::{MetricKind, MetricUnderTest};
use crate::model::scenario::Scenario;

/// The template variable that the adapter replaces by the labels of the requested objects in a query.
const LABEL_MATCHERS: &str = "<<.LabelMatchers>>";
const GROUP_BY: [&str; 2] = ["<<.GroupBy>>", "<<.GroupBySlice>>"];

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, metric: Option<&MetricUnderTest>) -> Vec<String> {
    let Some(metric) = metric else { return Vec::new() };
    let mut all = Vec::new();
    for (release, spec) in &scenario.releases {
        let Some(rules) = spec.values.get("rules").filter(|rules| rules.is_object()) else { continue };
        let kind = if metric.kind == MetricKind::External { "external" } else { "custom" };
        let Some(rule) = rules[kind].as_array().into_iter().flatten().find(|rule| serves(rule, &metric.name)) else {
            continue;
        };
        let subject = format!("the rule of {} in release {release}", metric.name);
        all.extend(query_warnings(&subject, rule, metric));
        all.extend(device_warning(&subject, rule, scenario, inventory));
        if rules["default"] == true {
            all.push(format!(
                "release {release} has rules.default: true, which adds a metric for nearly every series of the store: in a large store that delays {}; set it to false",
                metric.name
            ));
        }
    }
    all
}

/// Whether a rule names the metric: by `name.as`, or by its series where it gives no other name.
fn serves(rule: &Value, metric: &str) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match text(&rule["name"]["as"]).as_str() {
        "" => text(&rule["seriesQuery"]).split('{').next() == Some(metric),
        name => name == metric,
    }
}

fn query_warnings(subject: &str, rule: &Value, metric: &MetricUnderTest) -> Vec<String> {
    let mut all = Vec::new();
    let Some(query) = rule["metricsQuery"].as_str() else {
        if rule["name"]["metricsQuery"].is_string() {
            all.push(format!(
                "{subject} has metricsQuery below name, where the adapter ignores it: it takes its default query, a sum"
            ));
        }
        return all;
    };
    for lag in delays(query) {
        all.push(format!(
            "{subject} has `{lag}`: its value is older, or smoothed, by that time, which the assumed lag does not include; add the time to assumptions.storeOffset, or take it out of the rule"
        ));
    }
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

/// The ranges and offsets of a query, as it writes them: `[2m]`, `offset 1m`.
fn delays(query: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in query.split('[').skip(1) {
        let range = part.split(']').next().unwrap_or_default();
        if is_duration(range.split(':').next().unwrap_or_default().trim()) {
            all.push(format!("[{range}]"));
        }
    }
    let words: Vec<&str> = query.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',')).collect();
    for pair in words.windows(2) {
        if pair[0] == "offset" && is_duration(pair[1]) {
            all.push(format!("offset {}", pair[1]));
        }
    }
    all
}

/// A duration as PromQL writes it: 5m, 1h30m.
fn is_duration(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(['s', 'm', 'h', 'd', 'w', 'y'])
}

/// Whether a query groups by a label of the pod that it names itself.
fn groups_by_pod(query: &str) -> bool {
    let mut parts = query.split("by").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('('));
    parts
        .any(|labels| labels.split(')').next().unwrap_or_default().split(',').any(|label| label.trim().contains("pod")))
}

/// Warns of an average over the devices of one pod: a model on one of them shows a part of its activity.
fn device_warning(subject: &str, rule: &Value, scenario: &Scenario, inventory: &Inventory) -> Option<String> {
    let query = rule["metricsQuery"].as_str()?.trim_start();
    let devices =
        capacity::accelerator_capacity(scenario, inventory).needed / i64::from(scenario.hpa.spec.max_replicas.max(1));
    let is_average = query.strip_prefix("avg").is_some_and(|rest| rest.starts_with(['(', ' ']));
    (is_average && devices > 1).then(|| {
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
    fn the_built_in_rule_has_no_warning() {
        assert_eq!(warn(|_| (), 1), Vec::<String>::new());
        assert_eq!(with_query("max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"), Vec::<String>::new());
    }

    #[test]
    fn a_window_and_an_offset_are_lag_that_no_assumption_knows() {
        for (query, lag) in [
            ("avg(avg_over_time(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)", "`[2m]`"),
            ("sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m30s])) by (<<.GroupBy>>)", "`[1m30s]`"),
            ("max_over_time(<<.Series>>{<<.LabelMatchers>>}[10m:30s]) by (<<.GroupBy>>)", "`[10m:30s]`"),
            ("avg(<<.Series>>{<<.LabelMatchers>>} offset 1m) by (<<.GroupBy>>)", "`offset 1m`"),
        ] {
            let found = with_query(query);
            assert!(found.len() == 1 && found[0].contains(lag), "{query}: {found:?}");
        }
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
        let devices = warn(|_| (), 7);
        assert!(devices.len() == 1 && devices[0].contains("shows 1/7 of its activity"), "{devices:?}");
    }

    #[test]
    fn the_rule_of_another_metric_is_not_looked_at() {
        let other = |rules: &mut Value| {
            rules["custom"][0]["name"]["as"] = json!("another");
            rules["custom"][0]["metricsQuery"] = json!("avg(x[5m])");
        };
        assert_eq!(warn(other, 7), Vec::<String>::new());
    }
}
