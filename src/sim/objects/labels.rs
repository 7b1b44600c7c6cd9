//! Label selectors (k8s.io/apimachinery, pkg/labels).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use serde::Deserialize as _;
use serde_json::Value;

/// Whether a LabelSelector (`matchLabels`, `matchExpressions`) matches an object. An empty one matches nothing here, and
/// neither does an invalid one: the API server rejects both in a workload.
pub(in crate::sim) fn matches(selector: &Value, object: &Value) -> bool {
    let parsed = LabelSelector::deserialize(selector).ok().and_then(|selector| Selector::try_from(selector).ok());
    parsed.is_some_and(|selector| !selector.selects_all() && is_selected(object, &selector))
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
        let exists = |operator: &str, key: &str| {
            matches(&json!({"matchExpressions": [{"key": key, "operator": operator}]}), &pod)
        };
        assert!(exists("Exists", "app") && exists("DoesNotExist", "none") && !exists("Near", "app"));
    }
}
