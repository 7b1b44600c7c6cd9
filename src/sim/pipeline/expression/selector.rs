//! Which series a selector selects.

use regex::Regex;

use super::super::exporter::Labels;

/// A name and matchers of labels.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::pipeline) struct Selector {
    /// The metric's name; empty where matchers alone select.
    pub(in crate::sim::pipeline) name: String,
    pub(super) matchers: Vec<Matcher>,
}

/// What a label has to be. A label that is not there is empty.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub(super) label: String,
    pub(super) test: Test,
    /// `!=` and `!~`.
    pub(super) negated: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Equal(String),
    /// `a|b|c`.
    OneOf(Vec<String>),
    Matches(Regex),
}

impl Test {
    /// A regular expression, which matches the whole of a value.
    pub(super) fn pattern(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_|/: ".contains(c);
        if text.chars().all(plain) {
            return Ok(Self::OneOf(text.split('|').map(str::to_owned).collect()));
        }
        let regex = Regex::new(&format!("^(?:{text})$"));
        regex.map(Self::Matches).map_err(|_| format!("the regular expression {text}"))
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(wanted) => wanted == value,
            Self::OneOf(all) => all.iter().any(|one| one == value),
            Self::Matches(regex) => regex.is_match(value),
        }
    }
}

impl Selector {
    /// Whether it selects a series of this name and these labels.
    pub(in crate::sim::pipeline) fn selects(&self, name: &str, labels: &Labels) -> bool {
        (self.name.is_empty() || self.name == name)
            && self.matchers.iter().all(|matcher| {
                let value = match matcher.label.as_str() {
                    "__name__" => name,
                    label => labels.get(label).map_or("", String::as_str),
                };
                matcher.test.holds(value) != matcher.negated
            })
    }
}
