//! Label selectors of requests: `a=1,b!=2,c,!d,e in (x,y),f notin (z)`.

use serde_json::Value;

/// A label selector: labels must meet all requirements.
pub(super) struct PodLabelSelector(Vec<LabelRequirement>);

struct LabelRequirement {
    key: String,
    /// Accepted values; `None`: any value.
    values: Option<Vec<String>>,
    negated: bool,
}

impl PodLabelSelector {
    /// Parses a selector; the error names the part that is not supported.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            // A comma within brackets belongs to the values.
            let bracket = rest.find('(').filter(|open| rest.find(',').is_none_or(|comma| *open < comma));
            let from = bracket.and_then(|_| rest.find(')')).unwrap_or(0);
            let end = rest[from..].find(',').map_or(rest.len(), |comma| from + comma);
            requirements.push(parse_requirement(rest[..end].trim())?);
            rest = rest.get(end + 1..).unwrap_or_default().trim();
        }
        Ok(Self(requirements))
    }

    /// Whether labels match the selector.
    pub(super) fn is_match(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels[&requirement.key].as_str();
            let is_met = match &requirement.values {
                None => value.is_some(),
                Some(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            };
            is_met != requirement.negated
        })
    }
}

fn parse_requirement(text: &str) -> Result<LabelRequirement, String> {
    let unsupported = || format!("the label selector `{text}`");
    let set_requirement = |key: &str, list: &str, negated: bool| {
        let list = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(unsupported)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        Ok(LabelRequirement { key: key.trim().to_owned(), values: Some(values), negated })
    };
    if let Some((key, list)) = text.split_once(" notin ") {
        return set_requirement(key, list, true);
    }
    if let Some((key, list)) = text.split_once(" in ") {
        return set_requirement(key, list, false);
    }
    let (key, values, negated) = match text.split_once("!=") {
        Some((key, value)) => (key, Some(value), true),
        None => match text.split_once('=') {
            Some((key, value)) => (key, Some(value.trim_start_matches('=')), false),
            None => (text.strip_prefix('!').unwrap_or(text), None, text.starts_with('!')),
        },
    };
    let values = values.map(|value| vec![value.trim().to_owned()]);
    let key = key.trim().to_owned();
    if key.is_empty() || key.contains([' ', '(', ')']) {
        return Err(unsupported());
    }
    Ok(LabelRequirement { key, values, negated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_selectors_of_the_hpa_controller_match() {
        let pod = json!({"app": "ollama", "tier": "x"});
        let cases = [
            ("", true),
            ("app=ollama", true),
            ("app=ollama,tier in (x, y),!old,env notin (dev,test),app", true),
            ("app==ollama,tier!=x", false),
            ("old", false),
            ("tier notin (x)", false),
        ];
        for (text, expected) in cases {
            assert_eq!(PodLabelSelector::parse(text).unwrap().is_match(&pod), expected, "{text}");
        }
        assert!(PodLabelSelector::parse("app > 5").is_err());
    }
}
