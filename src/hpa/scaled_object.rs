//! The HPA that KEDA creates from a ScaledObject with one trigger of type prometheus (kedacore/keda v2.21.0,
//! controllers/keda/hpa.go, `newHPAForScaledObject`, and pkg/scalers/prometheus_scaler.go, `GetMetricSpecForScaling`).

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use serde_json::{Map, Value, json};

use crate::units::Milli;

/// maxReplicaCount where a ScaledObject states none (apis/keda/v1alpha1/scaledobject_types.go, `defaultHPAMaxReplicas`).
const DEFAULT_MAX_REPLICAS: i64 = 100;
/// The label by which KEDA's metrics server finds the ScaledObject of a request.
pub(crate) const SCALED_OBJECT_LABEL: &str = "scaledobject.keda.sh/name";
/// The External metric of its first trigger, of type prometheus.
pub(crate) const SCALED_OBJECT_METRIC: &str = "s0-prometheus";

/// The beginning of the names of KEDA's HPAs (controllers/keda/hpa.go, `getHPAName`).
const HPA_PREFIX: &str = "keda-hpa-";

/// A part of a ScaledObject with which it cannot be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScaledObjectProblem {
    /// The field below `scaledObject.spec`.
    pub(crate) field: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: &'static str,
}

fn problem(field: &'static str, message: impl Into<String>, hint: &'static str) -> ScaledObjectProblem {
    ScaledObjectProblem { field, message: message.into(), hint }
}

/// Name of the HPA that KEDA creates for the ScaledObject with this name.
#[must_use]
pub(crate) fn scaled_object_hpa_name(name: &str) -> String {
    format!("{HPA_PREFIX}{name}")
}

/// Name of the ScaledObject of which KEDA made the HPA with this spec, by the selector of its metric; `None` for any other HPA.
#[must_use]
pub(crate) fn scaled_object_name(spec: &HorizontalPodAutoscalerSpec) -> Option<&str> {
    let external = spec.metrics.iter().flatten().find_map(|metric| metric.external.as_ref())?;
    let name = external.metric.selector.as_ref()?.match_labels.as_ref()?.get(SCALED_OBJECT_LABEL)?;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

/// Name of the ScaledObject of which KEDA makes an HPA with this name, unless the ScaledObject states another one.
#[must_use]
pub(crate) fn scaled_object_of_hpa(hpa: &str) -> Option<&str> {
    hpa.strip_prefix(HPA_PREFIX).filter(|name| !name.is_empty())
}

/// The spec of the HPA that KEDA creates for the ScaledObject with this spec and name.
///
/// # Errors
/// The first part with which the ScaledObject cannot be tested, or from which gpuhpa cannot tell what KEDA makes.
pub(crate) fn scaled_object_hpa_spec(
    spec: &Map<String, Value>,
    name: &str,
) -> Result<HorizontalPodAutoscalerSpec, ScaledObjectProblem> {
    let (min, max) = replicas(spec)?;
    let advanced = &spec.get("advanced").cloned().unwrap_or_default();
    let config = &advanced["horizontalPodAutoscalerConfig"];
    if !config["name"].is_null() {
        let field = "advanced.horizontalPodAutoscalerConfig.name";
        return Err(problem(field, "is set, and gpuhpa gives each run's HPA a name of its own", "remove it"));
    }
    if !advanced["scalingModifiers"].is_null() {
        let hint = "test one query; or create the ScaledObject yourself, and name its HPA with `adopt: {hpa: NAME}`";
        return Err(problem("advanced.scalingModifiers", "makes a metric of several, and a run tests one", hint));
    }
    let mut hpa = json!({"scaleTargetRef": target(spec), "minReplicas": min, "maxReplicas": max,
        "metrics": [{"type": "External", "external": metric(spec, name)?}]});
    if !config["behavior"].is_null() {
        hpa["behavior"] = config["behavior"].clone();
    }
    let known = hpa.clone();
    let hpa = serde_json::from_value::<HorizontalPodAutoscalerSpec>(hpa).map_err(|e| {
        problem(
            "advanced.horizontalPodAutoscalerConfig",
            format!("is no behavior of an HPA: {e}"),
            "see autoscaling/v2",
        )
    })?;
    // The types ignore fields that autoscaling/v2 does not have.
    let parsed = serde_json::to_value(&hpa).unwrap_or_default();
    match unknown_key(&known["behavior"], &parsed["behavior"]) {
        Some(key) => {
            let field = "advanced.horizontalPodAutoscalerConfig.behavior";
            Err(problem(field, format!("has `{key}`, which autoscaling/v2 does not have"), "check its spelling"))
        }
        None => Ok(hpa),
    }
}

/// minReplicaCount and maxReplicaCount.
fn replicas(spec: &Map<String, Value>) -> Result<(i64, i64), ScaledObjectProblem> {
    if spec.get("idleReplicaCount").is_some_and(|idle| !idle.is_null()) {
        let text = "is set: KEDA's operator, and not the HPA, scales between it and minReplicaCount, which is no part of the claim";
        return Err(problem("idleReplicaCount", text, "remove it"));
    }
    let count = |field: &'static str| match spec.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().filter(|count| (0..=i64::from(i32::MAX)).contains(count)) {
            Some(count) => Ok(Some(count)),
            None => Err(problem(field, format!("is {value}"), "write a number of replicas")),
        },
    };
    match count("minReplicaCount")? {
        Some(min) if min > 0 => Ok((min, count("maxReplicaCount")?.unwrap_or(DEFAULT_MAX_REPLICAS))),
        stated => {
            let is = if stated.is_some() { "is 0" } else { "is not stated, and KEDA's default is 0" };
            Err(problem(
                "minReplicaCount",
                format!(
                    "{is}: KEDA's operator, and not the HPA, scales between 0 and 1, which is no part of the claim, and without a pod there is no accelerator to measure"
                ),
                "set it to 1 or more",
            ))
        }
    }
}

/// The target; KEDA takes a Deployment where the kind is not stated.
fn target(spec: &Map<String, Value>) -> Value {
    let stated = spec.get("scaleTargetRef").cloned().unwrap_or_default();
    let or = |key: &str, default: &str| stated[key].as_str().unwrap_or(default).to_owned();
    json!({"apiVersion": or("apiVersion", "apps/v1"), "kind": or("kind", "Deployment"), "name": or("name", "")})
}

/// The External metric of the only trigger.
fn metric(spec: &Map<String, Value>, name: &str) -> Result<Value, ScaledObjectProblem> {
    const ADOPT: &str = "use one trigger of type prometheus; or create the ScaledObject yourself, and name its HPA with `adopt: {hpa: NAME}`";
    let triggers = spec.get("triggers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [trigger] = triggers else {
        return Err(problem("triggers", format!("has {} entries, and a run tests one metric", triggers.len()), ADOPT));
    };
    let kind = trigger["type"].as_str().unwrap_or_default();
    if kind != "prometheus" {
        let text = format!("gpuhpa does not know which metric KEDA makes of a trigger of type `{kind}`");
        return Err(problem("triggers.0.type", text, ADOPT));
    }
    for key in ["serverAddress", "query"] {
        if trigger["metadata"][key].as_str().is_none_or(str::is_empty) {
            return Err(problem("triggers.0.metadata", format!("has no {key}"), "KEDA's prometheus trigger needs it"));
        }
    }
    let threshold = trigger["metadata"]["threshold"].as_str().unwrap_or_default();
    let wrong = || {
        let given = &trigger["metadata"]["threshold"];
        let given = if given.is_null() { "not stated".to_owned() } else { given.to_string() };
        let text = format!("is {given}, and KEDA takes a number above 0, as a string");
        problem("triggers.0.metadata.threshold", text, "write for example threshold: \"60\"")
    };
    // KEDA rounds to thousandths (pkg/scalers/scaler.go, `quantityFromFloat64`).
    let number = threshold.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong)?;
    let quantity = format!("{number:.3}").parse::<Milli>().ok().filter(|milli| milli.0 > 0).ok_or_else(wrong)?;
    let target = match trigger["metricType"].as_str().unwrap_or("AverageValue") {
        "AverageValue" => json!({"type": "AverageValue", "averageValue": quantity.to_string()}),
        "Value" => json!({"type": "Value", "value": quantity.to_string()}),
        other => {
            let text = format!("is {other}, and a prometheus trigger has no such target");
            return Err(problem("triggers.0.metricType", text, "use AverageValue or Value"));
        }
    };
    let selector = json!({"matchLabels": {SCALED_OBJECT_LABEL: name}});
    Ok(json!({"metric": {"name": SCALED_OBJECT_METRIC, "selector": selector}, "target": target}))
}

/// The first key of `stated` that `parsed` does not have.
fn unknown_key(stated: &Value, parsed: &Value) -> Option<String> {
    match (stated, parsed) {
        (Value::Object(stated), Value::Object(parsed)) => {
            stated.iter().find_map(|(key, value)| match parsed.get(key) {
                None if !value.is_null() => Some(key.clone()),
                Some(below) => unknown_key(value, below),
                None => None,
            })
        }
        (Value::Array(stated), Value::Array(parsed)) => {
            stated.iter().zip(parsed).find_map(|(stated, parsed)| unknown_key(stated, parsed))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled_object(edit: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut spec = json!({"scaleTargetRef": {"name": "ollama"}, "minReplicaCount": 1, "maxReplicaCount": 3,
            "triggers": [{"type": "prometheus", "metadata": {"serverAddress": "http://prometheus:9090",
                "query": "sum(DCGM_FI_DEV_GPU_UTIL)", "threshold": "60.5"}}],
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}}}}});
        edit(&mut spec);
        spec.as_object().cloned().unwrap()
    }

    #[test]
    fn the_hpa_of_a_scaled_object_is_that_of_keda() {
        let hpa = scaled_object_hpa_spec(&scaled_object(|_| ()), "x").unwrap();
        assert_eq!(
            serde_json::to_value(hpa).unwrap(),
            json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ollama"},
                "minReplicas": 1, "maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}},
                "metrics": [{"type": "External", "external": {
                    "metric": {"name": "s0-prometheus", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "x"}}},
                    "target": {"type": "AverageValue", "averageValue": "60.5"}}}]})
        );
        let spec = scaled_object(|spec| {
            spec["triggers"][0]["metricType"] = json!("Value");
            spec["scaleTargetRef"]["kind"] = json!("StatefulSet");
            spec["maxReplicaCount"] = Value::Null;
        });
        let hpa = serde_json::to_value(scaled_object_hpa_spec(&spec, "x").unwrap()).unwrap();
        assert_eq!(hpa["metrics"][0]["external"]["target"], json!({"type": "Value", "value": "60.5"}));
        assert_eq!((&hpa["scaleTargetRef"]["kind"], &hpa["maxReplicas"]), (&json!("StatefulSet"), &json!(100)));
    }

    #[test]
    fn a_scaled_object_that_cannot_be_tested_is_refused_with_its_field() {
        type Edit = fn(&mut Value);
        let cases: [(Edit, &str, &str); 11] = [
            (|s| s["minReplicaCount"] = json!(0), "minReplicaCount", "is 0: KEDA's operator, and not the HPA, scales"),
            (|s| s["minReplicaCount"] = Value::Null, "minReplicaCount", "is not stated, and KEDA's default is 0"),
            (|s| s["minReplicaCount"] = json!("1"), "minReplicaCount", "is \"1\""),
            (|s| s["idleReplicaCount"] = json!(0), "idleReplicaCount", "KEDA's operator"),
            (|s| s["triggers"] = json!([]), "triggers", "has 0 entries"),
            (|s| s["triggers"][0]["type"] = json!("cron"), "triggers.0.type", "of type `cron`"),
            (|s| s["triggers"][0]["metadata"]["query"] = json!(""), "triggers.0.metadata", "has no query"),
            (
                |s| s["triggers"][0]["metadata"]["threshold"] = json!("0.0001"),
                "triggers.0.metadata.threshold",
                "0.0001",
            ),
            (|s| s["triggers"][0]["metricType"] = json!("Utilization"), "triggers.0.metricType", "is Utilization"),
            (
                |s| s["advanced"]["horizontalPodAutoscalerConfig"]["name"] = json!("mine"),
                "advanced.horizontalPodAutoscalerConfig.name",
                "a name of its own",
            ),
            (
                |s| s["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDwn"] = json!({}),
                "advanced.horizontalPodAutoscalerConfig.behavior",
                "has `scaleDwn`",
            ),
        ];
        for (edit, field, text) in cases {
            let found = scaled_object_hpa_spec(&scaled_object(edit), "x").unwrap_err();
            assert!(found.field == field && found.message.contains(text), "{found:?}");
        }
    }
}
