//! The supported part of the adapter's configuration (prometheus-adapter v0.12.0, pkg/config/config.go).

use regex::Regex;
use serde_json::{Map, Value};

use super::exporter::PipelineLabels;
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

/// Checks that the simulator supports a configuration: the adapter's own (`rules`, `externalRules`) or the chart's
/// `rules` value.
pub(in crate::sim) fn check_rules(rules: &Value) -> Result<(), String> {
    let unsupported = |feature: &str| format!("the simulator does not support {feature}");
    let Some(fields) =
        rules.as_object().filter(|fields| !["rules", "externalRules"].iter().any(|key| fields.contains_key(*key)))
    else {
        return parse_config(rules).map(|_| ());
    };
    if fields.get("default") != Some(&Value::Bool(false)) {
        return Err(unsupported("the adapter's default rules (rules.default: true)"));
    }
    let is_empty = |value: &Value| matches!(value, Value::Null) || value.as_str() == Some("") || is_empty_value(value);
    for (key, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
        match key.as_str() {
            "default" => {}
            "custom" | "external" => drop(parse_rules(value)?),
            other => return Err(unsupported(&format!("`{other}` among the adapter's rules"))),
        }
    }
    Ok(())
}

fn is_empty_value(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Parses the adapter's configuration.
pub(super) fn parse_config(config: &Value) -> Result<AdapterConfig, String> {
    let mut parsed = AdapterConfig::default();
    let fields =
        config.as_object().ok_or("the simulator does not support an adapter configuration that is not an object")?;
    for (key, value) in fields {
        match key.as_str() {
            "rules" => parsed.rules = parse_rules(value)?,
            "externalRules" => parsed.external_rules = parse_rules(value)?,
            other => {
                return Err(format!("the simulator does not support `{other}` in the adapter's configuration"));
            }
        }
    }
    Ok(parsed)
}

fn parse_rules(rules: &Value) -> Result<Vec<AdapterRule>, String> {
    let all = rules.as_array().into_iter().flatten().map(parse_rule).collect::<Result<_, _>>();
    all.map_err(|feature| format!("the simulator does not support {feature}"))
}

fn parse_rule(value: &Value) -> Result<AdapterRule, String> {
    let known = ["seriesQuery", "seriesFilters", "resources", "name", "metricsQuery"];
    reject_unknown_keys(value, &known, "an adapter rule")?;
    if !is_empty_value(&value["seriesFilters"]) && !value["seriesFilters"].is_null() {
        return Err("seriesFilters in an adapter rule".to_owned());
    }
    reject_unknown_keys(&value["name"], &["matches", "as"], "the name of an adapter rule")?;
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let series = string(&value["seriesQuery"]).ok_or("an adapter rule without seriesQuery")?;
    let matches = string(&value["name"]["matches"]).unwrap_or_else(|| ".*".to_owned());
    let matches = Regex::new(&matches).map_err(|_| format!("the regular expression {matches}"))?;
    let name = match (string(&value["name"]["as"]), matches.captures_len()) {
        (Some(name), _) => name,
        (None, 1) => "$0".to_owned(),
        (None, 2) => "$1".to_owned(),
        (None, _) => return Err("a name of an adapter rule with several groups and no `as`".to_owned()),
    };
    let rule = AdapterRule {
        series: promql::parse_selector(&series)?,
        resources: parse_resources(&value["resources"])?,
        name_pattern: matches,
        name_template: name,
        query_template: string(&value["metricsQuery"]).ok_or("an adapter rule without metricsQuery")?,
    };
    // Rejects an unsupported query now instead of on the first request.
    rule.build_query("series", "label=\"value\"", "label").map(|_| rule)
}

fn reject_unknown_keys(value: &Value, known: &[&str], parent: &str) -> Result<(), String> {
    let other = value.as_object().into_iter().flatten().find(|(key, _)| !known.contains(&key.as_str()));
    other.map_or(Ok(()), |(key, _)| Err(format!("`{key}` in {parent}")))
}

fn parse_resources(value: &Value) -> Result<ResourceMapping, String> {
    reject_unknown_keys(value, &["overrides", "template", "namespaced"], "the resources of an adapter rule")?;
    if value["namespaced"] == false {
        return Ok(ResourceMapping::Overrides(Vec::new()));
    }
    if let Some(template) = value["template"].as_str() {
        let split = template.split_once("<<.Resource>>").filter(|(a, b)| !a.contains("<<") && !b.contains("<<"));
        let (before, after) = split.ok_or_else(|| format!("the template `{template}` of an adapter rule"))?;
        return Ok(ResourceMapping::Template(before.to_owned(), after.to_owned()));
    }
    let overrides = value["overrides"].as_object().into_iter().flatten();
    let overrides = overrides.map(|(label, value)| {
        let name = value["resource"].as_str().unwrap_or_default();
        let found = RESOURCES.into_iter().find(|r| r.singular == name || r.plural.split('.').next() == Some(name));
        found.map(|r| (label.clone(), r)).ok_or_else(|| format!("the resource `{name}` of an adapter rule"))
    });
    overrides.collect::<Result<_, _>>().map(ResourceMapping::Overrides)
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
        let query = self.query_template.replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers);
        let query = query.replace("<<.GroupBy>>", by);
        let placeholder = query.contains("<<").then(|| format!("the placeholder in `{query}`"));
        placeholder.map_or_else(|| promql::parse(&query), Err)
    }
}
