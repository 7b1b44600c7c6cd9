//! The keys and values that KEDA takes in the spec of a ScaledObject (kedacore/keda v2.21.0): those of its CRD
//! (config/crd/bases/keda.sh_scaledobjects.yaml), and those that a prometheus trigger reads of its metadata
//! (pkg/scalers/prometheus_scaler.go, and the packages for authentication that it calls). The API server drops an unknown key of
//! the spec, and KEDA ignores one of the metadata: a typo would silently be another ScaledObject.

use serde_json::{Map, Value};

use super::scenario_error::ScenarioProblem;
use super::suggestion::closest;

/// The beginning of each field.
const SPEC_FIELD: &str = "scaledObject.spec";
/// The trigger whose metadata is known.
const PROMETHEUS: &str = "prometheus";

/// What a value must be.
enum ValueShape {
    Text,
    OneOf(&'static [&'static str]),
    /// A whole number from this one on.
    Integer(i64),
    Bool,
    /// A number, or a text.
    Quantity,
    Object(&'static ObjectShape),
    /// A list of such objects.
    List(&'static ObjectShape),
    /// A map of texts. Of a prometheus trigger the keys are known as well.
    Metadata,
}

/// The keys of an object.
struct ObjectShape {
    keys: &'static [(&'static str, ValueShape)],
    required: &'static [&'static str],
}

const SPEC: ObjectShape = ObjectShape {
    keys: &[
        ("scaleTargetRef", ValueShape::Object(&SCALE_TARGET_REF)),
        ("pollingInterval", ValueShape::Integer(1)),
        ("initialCooldownPeriod", ValueShape::Integer(0)),
        ("cooldownPeriod", ValueShape::Integer(0)),
        ("idleReplicaCount", ValueShape::Integer(0)),
        ("minReplicaCount", ValueShape::Integer(0)),
        ("maxReplicaCount", ValueShape::Integer(1)),
        ("advanced", ValueShape::Object(&ADVANCED)),
        ("triggers", ValueShape::List(&TRIGGER)),
        ("fallback", ValueShape::Object(&FALLBACK)),
    ],
    required: &[],
};
const SCALE_TARGET_REF: ObjectShape = ObjectShape {
    keys: &[
        ("name", ValueShape::Text),
        ("apiVersion", ValueShape::Text),
        ("kind", ValueShape::Text),
        ("envSourceContainerName", ValueShape::Text),
    ],
    required: &["name"],
};
const ADVANCED: ObjectShape = ObjectShape {
    keys: &[
        ("horizontalPodAutoscalerConfig", ValueShape::Object(&HPA_CONFIG)),
        ("restoreToOriginalReplicaCount", ValueShape::Bool),
        ("scalingModifiers", ValueShape::Object(&SCALING_MODIFIERS)),
    ],
    required: &[],
};
const HPA_CONFIG: ObjectShape =
    ObjectShape { keys: &[("behavior", ValueShape::Object(&BEHAVIOR)), ("name", ValueShape::Text)], required: &[] };
const BEHAVIOR: ObjectShape = ObjectShape {
    keys: &[("scaleUp", ValueShape::Object(&RULES)), ("scaleDown", ValueShape::Object(&RULES))],
    required: &[],
};
const RULES: ObjectShape = ObjectShape {
    keys: &[
        ("policies", ValueShape::List(&POLICY)),
        ("selectPolicy", ValueShape::Text),
        ("stabilizationWindowSeconds", ValueShape::Integer(0)),
        ("tolerance", ValueShape::Quantity),
    ],
    required: &[],
};
const POLICY: ObjectShape = ObjectShape {
    keys: &[("type", ValueShape::Text), ("value", ValueShape::Integer(1)), ("periodSeconds", ValueShape::Integer(1))],
    required: &["type", "value", "periodSeconds"],
};
const SCALING_MODIFIERS: ObjectShape = ObjectShape {
    keys: &[
        ("formula", ValueShape::Text),
        ("target", ValueShape::Text),
        ("activationTarget", ValueShape::Text),
        ("metricType", ValueShape::OneOf(&["AverageValue", "Value"])),
    ],
    required: &[],
};
const FALLBACK: ObjectShape = ObjectShape {
    keys: &[
        ("failureThreshold", ValueShape::Integer(0)),
        ("replicas", ValueShape::Integer(0)),
        (
            "behavior",
            ValueShape::OneOf(&[
                "static",
                "currentReplicas",
                "currentReplicasIfHigher",
                "currentReplicasIfLower",
                "scalingModifiers",
            ]),
        ),
    ],
    required: &["failureThreshold", "replicas"],
};
const TRIGGER: ObjectShape = ObjectShape {
    keys: &[
        ("type", ValueShape::Text),
        ("name", ValueShape::Text),
        ("useCachedMetrics", ValueShape::Bool),
        ("metadata", ValueShape::Metadata),
        ("authenticationRef", ValueShape::Object(&AUTHENTICATION_REF)),
        ("metricType", ValueShape::Text),
    ],
    required: &["type", "metadata"],
};
const AUTHENTICATION_REF: ObjectShape = ObjectShape {
    keys: &[
        ("name", ValueShape::Text),
        ("kind", ValueShape::OneOf(&["TriggerAuthentication", "ClusterTriggerAuthentication"])),
    ],
    required: &["name"],
};

/// What a prometheus trigger reads of its metadata.
const PROMETHEUS_METADATA: [&str; 24] = [
    "serverAddress",
    "query",
    "queryParameters",
    "threshold",
    "activationThreshold",
    "namespace",
    "customHeaders",
    "ignoreNullValues",
    "unsafeSsl",
    "timeout",
    "authModes",
    "authMode",
    "apiKey",
    "method",
    "keyParamName",
    "identityOwner",
    "awsRegion",
    "awsAccessKeyID",
    "awsAccessKeyIDFromEnv",
    "awsSecretAccessKeyFromEnv",
    "cloud",
    "azureManagedPrometheusResourceURL",
    "credentialsFromEnv",
    "credentialsFromEnvFile",
];

/// All keys and values that KEDA does not take, in the order of the file.
pub(super) fn find_problems(spec: &Map<String, Value>) -> Vec<ScenarioProblem> {
    let mut problems = Vec::new();
    check_object(SPEC_FIELD, spec, &SPEC, &mut problems);
    problems
}

fn check_object(field: &str, object: &Map<String, Value>, shape: &ObjectShape, problems: &mut Vec<ScenarioProblem>) {
    for (key, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let below = format!("{field}.{key}");
        match shape.keys.iter().find(|(known, _)| known == key) {
            Some((_, ValueShape::Metadata)) => {
                let is_known = object.get("type").is_some_and(|kind| kind == PROMETHEUS);
                check_metadata(&below, value, is_known, problems);
            }
            Some((_, shape)) => check_value(&below, value, shape, problems),
            None => problems.push(unknown_key(&below, key, shape.keys.iter().map(|(known, _)| *known))),
        }
    }
    let is_missing = |key: &&&str| object.get(**key).is_none_or(Value::is_null);
    for key in shape.required.iter().filter(is_missing) {
        problems.push(ScenarioProblem::new(field, format!("has no {key}"), "KEDA needs it: add it"));
    }
}

fn check_value(field: &str, value: &Value, shape: &ValueShape, problems: &mut Vec<ScenarioProblem>) {
    let expected = match (shape, value) {
        (ValueShape::Object(shape), Value::Object(object)) => return check_object(field, object, shape, problems),
        (ValueShape::List(shape), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check_value(&format!("{field}.{index}"), item, &ValueShape::Object(shape), problems);
            }
            return;
        }
        (ValueShape::OneOf(words), Value::String(text)) if words.contains(&text.as_str()) => return,
        (ValueShape::Text, Value::String(_))
        | (ValueShape::Bool, Value::Bool(_))
        | (ValueShape::Quantity, Value::String(_) | Value::Number(_)) => return,
        (ValueShape::Integer(min), Value::Number(number)) if number.as_i64().is_some_and(|number| number >= *min) => {
            return;
        }
        (ValueShape::Object(_) | ValueShape::Metadata, _) => "a map".to_owned(),
        (ValueShape::List(_), _) => "a list".to_owned(),
        (ValueShape::OneOf(words), _) => format!("one of {}", words.join(", ")),
        (ValueShape::Text, _) => "a text".to_owned(),
        (ValueShape::Quantity, _) => "a number or a text".to_owned(),
        (ValueShape::Bool, _) => "true or false".to_owned(),
        (ValueShape::Integer(min), _) => format!("a whole number from {min} on"),
    };
    problems.push(wrong_value(field, value, &expected));
}

/// The metadata of a trigger: a map of texts.
fn check_metadata(field: &str, metadata: &Value, is_prometheus: bool, problems: &mut Vec<ScenarioProblem>) {
    let Value::Object(entries) = metadata else {
        return problems.push(wrong_value(field, metadata, "a map of texts"));
    };
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        let below = format!("{field}.{key}");
        if is_prometheus && key == "metricName" {
            // Many published ScaledObjects still have it.
            let hint = "remove it: since KEDA 2.12 the metric of the first trigger is s0-prometheus";
            problems.push(ScenarioProblem::new(&below, "is a key that KEDA no longer reads", hint));
        } else if is_prometheus && !PROMETHEUS_METADATA.contains(&key.as_str()) {
            problems.push(unknown_key(&below, key, PROMETHEUS_METADATA));
        } else if !value.is_string() {
            problems.push(wrong_value(&below, value, "a text"));
        }
    }
}

fn unknown_key(field: &str, key: &str, known: impl IntoIterator<Item = &'static str>) -> ScenarioProblem {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = match closest(key, known.iter().copied()) {
        Some(suggestion) => format!("did you mean {suggestion}?"),
        None => format!(
            "KEDA 2.21 reads {}; for another version create the ScaledObject yourself, and name its HPA with `adopt: {{hpa: NAME}}`",
            known.join(", ")
        ),
    };
    ScenarioProblem::new(field, "is an unknown key, which KEDA would ignore", hint)
}

fn wrong_value(field: &str, value: &Value, expected: &str) -> ScenarioProblem {
    let hint = match value {
        Value::Number(_) | Value::Bool(_) if expected == "a text" => format!("write it in quotes: \"{value}\""),
        _ => format!("write {expected}"),
    };
    let found = match value {
        Value::Object(_) => "a map".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string().chars().take(80).collect(),
    };
    ScenarioProblem::new(field, format!("is {found}, and KEDA takes {expected}"), hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lawful() -> Value {
        json!({
            "scaleTargetRef": {"name": "ollama", "kind": "Deployment", "apiVersion": "apps/v1", "envSourceContainerName": "c"},
            "pollingInterval": 5, "cooldownPeriod": 300, "initialCooldownPeriod": 0, "idleReplicaCount": null,
            "minReplicaCount": 1, "maxReplicaCount": 3,
            "fallback": {"failureThreshold": 1, "replicas": 1, "behavior": "static"},
            "advanced": {"restoreToOriginalReplicaCount": true, "horizontalPodAutoscalerConfig": {"behavior": {
                "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]},
                "scaleDown": {"selectPolicy": "Max", "tolerance": "0.1"}}}},
            "triggers": [{"type": "prometheus", "name": "x", "metricType": "AverageValue", "useCachedMetrics": false,
                "authenticationRef": {"name": "a", "kind": "TriggerAuthentication"},
                "metadata": {"serverAddress": "http://p", "query": "up", "threshold": "5", "ignoreNullValues": "false"}}]
        })
    }

    /// The problems after an edit, each as `field: message (hint)`.
    fn problems(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut spec = lawful();
        edit(&mut spec);
        let all = find_problems(spec.as_object().unwrap());
        all.into_iter().map(|one| format!("{}: {} ({})", one.field, one.message, one.hint)).collect()
    }

    #[test]
    fn a_lawful_spec_has_no_problem_and_neither_has_another_trigger() {
        assert_eq!(problems(|_| ()), Vec::<String>::new());
        let cron = json!({"type": "cron", "metadata": {"timezone": "UTC", "desiredReplicas": "2"}});
        assert_eq!(problems(|spec| spec["triggers"][0] = cron), Vec::<String>::new());
    }

    #[test]
    fn every_unknown_key_is_named_with_its_place_and_the_key_that_was_meant() {
        let found = problems(|spec| {
            spec["minReplicas"] = json!(1);
            spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDwn"] = json!({});
            spec["triggers"][0]["metricTyp"] = json!("Value");
            spec["triggers"][0]["metadata"]["treshold"] = json!("5");
            spec["triggers"][0]["metadata"]["metricName"] = json!("gpu");
            spec["fallback"]["percent"] = json!(1);
        });
        let starts = [
            "scaledObject.spec.fallback.percent: is an unknown key, which KEDA would ignore (KEDA 2.21 reads failureThreshold, replicas",
            "scaledObject.spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDwn: is an unknown key, which KEDA would ignore (did you mean scaleDown?)",
            "scaledObject.spec.triggers.0.metadata.treshold: is an unknown key, which KEDA would ignore (did you mean threshold?)",
            "scaledObject.spec.triggers.0.metadata.metricName: is a key that KEDA no longer reads (remove it",
            "scaledObject.spec.triggers.0.metricTyp: is an unknown key, which KEDA would ignore (did you mean metricType?)",
            "scaledObject.spec.minReplicas: is an unknown key, which KEDA would ignore (did you mean minReplicaCount?)",
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}");
        }
    }

    #[test]
    fn a_value_that_the_api_server_refuses_is_named_with_what_to_write() {
        let found = problems(|spec| {
            spec["triggers"][0]["metadata"]["threshold"] = json!(60);
            spec["triggers"][0]["metadata"]["ignoreNullValues"] = json!(false);
            spec["pollingInterval"] = json!(0);
            spec["fallback"] = json!({"replicas": "1", "behavior": "constant"});
            spec["advanced"]["horizontalPodAutoscalerConfig"] = json!([]);
            spec["triggers"][0]["authenticationRef"]["name"] = json!(null);
        });
        let expected = [
            "scaledObject.spec.pollingInterval: is 0, and KEDA takes a whole number from 1 on (write a whole number from 1 on)",
            "scaledObject.spec.fallback.replicas: is \"1\", and KEDA takes a whole number from 0 on (write a whole number from 0 on)",
            "scaledObject.spec.fallback.behavior: is \"constant\", and KEDA takes one of static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower, scalingModifiers (write one of static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower, scalingModifiers)",
            "scaledObject.spec.fallback: has no failureThreshold (KEDA needs it: add it)",
            "scaledObject.spec.advanced.horizontalPodAutoscalerConfig: is a list, and KEDA takes a map (write a map)",
            "scaledObject.spec.triggers.0.authenticationRef: has no name (KEDA needs it: add it)",
            "scaledObject.spec.triggers.0.metadata.threshold: is 60, and KEDA takes a text (write it in quotes: \"60\")",
            "scaledObject.spec.triggers.0.metadata.ignoreNullValues: is false, and KEDA takes a text (write it in quotes: \"false\")",
        ];
        assert_eq!(found, expected);
    }
}
