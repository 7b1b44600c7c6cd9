//! The part of PromQL that adapter rules and ScaledObjects of real platforms use, with the results of Prometheus
//! (prometheus/prometheus v3, promql/engine.go and promql/functions.go): ranges and the lookback are open on the left and
//! closed on the right, stale markers end a series, and `rate` extrapolates. The parser names everything else.
//!
//! | module | contents |
//! |---|---|
//! | `lex`, `parse` | text to expression, with the names of what is not supported |
//! | `selector` | series selectors and their matchers |
//! | `evaluate` | the value of an expression at a time |
//! | `aggregate`, `binary` | aggregations; operators between numbers and series |
//! | `functions`, `over_range` | functions of current values and labels; functions of the samples of a range |

use super::exposition::PipelineLabels;

mod aggregate;
mod binary;
mod evaluate;
mod functions;
mod lex;
mod over_range;
mod parse;
mod selector;

use aggregate::Aggregation;
use binary::BinaryOperator;
use functions::ValueFunction;
use over_range::RangeFunction;
pub(super) use parse::{find_unsupported, parse, parse_range_selector, parse_selector};
pub(super) use selector::PromqlSelector;

/// A PromQL expression.
#[derive(Clone, Debug)]
pub(super) enum PromqlExpr {
    Number(f64),
    /// A string, as an argument.
    Text(String),
    /// The current value of each series, `offset_ms` earlier.
    Instant {
        selector: PromqlSelector,
        offset_ms: i64,
    },
    /// The samples of the last `window_ms` of each series, `offset_ms` earlier.
    Range {
        selector: PromqlSelector,
        window_ms: i64,
        offset_ms: i64,
    },
    Aggregate {
        aggregation: Aggregation,
        inner: Box<PromqlExpr>,
    },
    OverRange {
        function: RangeFunction,
        range: Box<PromqlExpr>,
    },
    OverValues {
        function: ValueFunction,
        vector: Box<PromqlExpr>,
        numbers: Vec<PromqlExpr>,
    },
    /// `label_replace`.
    ReplaceLabel {
        vector: Box<PromqlExpr>,
        rule: functions::LabelReplacement,
    },
    /// `label_join`.
    JoinLabels {
        vector: Box<PromqlExpr>,
        target: String,
        separator: String,
        sources: Vec<String>,
    },
    /// `scalar`: NaN unless there is exactly one series.
    ToScalar(Box<PromqlExpr>),
    /// `vector`: one series without labels.
    ToVector(Box<PromqlExpr>),
    Negate(Box<PromqlExpr>),
    Binary {
        left: Box<PromqlExpr>,
        operator: BinaryOperator,
        right: Box<PromqlExpr>,
    },
}

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Scalar,
    Vector,
    Range,
    Text,
}

impl ValueType {
    /// The type's name in messages, with its article.
    fn describe(self) -> &'static str {
        match self {
            Self::Scalar => "a number",
            Self::Vector => "series",
            Self::Range => "a range",
            Self::Text => "a string",
        }
    }
}

/// The value of a series at a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoreSample {
    pub(super) labels: PipelineLabels,
    pub(super) value: f64,
}

/// The samples of a series in a range, with their times in milliseconds of the run's clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RangeSamples {
    pub(super) labels: PipelineLabels,
    pub(super) samples: Vec<(i64, f64)>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum QueryValue {
    Scalar(f64),
    Samples(Vec<StoreSample>),
}

/// Where an expression reads its samples. Times are milliseconds of the run's clock, negative before its start.
pub(super) trait SampleSource {
    /// The current values of the selected series at a time; a series whose newest sample is older than the lookback, or a stale
    /// marker, has none.
    fn instant_samples(&self, selector: &PromqlSelector, at_ms: i64) -> Vec<StoreSample>;
    /// The samples after `from_ms` up to `to_ms` of the selected series that have some; without stale markers.
    fn range_samples(&self, selector: &PromqlSelector, from_ms: i64, to_ms: i64) -> Vec<RangeSamples>;
}

impl PromqlExpr {
    /// Calls `visit` with each selector.
    pub(super) fn visit_selectors(&self, visit: &mut dyn FnMut(&PromqlSelector)) {
        match self {
            Self::Number(_) | Self::Text(_) => {}
            Self::Instant { selector, .. } | Self::Range { selector, .. } => visit(selector),
            Self::Aggregate { inner, .. } | Self::ToScalar(inner) | Self::ToVector(inner) | Self::Negate(inner) => {
                inner.visit_selectors(visit);
            }
            Self::OverRange { range, .. } => range.visit_selectors(visit),
            Self::OverValues { vector, numbers, .. } => {
                vector.visit_selectors(visit);
                numbers.iter().for_each(|number| number.visit_selectors(visit));
            }
            Self::ReplaceLabel { vector, .. } | Self::JoinLabels { vector, .. } => vector.visit_selectors(visit),
            Self::Binary { left, right, .. } => {
                left.visit_selectors(visit);
                right.visit_selectors(visit);
            }
        }
    }

    fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) | Self::ToScalar(_) => ValueType::Scalar,
            Self::Text(_) => ValueType::Text,
            Self::Range { .. } => ValueType::Range,
            Self::Negate(inner) => inner.value_type(),
            Self::Binary { left, right, .. }
                if left.value_type() == ValueType::Scalar && right.value_type() == ValueType::Scalar =>
            {
                ValueType::Scalar
            }
            _ => ValueType::Vector,
        }
    }
}

#[cfg(test)]
mod tests;
