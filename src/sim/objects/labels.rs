//! Label selectors (k8s.io/apimachinery, pkg/labels).

use std::collections::BTreeMap;

use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

/// Whether a LabelSelector (`matchLabels`, `matchExpressions`) matches an object. An empty one matches nothing here: the
/// API server rejects it in a workload.
pub(in crate::sim) fn matches(selector: &Value, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    let expressions = selector["matchExpressions"].as_array().map_or(&[][..], Vec::as_slice);
    let has_match_labels = selector["matchLabels"].as_object().is_some_and(|all| !all.is_empty());
    (has_match_labels || !expressions.is_empty())
        && (!has_match_labels || has_labels(&selector["matchLabels"], labels))
        && expressions.iter().all(|requirement| matches_expression(requirement, labels))
}

/// Whether the selector of a Service matches labels; an empty one matches nothing.
pub(in crate::sim) fn has_labels(selector: &Value, labels: &Value) -> bool {
    let Some(selector) = selector.as_object() else { return false };
    !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
}

/// Whether the label selector of a request selects an object.
pub(in crate::sim) fn is_selected(object: &Value, selector: &Selector) -> bool {
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    selector.selects_all() || selector.matches(&labels.filter_map(text).collect::<BTreeMap<_, _>>())
}

fn matches_expression(requirement: &Value, labels: &Value) -> bool {
    let label = &labels[requirement["key"].as_str().unwrap_or_default()];
    let listed = || requirement["values"].as_array().is_some_and(|values| values.contains(label));
    match requirement["operator"].as_str() {
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
