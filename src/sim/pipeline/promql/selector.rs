//! Series selectors.

use regex::Regex;

use super::super::exposition::PipelineLabels;

/// A series selector: a metric name and label matchers.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::pipeline) struct PromqlSelector {
    /// Metric name; empty for a selector of matchers only.
    pub(in crate::sim::pipeline) name: String,
    pub(super) matchers: Vec<PromqlMatcher>,
}

/// A label matcher. A missing label has an empty value.
#[derive(Clone, Debug)]
pub(super) struct PromqlMatcher {
    pub(super) label: String,
    pub(super) test: MatchTest,
    /// `!=` and `!~`.
    pub(super) negated: bool,
}

#[derive(Clone, Debug)]
pub(super) enum MatchTest {
    Equal(String),
    /// A regular expression that is a list of literals: `a|b|c`.
    OneOf(Vec<String>),
    Matches(Regex),
}

impl MatchTest {
    /// Parses a regular expression, which must match the whole value.
    pub(super) fn from_pattern(text: &str) -> Result<Self, String> {
        let is_literal = |c: char| c.is_ascii_alphanumeric() || "-_|/: ".contains(c);
        if text.chars().all(is_literal) {
            return Ok(Self::OneOf(text.split('|').map(str::to_owned).collect()));
        }
        let regex = Regex::new(&format!("^(?:{text})$"));
        regex.map(Self::Matches).map_err(|_| format!("the regular expression {text}"))
    }

    fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Equal(expected) => expected == value,
            Self::OneOf(all) => all.iter().any(|one| one == value),
            Self::Matches(regex) => regex.is_match(value),
        }
    }
}

impl PromqlSelector {
    /// Whether it selects series of this metric name, with whatever labels.
    pub(in crate::sim::pipeline) fn selects_metric(&self, name: &str) -> bool {
        let mut by_name = self.matchers.iter().filter(|matcher| matcher.label == "__name__");
        (self.name.is_empty() || self.name == name)
            && by_name.all(|matcher| matcher.test.is_match(name) != matcher.negated)
    }

    /// Whether it matches a series with this name and these labels.
    pub(in crate::sim::pipeline) fn is_match(&self, name: &str, labels: &PipelineLabels) -> bool {
        (self.name.is_empty() || self.name == name)
            && self.matchers.iter().all(|matcher| {
                let value = match matcher.label.as_str() {
                    "__name__" => name,
                    label => labels.get(label).map_or("", String::as_str),
                };
                matcher.test.is_match(value) != matcher.negated
            })
    }
}
