//! Functions of current values and of labels (promql/functions.go).

use regex::Regex;

use super::super::exposition::PipelineLabels;

/// A function of the value of each series and of numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::pipeline) struct ValueFunction {
    name: &'static str,
    /// Fewest numbers that it takes after the series.
    pub(super) min_numbers: usize,
    /// Most numbers that it takes after the series.
    pub(super) max_numbers: usize,
    apply: fn(f64, &[f64]) -> f64,
}

const fn value_function(name: &'static str, numbers: usize, apply: fn(f64, &[f64]) -> f64) -> ValueFunction {
    ValueFunction { name, min_numbers: numbers, max_numbers: numbers, apply }
}

const FUNCTIONS: [ValueFunction; 11] = [
    value_function("abs", 0, |value, _| value.abs()),
    value_function("ceil", 0, |value, _| value.ceil()),
    value_function("floor", 0, |value, _| value.floor()),
    value_function("sqrt", 0, |value, _| value.sqrt()),
    value_function("exp", 0, |value, _| value.exp()),
    value_function("ln", 0, |value, _| value.ln()),
    value_function("sgn", 0, |value, _| if value == 0.0 || value.is_nan() { value } else { value.signum() }),
    ValueFunction { name: "round", min_numbers: 0, max_numbers: 1, apply: round_to },
    value_function("clamp", 2, |value, numbers| match numbers {
        [low, high] => clamp(value, *low, *high),
        _ => value,
    }),
    value_function("clamp_max", 1, |value, numbers| clamp(value, f64::NEG_INFINITY, number(numbers))),
    value_function("clamp_min", 1, |value, numbers| clamp(value, number(numbers), f64::INFINITY)),
];

impl ValueFunction {
    /// The function of a name.
    pub(super) fn find(name: &str) -> Option<Self> {
        FUNCTIONS.into_iter().find(|function| function.name == name)
    }

    /// Whether `clamp` has limits in the wrong order: the result is then empty.
    pub(super) fn is_empty_with(&self, numbers: &[f64]) -> bool {
        self.name == "clamp" && matches!(numbers, [low, high] if high < low)
    }

    pub(super) fn apply(&self, value: f64, numbers: &[f64]) -> f64 {
        (self.apply)(value, numbers)
    }
}

fn number(numbers: &[f64]) -> f64 {
    numbers.first().copied().unwrap_or(f64::NAN)
}

/// Go's math.Max(low, math.Min(high, value)), which is NaN where one of them is.
fn clamp(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() || low.is_nan() || high.is_nan() { f64::NAN } else { low.max(high.min(value)) }
}

/// Rounds to the nearest multiple, ties up. Prometheus divides by the inverse, which is exact for 0.1 and the like.
fn round_to(value: f64, numbers: &[f64]) -> f64 {
    let inverse = 1.0 / numbers.first().copied().unwrap_or(1.0);
    (value * inverse + 0.5).floor() / inverse
}

/// The arguments of `label_replace`.
#[derive(Clone, Debug)]
pub(in crate::sim::pipeline) struct LabelReplacement {
    pub(super) target: String,
    pub(super) replacement: String,
    pub(super) source: String,
    /// It matches the whole value.
    pub(super) pattern: Regex,
}

impl LabelReplacement {
    pub(super) fn apply(&self, labels: &mut PipelineLabels) {
        let value = labels.get(&self.source).map_or("", String::as_str);
        let Some(captures) = self.pattern.captures(value) else { return };
        let mut expanded = String::new();
        captures.expand(&self.replacement, &mut expanded);
        set_label(labels, &self.target, expanded);
    }
}

/// `label_join`.
pub(super) fn join_labels(labels: &mut PipelineLabels, target: &str, separator: &str, sources: &[String]) {
    let values: Vec<&str> = sources.iter().map(|source| labels.get(source).map_or("", String::as_str)).collect();
    let joined = values.join(separator);
    set_label(labels, target, joined);
}

/// An empty value is no label.
fn set_label(labels: &mut PipelineLabels, name: &str, value: String) {
    if value.is_empty() {
        labels.remove(name);
    } else {
        labels.insert(name.to_owned(), value);
    }
}
