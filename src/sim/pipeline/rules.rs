//! The supported part of the adapter's configuration (prometheus-adapter v0.12.0, pkg/config/config.go).

use regex::Regex;
use serde_json::{Map, Value};

use super::exposition::PipelineLabels;
use super::promql::{self, PromqlExpr, PromqlSelector};

/// The adapter's configuration.
#[derive(Debug, Default)]
pub(super) struct AdapterConfig {
    pub(super) rules: Vec<AdapterRule>,
    pub(super) external_rules: Vec<AdapterRule>,
}

/// A rule of the adapter.
#[derive(Debug)]
pub(super) struct AdapterRule {
    /// The series that it applies to.
    pub(super) series: PromqlSelector,
    /// The same as the rule writes it.
    series_query: String,
    resources: ResourceMapping,
    name_pattern: Regex,
    name_template: String,
    query_template: String,
}

/// Maps labels to resources.
#[derive(Debug)]
enum ResourceMapping {
    Overrides(Vec<(String, MetricResource)>),
    /// The parts of the label before and after the resource's name.
    Template(String, String),
}

/// A resource that metrics can describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MetricResource {
    pub(super) kind: &'static str,
    /// Name in a label template.
    pub(super) singular: &'static str,
    /// Name in paths, with the group.
    pub(super) plural: &'static str,
    /// API version, as the adapter writes it.
    pub(super) api_version: &'static str,
}

const fn metric_resource(
    kind: &'static str,
    singular: &'static str,
    plural: &'static str,
    api_version: &'static str,
) -> MetricResource {
    MetricResource { kind, singular, plural, api_version }
}

pub(super) const NAMESPACE: MetricResource = metric_resource("Namespace", "namespace", "namespaces", "/v1");
const RESOURCES: [MetricResource; 5] = [
    NAMESPACE,
    metric_resource("Pod", "pod", "pods", "/v1"),
    metric_resource("Service", "service", "services", "/v1"),
    metric_resource("Deployment", "deployment", "deployments.apps", "apps/v1"),
    metric_resource("StatefulSet", "statefulset", "statefulsets.apps", "apps/v1"),
];

/// The resource of a path segment.
pub(super) fn find_resource(plural: &str) -> Option<MetricResource> {
    RESOURCES.into_iter().find(|resource| resource.plural == plural)
}

/// What of the adapter's configuration (`rules`, `externalRules`) the simulator does not support, each with its rule; empty if
/// it supports all of it.
pub(in crate::sim) fn find_unsupported(config: &Value) -> Vec<String> {
    parse_config(config).err().unwrap_or_default()
}

/// Whether a configuration that is supported has a rule of a metric.
pub(in crate::sim) fn has_rule_of(config: &Value, metric: &str) -> bool {
    let Ok(AdapterConfig { rules, external_rules }) = parse_config(config) else { return true };
    rules.iter().chain(&external_rules).any(|rule| rule.may_serve(metric))
}

/// The series that the rules of a metric select, as the rules write them, where no rule of it selects a series with one of these
/// names. Empty where the configuration is not supported, or has no rule of the metric.
pub(in crate::sim) fn find_unserved_series(config: &Value, metric: &str, names: &[&str]) -> Vec<String> {
    let Ok(AdapterConfig { rules, external_rules }) = parse_config(config) else { return Vec::new() };
    let of_metric: Vec<_> = rules.iter().chain(&external_rules).filter(|rule| rule.may_serve(metric)).collect();
    let is_served = |rule: &&AdapterRule| names.iter().any(|name| rule.series.selects_metric(name));
    match of_metric.iter().any(is_served) {
        true => Vec::new(),
        false => of_metric.iter().map(|rule| rule.series_query.clone()).collect(),
    }
}

fn is_empty_value(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Parses the adapter's configuration. The errors name what is not supported, each with its rule.
pub(super) fn parse_config(config: &Value) -> Result<AdapterConfig, Vec<String>> {
    let mut lacks = Vec::new();
    let mut parsed = AdapterConfig::default();
    let Some(fields) = config.as_object() else {
        return Err(vec!["an adapter configuration that is not an object".to_owned()]);
    };
    for (key, value) in fields {
        match key.as_str() {
            "rules" => parsed.rules = parse_rules(value, "", &mut lacks),
            "externalRules" => parsed.external_rules = parse_rules(value, "external ", &mut lacks),
            other => lacks.push(format!("`{other}` in the adapter's configuration")),
        }
    }
    if lacks.is_empty() { Ok(parsed) } else { Err(lacks) }
}

/// Parses rules, and names each that is not supported with all that it lacks.
fn parse_rules(rules: &Value, kind: &str, lacks: &mut Vec<String>) -> Vec<AdapterRule> {
    let mut parsed = Vec::new();
    for (index, value) in rules.as_array().into_iter().flatten().enumerate() {
        let mut of_rule = Vec::new();
        parsed.extend(parse_rule(value, &mut of_rule));
        if !of_rule.is_empty() {
            let names = [&value["name"]["as"], &value["seriesQuery"]];
            let name = names.into_iter().find_map(Value::as_str).map_or(String::new(), |name| format!(" ({name})"));
            lacks.push(format!("in {kind}rule {}{name}: {}", index + 1, of_rule.join(", ")));
        }
    }
    parsed
}

/// Parses one rule; `None` where it lacks something, which is added.
fn parse_rule(value: &Value, lacks: &mut Vec<String>) -> Option<AdapterRule> {
    let known = ["seriesQuery", "seriesFilters", "resources", "name", "metricsQuery"];
    add_unknown_keys(value, &known, "", lacks);
    if !is_empty_value(&value["seriesFilters"]) && !value["seriesFilters"].is_null() {
        lacks.push("seriesFilters".to_owned());
    }
    add_unknown_keys(&value["name"], &["matches", "as"], " below name", lacks);
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let required = |key: &str| string(&value[key]).ok_or_else(|| format!("a rule without {key}"));
    let series_query = keep(required("seriesQuery"), lacks);
    let series = series_query.as_deref().and_then(|text| keep(promql::parse_selector(text), lacks));
    let matches = string(&value["name"]["matches"]).unwrap_or_else(|| ".*".to_owned());
    let matches = keep(Regex::new(&matches).map_err(|_| format!("the regular expression {matches}")), lacks);
    let name = match (string(&value["name"]["as"]), matches.as_ref().map_or(1, Regex::captures_len)) {
        (Some(name), _) => name,
        (None, 1) => "$0".to_owned(),
        (None, 2) => "$1".to_owned(),
        (None, _) => {
            lacks.push("a name with several groups and no `as`".to_owned());
            String::new()
        }
    };
    let resources = parse_resources(&value["resources"], lacks);
    let query = keep(required("metricsQuery"), lacks);
    // Names what is not supported in a query now instead of on the first request.
    lacks.extend(query.as_deref().map(find_unsupported_in_query).unwrap_or_default());
    Some(AdapterRule {
        series: series?,
        series_query: series_query?,
        resources,
        name_pattern: matches?,
        name_template: name,
        query_template: query?,
    })
    .filter(|_| lacks.is_empty())
}

/// The value, or adds the error.
fn keep<T>(result: Result<T, String>, lacks: &mut Vec<String>) -> Option<T> {
    result.map_err(|lack| lacks.push(lack)).ok()
}

fn add_unknown_keys(value: &Value, known: &[&str], place: &str, lacks: &mut Vec<String>) {
    let keys = value.as_object().into_iter().flatten().map(|(key, _)| key);
    lacks.extend(keys.filter(|key| !known.contains(&key.as_str())).map(|key| format!("`{key}`{place}")));
}

fn parse_resources(value: &Value, lacks: &mut Vec<String>) -> ResourceMapping {
    add_unknown_keys(value, &["overrides", "template", "namespaced"], " below resources", lacks);
    if value["namespaced"] == false {
        return ResourceMapping::Overrides(Vec::new());
    }
    if let Some(template) = value["template"].as_str() {
        let split = template.split_once("<<.Resource>>").filter(|(a, b)| !a.contains("<<") && !b.contains("<<"));
        let split = keep(split.ok_or_else(|| format!("the resource template `{template}`")), lacks);
        let (before, after) = split.unwrap_or_default();
        return ResourceMapping::Template(before.to_owned(), after.to_owned());
    }
    let mut overrides = Vec::new();
    for (label, value) in value["overrides"].as_object().into_iter().flatten() {
        let name = value["resource"].as_str().unwrap_or_default();
        let found = RESOURCES.into_iter().find(|r| r.singular == name || r.plural.split('.').next() == Some(name));
        let found = keep(found.ok_or_else(|| format!("the resource `{name}`")), lacks);
        overrides.extend(found.map(|resource| (label.clone(), resource)));
    }
    ResourceMapping::Overrides(overrides)
}

/// What of a query template the simulator does not support.
fn find_unsupported_in_query(template: &str) -> Vec<String> {
    match fill_query(template, "series", "label=\"value\"", "label") {
        Ok(query) => promql::find_unsupported(&query),
        Err(lack) => vec![lack],
    }
}

/// A query template with its placeholders filled in.
fn fill_query(template: &str, series: &str, matchers: &str, by: &str) -> Result<String, String> {
    let query = template.replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers);
    let query = query.replace("<<.GroupBy>>", by);
    if query.contains("<<") { Err(format!("the placeholder in `{query}`")) } else { Ok(query) }
}

impl AdapterRule {
    /// The name of a series' metric; `None` if the rule does not apply.
    pub(super) fn metric_name(&self, series: &str) -> Option<String> {
        let captures = self.name_pattern.captures(series)?;
        let mut name = String::new();
        captures.expand(&self.name_template, &mut name);
        Some(name)
    }

    /// The label of a resource.
    pub(super) fn resource_label(&self, resource: MetricResource) -> Option<String> {
        match &self.resources {
            ResourceMapping::Overrides(all) => {
                all.iter().find(|(_, one)| *one == resource).map(|(label, _)| label.clone())
            }
            ResourceMapping::Template(before, after) => Some(format!("{before}{}{after}", resource.singular)),
        }
    }

    /// The resources that have a label in a series.
    pub(super) fn named_resources(&self, labels: &PipelineLabels) -> Vec<MetricResource> {
        let is_named = |r: &MetricResource| self.resource_label(*r).is_some_and(|label| labels.contains_key(&label));
        RESOURCES.into_iter().filter(is_named).collect()
    }

    /// The query of a metric, from the template.
    pub(super) fn build_query(&self, series: &str, matchers: &str, by: &str) -> Result<PromqlExpr, String> {
        promql::parse(&fill_query(&self.query_template, series, matchers, by)?)
    }

    /// Whether it names a metric so, by the name of its series where it gives no other name.
    fn may_serve(&self, metric: &str) -> bool {
        match self.series.name.as_str() {
            "" => self.name_template == metric,
            series => self.metric_name(series).as_deref() == Some(metric),
        }
    }
}
