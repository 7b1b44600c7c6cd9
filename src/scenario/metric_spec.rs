//! Validates the metric of the HPA: everything that the API server refuses (kubernetes v1.37.2,
//! pkg/apis/autoscaling/validation/validation.go), and what it takes and the controller then answers with an error
//! (pkg/controller/podautoscaler/horizontal.go).

use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, MetricIdentifier, MetricSpec, MetricTarget};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::scenario_error::ScenarioProblem;

/// The types of metric that a run can test, with the key of their source.
const SOURCES: [(&str, &str); 3] = [("Pods", "pods"), ("Object", "object"), ("External", "external")];

/// All problems of the metrics, in the order of their fields.
pub(super) fn find_problems(metrics: &[MetricSpec]) -> Vec<ScenarioProblem> {
    let [metric] = metrics else {
        return vec![ScenarioProblem::new(
            "hpa.spec.metrics",
            format!(
                "has {} metrics; a verdict needs exactly one, so that it is clear what scaled the pods",
                metrics.len()
            ),
            "name one Pods, Object or External metric",
        )];
    };
    if let Some(problem) = type_problem(&metric.type_) {
        return vec![problem];
    }
    let mut check = MetricCheck { field: "hpa.spec.metrics.0".to_owned(), problems: Vec::new() };
    check.sources(metric);
    if check.problems.is_empty() {
        check.metric(metric);
    }
    check.problems
}

fn type_problem(kind: &str) -> Option<ScenarioProblem> {
    const FIELD: &str = "hpa.spec.metrics.0.type";
    match kind {
        "Resource" | "ContainerResource" => Some(ScenarioProblem::new(
            FIELD,
            format!(
                "is {kind}: CPU and memory do not measure accelerators; pod_autoscaling requires \"custom metrics relevant to AI/ML workloads\""
            ),
            "use a Pods, Object or External metric such as accelerator utilization",
        )),
        _ if SOURCES.iter().any(|(known, _)| *known == kind) => None,
        other => {
            Some(ScenarioProblem::new(FIELD, format!("`{other}` is not a metric type"), "use Pods, Object or External"))
        }
    }
}

/// Collects the problems of one metric.
struct MetricCheck {
    /// Path of the metric.
    field: String,
    problems: Vec<ScenarioProblem>,
}

impl MetricCheck {
    fn report(&mut self, field: &str, message: impl Into<String>, hint: &str) {
        self.problems.push(ScenarioProblem::new(&format!("{}.{field}", self.field), message, hint));
    }

    /// A metric has the source of its type, and no other.
    fn sources(&mut self, metric: &MetricSpec) {
        let present = [
            ("pods", metric.pods.is_some()),
            ("object", metric.object.is_some()),
            ("external", metric.external.is_some()),
            ("resource", metric.resource.is_some()),
            ("containerResource", metric.container_resource.is_some()),
        ];
        let own = SOURCES.iter().find(|(kind, _)| *kind == metric.type_).map_or("", |(_, source)| source);
        for (source, is_present) in present {
            if source == own && !is_present {
                self.report(
                    own,
                    format!("is missing for a metric of type {}", metric.type_),
                    "write the source that the type names",
                );
            } else if source != own && is_present {
                self.report(
                    source,
                    format!("is not valid for a metric of type {}", metric.type_),
                    "keep the source that the type names",
                );
            }
        }
    }

    fn metric(&mut self, metric: &MetricSpec) {
        if let Some(source) = &metric.pods {
            self.identifier("pods", &source.metric);
            self.target("pods", &source.target);
            self.pods_target(&source.target);
        }
        if let Some(source) = &metric.object {
            self.described_object(&source.described_object);
            self.identifier("object", &source.metric);
            self.target("object", &source.target);
            self.object_target(&source.target);
        }
        if let Some(source) = &metric.external {
            self.identifier("external", &source.metric);
            self.target("external", &source.target);
            self.external_target(&source.target);
        }
    }

    fn identifier(&mut self, source: &str, metric: &MetricIdentifier) {
        if metric.name.is_empty() {
            self.report(&format!("{source}.metric.name"), "is missing", "name the metric as the metrics API serves it");
        }
        if let Some((field, message)) = metric.selector.as_ref().and_then(selector_problem) {
            let field = format!("{source}.metric.selector.{field}");
            self.report(&field, message, "write the labels of the metric as Kubernetes writes labels");
        }
    }

    fn described_object(&mut self, object: &CrossVersionObjectReference) {
        for (key, text) in [("kind", &object.kind), ("name", &object.name)] {
            if text.is_empty() {
                self.report(
                    &format!("object.describedObject.{key}"),
                    "is missing",
                    "name the object that the metric is of",
                );
            }
        }
    }

    fn target(&mut self, source: &str, target: &MetricTarget) {
        const HINT: &str = "write AverageValue with averageValue, or Value with value";
        let field = format!("{source}.target.type");
        match target.type_.as_str() {
            "" => self.report(&field, "is missing", HINT),
            "Utilization" | "Value" | "AverageValue" => {}
            other => self.report(&field, format!("`{other}` is unknown to the API server"), HINT),
        }
        if let Some(percent) = target.average_utilization.filter(|percent| *percent < 1) {
            let field = format!("{source}.target.averageUtilization");
            self.report(
                &field,
                format!("is {percent}, and must be greater than 0"),
                "remove it: it is for CPU and memory",
            );
        }
    }

    /// The controller compares averageValue, whatever the type is.
    fn pods_target(&mut self, target: &MetricTarget) {
        if target.average_value.is_none() {
            self.report(
                "pods.target.averageValue",
                "is missing: a Pods metric has no other target",
                "set it, for example \"60\"",
            );
        }
    }

    /// The controller compares the value that the type names. The API server wants one of both, and does not compare it
    /// with the type.
    fn object_target(&mut self, target: &MetricTarget) {
        let (is_set, key) = match target.type_.as_str() {
            "Value" => (target.value.is_some(), "value"),
            "AverageValue" => (target.average_value.is_some(), "averageValue"),
            "Utilization" => {
                return self.report(
                    "object.target.type",
                    "is Utilization: the API server takes it, and the controller answers \"invalid object metric source: \
                     neither a value target nor an average value target was set\"",
                    "write Value with value, or AverageValue with averageValue",
                );
            }
            _ => return,
        };
        if !is_set {
            self.report(
                &format!("object.target.{key}"),
                format!("is missing: the controller compares an Object metric of target type {} with it", target.type_),
                "set it, or write the type of the value that is set",
            );
        }
    }

    /// The controller ignores the type, and the API server takes one value.
    fn external_target(&mut self, target: &MetricTarget) {
        const HINT: &str = "set one of value and averageValue";
        match (target.value.is_some(), target.average_value.is_some()) {
            (false, false) => self.report("external.target", "has neither value nor averageValue", HINT),
            (true, true) => self.report("external.target", "has both value and averageValue", HINT),
            _ => {}
        }
    }
}

/// The first part of a selector that the controller cannot turn into a request, with its path.
fn selector_problem(selector: &LabelSelector) -> Option<(String, String)> {
    for (key, value) in selector.match_labels.iter().flatten() {
        if !is_label_key(key) {
            return Some((format!("matchLabels.{key}"), format!("`{key}` is no label key")));
        }
        if !is_label_value(value) {
            return Some((format!("matchLabels.{key}"), format!("`{value}` is no label value")));
        }
    }
    let expressions = selector.match_expressions.iter().flatten().enumerate();
    expressions.into_iter().find_map(|(index, expression)| {
        let (field, message) = expression_problem(expression)?;
        Some((format!("matchExpressions.{index}.{field}"), message))
    })
}

fn expression_problem(expression: &LabelSelectorRequirement) -> Option<(&'static str, String)> {
    let values = expression.values.as_deref().unwrap_or_default();
    if !is_label_key(&expression.key) {
        return Some(("key", format!("`{}` is no label key", expression.key)));
    }
    match expression.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => Some(("values", format!("is empty for {}", expression.operator))),
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            Some(("values", format!("is not valid for {}", expression.operator)))
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {
            let wrong = values.iter().find(|value| !is_label_value(value))?;
            Some(("values", format!("`{wrong}` is no label value")))
        }
        other => Some(("operator", format!("`{other}` is no operator: use In, NotIn, Exists or DoesNotExist"))),
    }
}

/// A name of at most 63 letters, digits, `-`, `_` and `.`, with a subdomain and a slash before it or not
/// (k8s.io/apimachinery v0.37.2, pkg/util/validation/validation.go, `IsQualifiedName`).
fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_subdomain = |prefix: &str| {
        let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_inside);
        prefix.len() <= 253 && prefix.split('.').all(is_part)
    };
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let is_end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    value.len() <= 63 && value.chars().all(is_inside) && is_end(value.chars().next()) && is_end(value.chars().last())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The fields with problems of a metric of this type.
    fn fields(kind: &str, edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut source = json!({"metric": {"name": "gpu"}, "target": {"type": "AverageValue", "averageValue": "10"}});
        if kind == "Object" {
            source["describedObject"] = json!({"apiVersion": "v1", "kind": "Namespace", "name": "ai"});
        }
        edit(&mut source);
        let metric = json!({"type": kind, kind.to_lowercase(): source});
        let problems = find_problems(&[serde_json::from_value(metric).unwrap()]);
        problems.into_iter().map(|problem| problem.field.replace("hpa.spec.metrics.0.", "")).collect()
    }

    /// Every type of metric with every type of target and every set of values: a target is valid where the API server
    /// takes it and the controller has a value to compare.
    #[test]
    fn a_target_is_valid_where_api_server_and_controller_take_it() {
        for kind in ["Pods", "Object", "External"] {
            for target_type in ["Utilization", "Value", "AverageValue", "", "Percent"] {
                for (value, average) in [(false, false), (true, false), (false, true), (true, true)] {
                    let found = fields(kind, |source| {
                        source["target"] = json!({"type": target_type});
                        if value {
                            source["target"]["value"] = json!("10");
                        }
                        if average {
                            source["target"]["averageValue"] = json!("10");
                        }
                    });
                    let is_type = matches!(target_type, "Utilization" | "Value" | "AverageValue");
                    let is_valid = is_type
                        && match kind {
                            "Pods" => average,
                            "Object" => (target_type == "Value" && value) || (target_type == "AverageValue" && average),
                            _ => value != average,
                        };
                    assert_eq!(found.is_empty(), is_valid, "{kind} {target_type} {value} {average}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn names_sources_and_selectors_are_checked_with_their_place() {
        let empty: [String; 0] = [];
        let selector = |selector: Value| fields("Pods", |source| source["metric"]["selector"] = selector);
        assert_eq!(selector(json!({"matchLabels": {"a.b/c": "", "d": "1_x.y"}})), empty);
        assert_eq!(selector(json!({"matchLabels": {"a": "b c"}})), ["pods.metric.selector.matchLabels.a"]);
        assert_eq!(selector(json!({"matchLabels": {"a b": "c"}})), ["pods.metric.selector.matchLabels.a b"]);
        let expression = |operator: &str, values: Value| {
            selector(json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]}))
        };
        assert_eq!(expression("In", json!(["b"])), empty);
        assert_eq!(expression("Exists", Value::Null), empty);
        assert_eq!(expression("In", json!([])), ["pods.metric.selector.matchExpressions.0.values"]);
        assert_eq!(expression("Exists", json!(["b"])), ["pods.metric.selector.matchExpressions.0.values"]);
        assert_eq!(expression("Equals", json!(["b"])), ["pods.metric.selector.matchExpressions.0.operator"]);
        assert_eq!(fields("Pods", |source| source["metric"]["name"] = json!("")), ["pods.metric.name"]);
        assert_eq!(fields("Object", |s| s["describedObject"] = json!({"kind": "", "name": ""})).len(), 2);
        let utilization = |source: &mut Value| source["target"]["averageUtilization"] = json!(0);
        assert_eq!(fields("External", utilization), ["external.target.averageUtilization"]);
    }

    #[test]
    fn a_metric_has_the_source_of_its_type_alone() {
        let problems = |metric: Value| {
            let problems = find_problems(&[serde_json::from_value(metric).unwrap()]);
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        let source = json!({"metric": {"name": "gpu"}, "target": {"type": "AverageValue", "averageValue": "10"}});
        assert_eq!(
            problems(json!({"type": "External", "pods": source})),
            ["hpa.spec.metrics.0.pods", "hpa.spec.metrics.0.external"]
        );
        assert_eq!(
            problems(json!({"type": "Pods", "pods": source, "external": source})),
            ["hpa.spec.metrics.0.external"]
        );
    }
}
