//! Label selectors as text: as the HPA controller sends them, and as an API reads them. kube has the selector and its
//! matching, and no parser.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Expression, Selector};

/// Characters of operators, which neither keys nor values contain.
const NO_WORD: [char; 7] = [' ', '(', ')', '<', '>', '=', '!'];

/// The selector's text as `Selector.String()` of Go prints it, sorted by key (k8s.io/apimachinery v0.37.2,
/// pkg/labels/selector.go). Empty for a selector that selects everything, and for one that Kubernetes refuses.
#[must_use]
pub(crate) fn format_selector(selector: &LabelSelector) -> String {
    let selector = Selector::try_from(selector.clone()).unwrap_or_default();
    let mut expressions: Vec<Expression> = selector.into_iter().collect();
    expressions.sort_by(|a, b| label_key(a).cmp(label_key(b)));
    expressions.into_iter().collect::<Selector>().to_string()
}

fn label_key(expression: &Expression) -> &str {
    match expression {
        Expression::In(key, _)
        | Expression::NotIn(key, _)
        | Expression::Equal(key, _)
        | Expression::NotEqual(key, _)
        | Expression::Exists(key)
        | Expression::DoesNotExist(key) => key,
    }
}

/// Parses the selector of a request: `a=1,b!=2,c,!d,e in (x,y),f notin (z)`.
///
/// # Errors
/// The requirement that is none of these, such as `a>1`, as text for a message.
pub(crate) fn parse_selector(text: &str) -> Result<Selector, String> {
    let mut is_in_brackets = false;
    let requirements = text.split(|c| {
        is_in_brackets = c == '(' || is_in_brackets && c != ')';
        c == ',' && !is_in_brackets
    });
    let requirements = requirements.map(str::trim).filter(|requirement| !requirement.is_empty());
    requirements.map(|text| parse_requirement(text).ok_or_else(|| format!("the label selector `{text}`"))).collect()
}

fn parse_requirement(text: &str) -> Option<Expression> {
    let word = |text: &str| Some(text.trim()).filter(|word| !word.contains(NO_WORD)).map(ToOwned::to_owned);
    let key = |text: &str| word(text).filter(|key| !key.is_empty());
    let set = |text: &str| -> Option<BTreeSet<String>> {
        text.trim().strip_prefix('(')?.strip_suffix(')')?.split(',').map(word).collect()
    };
    Some(if let Some((name, values)) = text.split_once(" notin ") {
        Expression::NotIn(key(name)?, set(values)?)
    } else if let Some((name, values)) = text.split_once(" in ") {
        Expression::In(key(name)?, set(values)?)
    } else if let Some((name, value)) = text.split_once("!=") {
        Expression::NotEqual(key(name)?, word(value)?)
    } else if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        Expression::Equal(key(name)?, word(value)?)
    } else if let Some(name) = text.strip_prefix('!') {
        Expression::DoesNotExist(key(name)?)
    } else {
        Expression::Exists(key(text)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt as _;
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

    #[test]
    fn a_parsed_selector_matches_as_kubernetes_matches() {
        let labels = [("app", "ollama"), ("tier", "x"), ("empty", "")].map(|(key, value)| (key.into(), value.into()));
        let cases = [
            ("", true),
            ("app=ollama", true),
            ("app=ollama,tier in (x, y),!old,env notin (dev,test),app", true),
            ("app == ollama , tier!=x", false),
            ("env!=dev,empty=,old!=", true),
            ("old", false),
            ("!app", false),
            ("tier notin (x)", false),
            ("old in (x)", false),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_selector(text).unwrap().matches(&labels.clone().into()), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_is_parsed_as_it_is_printed() {
        let text = "a=1,app,b!=2,env notin (dev),!old,tier in (y,z)";
        assert_eq!(parse_selector(text).unwrap().to_string(), text);
    }

    #[test]
    fn a_requirement_that_is_none_of_these_is_named() {
        for text in ["app > 5", "app>5", "=x", "!", "a in x", "a in (x", "a=b=c", "a b"] {
            assert_eq!(parse_selector(&format!("app=ollama,{text}")), Err(format!("the label selector `{text}`")));
        }
    }
}
