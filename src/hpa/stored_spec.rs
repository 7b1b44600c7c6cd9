//! Compares the spec that the API server stores with the spec that was applied. An API server drops fields that it does
//! not know, and a mutating webhook changes or adds some; the controller then acts on another HPA.

use k8s_openapi::api::autoscaling::v2::{HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec};
use serde_json::{Map, Value};

use super::{Behavior, ScalingRules};
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::snapshot::HpaSnapshot;
use crate::units::Milli;

/// Fields of the spec that are quantities: the API server writes them in its own spelling (0.05 becomes 50m).
const QUANTITIES: [&str; 3] = ["value", "averageValue", "tolerance"];
/// Characters of a value in a message.
const MAX_VALUE: usize = 60;
/// Metrics of a status that are named in a message.
const MAX_NAMES: usize = 3;

/// Every field in which the stored spec differs from the applied one, as text. The API server's defaults and spellings
/// are no difference.
#[must_use]
pub(crate) fn find_spec_differences(
    applied: &HorizontalPodAutoscalerSpec,
    stored: &HorizontalPodAutoscalerSpec,
) -> Vec<String> {
    let (aligned, added) = align_metrics(applied, stored);
    let mut all = Vec::new();
    compare(&comparable(applied), &comparable(&aligned), &mut String::new(), &mut all);
    all.extend(added.into_iter().map(|(index, metric)| format!("metrics.{index} was added ({})", name_metric(metric))));
    all
}

/// Metrics in the HPA's status that its spec as applied does not have. A status lists the spec's metrics by their index,
/// and a metric that failed is an entry without a name.
#[must_use]
pub(crate) fn find_foreign_metrics(metric: &MetricUnderTest, hpa: &HpaSnapshot) -> Option<String> {
    let kind = format!("{:?}", metric.kind);
    let foreign = hpa.current_metrics.iter().filter(|entry| {
        let is_other_kind = !entry.kind.is_empty() && entry.kind != kind;
        !entry.name.is_empty() && (entry.name != metric.name || is_other_kind)
    });
    let names: Vec<String> = foreign.map(|entry| format!("{} {}", entry.kind, entry.name).trim().to_owned()).collect();
    let expected = metric.other_metrics + 1;
    if !names.is_empty() {
        let more = if names.len() > MAX_NAMES { ", ..." } else { "" };
        return Some(format!(
            "its status reports {}{more}, which the scenario does not have",
            names[..names.len().min(MAX_NAMES)].join(", ")
        ));
    }
    let count = hpa.current_metrics.len();
    (count > expected).then(|| format!("its status has {count} metrics, and the scenario {expected}"))
}

/// What to do about these differences.
#[must_use]
pub(crate) fn spec_difference_hint(differences: &[String]) -> &'static str {
    let is_dropped_tolerance = |text: &String| text.contains(".tolerance is missing");
    if !differences.is_empty() && differences.iter().all(is_dropped_tolerance) {
        "an API server before Kubernetes 1.35 drops the field unless its feature gate HPAConfigurableTolerance is on: \
         remove it from hpa.spec and state the controller's flag as assumptions.tolerance, or enable the gate"
    } else {
        "an API server drops fields that it does not know, and a mutating webhook or another client changes or adds some: \
         compare `kubectl get hpa -o yaml` with hpa.spec, and make one like the other"
    }
}

/// The stored spec with its metrics in the order of the applied ones, and the metrics that were added, each with its
/// index. A metric is known by its type and name, else by its type.
fn align_metrics<'a>(
    applied: &HorizontalPodAutoscalerSpec,
    stored: &'a HorizontalPodAutoscalerSpec,
) -> (HorizontalPodAutoscalerSpec, Vec<(usize, &'a MetricSpec)>) {
    let mut rest: Vec<(usize, &MetricSpec)> = stored.metrics.iter().flatten().enumerate().collect();
    let mut aligned = Vec::new();
    for metric in applied.metrics.iter().flatten() {
        let same_name = rest.iter().position(|(_, other)| name_metric(other) == name_metric(metric));
        let same_type = || rest.iter().position(|(_, other)| other.type_ == metric.type_);
        if let Some(index) = same_name.or_else(same_type) {
            aligned.push(rest.remove(index).1.clone());
        }
    }
    let metrics = Some(aligned).filter(|aligned| !aligned.is_empty());
    (HorizontalPodAutoscalerSpec { metrics, ..stored.clone() }, rest)
}

/// Type and name of a metric.
fn name_metric(metric: &MetricSpec) -> String {
    let name = metric
        .pods
        .as_ref()
        .map(|source| &source.metric.name)
        .or_else(|| metric.object.as_ref().map(|source| &source.metric.name))
        .or_else(|| metric.external.as_ref().map(|source| &source.metric.name))
        .or_else(|| metric.resource.as_ref().map(|source| &source.name))
        .or_else(|| metric.container_resource.as_ref().map(|source| &source.name));
    format!("{} {}", metric.type_, name.map_or("", String::as_str)).trim().to_owned()
}

/// The spec with the API server's defaults, without empty maps and lists, and with one spelling of each quantity.
fn comparable(spec: &HorizontalPodAutoscalerSpec) -> Value {
    let mut spec = spec.clone();
    spec.min_replicas.get_or_insert(1);
    if let Some(behavior) = &mut spec.behavior {
        let defaults = Behavior::defaulted(None, None);
        set_defaults(behavior.scale_up.get_or_insert_default(), &defaults.scale_up);
        set_defaults(behavior.scale_down.get_or_insert_default(), &defaults.scale_down);
    }
    // These types always serialize.
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    normalize(&mut value);
    value
}

fn set_defaults(rules: &mut HPAScalingRules, defaults: &ScalingRules) {
    rules.stabilization_window_seconds = rules.stabilization_window_seconds.or(defaults.stabilization_window_seconds);
    rules.select_policy.get_or_insert_with(|| format!("{:?}", defaults.select_policy));
    let policy = |policy: &super::ScalingPolicy| HPAScalingPolicy {
        type_: format!("{:?}", policy.kind),
        value: policy.value,
        period_seconds: policy.period_seconds,
    };
    rules.policies.get_or_insert_with(|| defaults.policies.iter().map(policy).collect());
}

fn normalize(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                normalize(child);
                let quantity = child.as_str().filter(|_| QUANTITIES.contains(&key.as_str()));
                if let Some(milli) = quantity.and_then(|text| text.parse::<Milli>().ok()) {
                    *child = milli.to_string().into();
                }
            }
            map.retain(|_, child| !is_empty(child));
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_str() == Some("")
}

/// Adds the differences below `path`.
fn compare(applied: &Value, stored: &Value, path: &mut String, all: &mut Vec<String>) {
    let keys: Vec<String> = match (applied, stored) {
        (Value::Object(applied), Value::Object(stored)) => {
            let added = stored.keys().filter(|key| !applied.contains_key(*key));
            applied.keys().chain(added).cloned().collect()
        }
        (Value::Array(applied), Value::Array(stored)) => {
            (0..applied.len().max(stored.len())).map(|index| index.to_string()).collect()
        }
        _ if applied == stored => return,
        _ => {
            let (applied, stored) = (describe(applied), describe(stored));
            return all.push(format!("{path} is {stored} (applied: {applied})"));
        }
    };
    for key in keys {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(&key);
        match (child(applied, &key), child(stored, &key)) {
            (Some(applied), Some(stored)) => compare(applied, stored, path, all),
            (Some(applied), None) => all.push(format!("{path} is missing (applied: {})", describe(applied))),
            (None, Some(stored)) => all.push(format!("{path} was added ({})", describe(stored))),
            (None, None) => {}
        }
        path.truncate(length);
    }
}

fn child<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// A value, in short.
fn describe(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::snapshot::HpaMetricStatus;

    fn spec(edit: impl FnOnce(&mut Value)) -> HorizontalPodAutoscalerSpec {
        let mut spec = json!({
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 3,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "gpu", "selector": {"matchLabels": {}}},
                "target": {"type": "AverageValue", "averageValue": "30"}}}],
            "behavior": {"scaleUp": {"tolerance": "0.05"},
                "scaleDown": {"policies": [{"type": "Percent", "value": 50, "periodSeconds": 15}]}}});
        edit(&mut spec);
        serde_json::from_value(spec).unwrap()
    }

    /// What an API server stores: its defaults, and its spelling of quantities.
    fn stored(edit: impl FnOnce(&mut Value)) -> HorizontalPodAutoscalerSpec {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        spec(|spec| {
            spec["minReplicas"] = json!(1);
            spec["behavior"]["scaleUp"] = json!({"tolerance": "50m", "stabilizationWindowSeconds": 0,
                "selectPolicy": "Max", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]});
            spec["behavior"]["scaleDown"]["selectPolicy"] = json!("Max");
            edit(spec);
        })
    }

    #[test]
    fn defaults_and_spellings_of_the_api_server_are_no_difference() {
        assert_eq!(find_spec_differences(&spec(|_| ()), &stored(|_| ())), Vec::<String>::new());
        let legacy = |spec: &mut Value| spec["behavior"] = Value::Null;
        assert_eq!(find_spec_differences(&spec(legacy), &stored(legacy)), Vec::<String>::new());
        let empty = |spec: &mut Value| spec["behavior"] = json!({});
        let filled = stored(|spec| {
            let down =
                json!({"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]});
            spec["behavior"]["scaleUp"].as_object_mut().unwrap().shift_remove("tolerance");
            spec["behavior"]["scaleDown"] = down;
        });
        assert_eq!(find_spec_differences(&spec(empty), &filled), Vec::<String>::new());
    }

    #[test]
    fn every_change_of_a_field_is_a_difference_with_its_path() {
        type Edit = fn(&mut Value);
        let cases: [(Edit, &str); 12] = [
            (
                |s| drop(s["behavior"]["scaleUp"].as_object_mut().unwrap().shift_remove("tolerance")),
                "behavior.scaleUp.tolerance is missing (applied: 0.05)",
            ),
            (
                |s| s["behavior"]["scaleUp"]["tolerance"] = json!("51m"),
                "behavior.scaleUp.tolerance is 0.051 (applied: 0.05)",
            ),
            (|s| s["behavior"]["scaleDown"]["tolerance"] = json!("0"), "behavior.scaleDown.tolerance was added (0)"),
            (|s| s["maxReplicas"] = json!(5), "maxReplicas is 5 (applied: 3)"),
            (|s| s["minReplicas"] = json!(2), "minReplicas is 2 (applied: 1)"),
            (
                |s| s["metrics"][0]["pods"]["target"]["averageValue"] = json!("85"),
                "metrics.0.pods.target.averageValue is 85 (applied: 30)",
            ),
            (
                |s| s["metrics"][0]["pods"]["metric"]["selector"] = json!({"matchLabels": {"a": "b"}}),
                "metrics.0.pods.metric.selector was added ({\"matchLabels\":{\"a\":\"b\"}})",
            ),
            (
                |s| {
                    s["behavior"]["scaleDown"]["policies"]
                        .as_array_mut()
                        .unwrap()
                        .push(json!({"type": "Pods", "value": 1, "periodSeconds": 60}))
                },
                "behavior.scaleDown.policies.1 was added ({\"periodSeconds\":60,\"type\":\"Pods\",\"value\":1})",
            ),
            (
                |s| drop(s["behavior"]["scaleUp"]["policies"].as_array_mut().unwrap().pop()),
                "behavior.scaleUp.policies.1 is missing (applied: {\"periodSeconds\":15,\"type\":\"Percent\",\"value\":100})",
            ),
            (
                |s| s["behavior"]["scaleDown"]["stabilizationWindowSeconds"] = json!(600),
                "behavior.scaleDown.stabilizationWindowSeconds was added (600)",
            ),
            (|s| s["scaleTargetRef"]["name"] = json!("y"), "scaleTargetRef.name is y (applied: x)"),
            (
                |s| {
                    s["metrics"].as_array_mut().unwrap().insert(
                        0,
                        json!({"type": "Resource", "resource":
                    {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}),
                    )
                },
                "metrics.0 was added (Resource cpu)",
            ),
        ];
        for (edit, expected) in cases {
            assert_eq!(find_spec_differences(&spec(|_| ()), &stored(edit)), [expected]);
        }
        let removed = find_spec_differences(&spec(|_| ()), &stored(|s| s["metrics"] = json!([])));
        assert!(removed[0].starts_with("metrics is missing") && removed.len() == 1, "{removed:?}");
    }

    #[test]
    fn a_metric_of_the_status_that_was_not_applied_is_foreign() {
        let metric = MetricUnderTest::from_spec(&spec(|_| ()), "ai").unwrap();
        let foreign = |all: &[(&str, &str)]| {
            let entry = |(kind, name): &(&str, &str)| HpaMetricStatus {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                ..HpaMetricStatus::default()
            };
            let hpa = HpaSnapshot { current_metrics: all.iter().map(entry).collect(), ..HpaSnapshot::default() };
            find_foreign_metrics(&metric, &hpa).unwrap_or_default()
        };
        for own in [&[][..], &[("Pods", "gpu")], &[("", "")]] {
            assert_eq!(foreign(own), "", "{own:?}");
        }
        assert!(foreign(&[("Pods", "gpu"), ("Resource", "cpu")]).starts_with("its status reports Resource cpu, which"));
        assert!(foreign(&[("Object", "gpu")]).contains("Object gpu"));
        assert_eq!(foreign(&[("Pods", "gpu"), ("", "")]), "its status has 2 metrics, and the scenario 1");
    }
}
