//! Formats a label selector as the HPA controller sends it: sorted by key, as `Selector.String()` prints it
//! (k8s.io/apimachinery v0.37.2, pkg/labels/selector.go).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The selector's text; empty for a selector that selects everything.
#[must_use]
pub fn format_selector(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| (key.clone(), format!("{key}={value}")));
    let expressions = selector.match_expressions.iter().flatten().map(|requirement| {
        let key = &requirement.key;
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        let values = values.join(",");
        let text = match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        (key.clone(), text)
    });
    let mut all: Vec<(String, String)> = labels.chain(expressions).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selector_prints_as_the_controller_sends_it() {
        let selector: LabelSelector = serde_json::from_value(json!({
            "matchLabels": {"b": "2", "a": "1"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["z", "y"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "env", "operator": "NotIn", "values": ["dev"]},
                {"key": "app", "operator": "Exists"}
            ]
        }))
        .unwrap();
        assert_eq!(format_selector(&selector), "a=1,app,b=2,env notin (dev),!old,tier in (y,z)");
        assert_eq!(format_selector(&LabelSelector::default()), "");
    }
}
