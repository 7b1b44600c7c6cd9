//! Label selectors as requests carry them: `a=1,b!=2,c,!d,e in (x,y),f notin (z)`.

use serde_json::Value;

/// Requirements that all have to hold.
pub(super) struct PodLabelSelector(Vec<LabelRequirement>);

struct LabelRequirement {
    key: String,
    /// Values of which the label has one; `None`: the label is there.
    values: Option<Vec<String>>,
    negated: bool,
}

impl PodLabelSelector {
    /// Reads a selector; the text that is not known is the error.
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

    /// Whether these labels meet it.
    pub(super) fn is_match(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels[&requirement.key].as_str();
            let holds = match &requirement.values {
                None => value.is_some(),
                Some(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            };
            holds != requirement.negated
        })
    }
}

fn parse_requirement(text: &str) -> Result<LabelRequirement, String> {
    let wrong = || format!("the label selector `{text}`");
    let listed = |key: &str, list: &str, negated: bool| {
        let list = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(wrong)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        Ok(LabelRequirement { key: key.trim().to_owned(), values: Some(values), negated })
    };
    if let Some((key, list)) = text.split_once(" notin ") {
        return listed(key, list, true);
    }
    if let Some((key, list)) = text.split_once(" in ") {
        return listed(key, list, false);
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
        return Err(wrong());
    }
    Ok(LabelRequirement { key, values, negated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_controllers_selectors_select() {
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
