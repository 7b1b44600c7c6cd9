//! Which objects a label selector matches (k8s.io/apimachinery, pkg/labels).

use serde_json::Value;

/// Whether a selector of a workload (`matchLabels`, `matchExpressions`) matches an object. An empty one matches none
/// here: no workload may have it.
pub(super) fn matches(selector: &Value, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    let expressions = selector["matchExpressions"].as_array().map_or(&[][..], Vec::as_slice);
    let stated = selector["matchLabels"].as_object().is_some_and(|all| !all.is_empty());
    (stated || !expressions.is_empty())
        && (!stated || has_labels(&selector["matchLabels"], labels))
        && expressions.iter().all(|wanted| matches_expression(wanted, labels))
}

/// Whether labels hold all of these, of which there must be one: the selector of a Service.
pub(super) fn has_labels(wanted: &Value, labels: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else { return false };
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
}

fn matches_expression(wanted: &Value, labels: &Value) -> bool {
    let label = &labels[wanted["key"].as_str().unwrap_or_default()];
    let listed = || wanted["values"].as_array().is_some_and(|values| values.contains(label));
    match wanted["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => label.is_null() || !listed(),
        Some("Exists") => !label.is_null(),
        Some("DoesNotExist") => label.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selector_matches_as_kubernetes_matches() {
        let pod = json!({"metadata": {"labels": {"app": "ollama", "tier": "gpu"}}});
        let expressed = |operator: &str, key: &str| {
            matches(&json!({"matchExpressions": [{"key": key, "operator": operator, "values": ["gpu"]}]}), &pod)
        };
        assert!(matches(&json!({"matchLabels": {"app": "ollama"}}), &pod));
        assert!(!matches(&json!({"matchLabels": {"app": "other"}}), &pod) && !matches(&json!({}), &pod));
        assert!(expressed("In", "tier") && !expressed("NotIn", "tier") && expressed("NotIn", "none"));
        assert!(expressed("Exists", "app") && expressed("DoesNotExist", "none"));
    }
}
