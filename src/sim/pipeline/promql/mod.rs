//! The part of PromQL that adapter rules of scenarios use: series selectors, `avg`, `sum`, `max`, `min` with `by`, and
//! arithmetic with numbers. The parser rejects everything else.

use std::collections::BTreeMap;

use super::exposition::PipelineLabels;

mod parse;
mod selector;
mod unsupported;

pub(super) use parse::{parse, parse_range_selector, parse_selector};
pub(super) use selector::PromqlSelector;
pub(super) use unsupported::find_unsupported;

/// A PromQL expression.
#[derive(Clone, Debug)]
pub(super) enum PromqlExpr {
    Number(f64),
    Series(PromqlSelector),
    Aggregate { op: AggregateOp, inner: Box<PromqlExpr>, by: Vec<String> },
    Arithmetic { left: Box<PromqlExpr>, operator: char, right: Box<PromqlExpr> },
}

/// An aggregation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateOp {
    Avg,
    Sum,
    Max,
    Min,
}

/// The value of a series at a time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoreSample {
    pub(super) labels: PipelineLabels,
    pub(super) value: f64,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum QueryValue {
    Scalar(f64),
    Samples(Vec<StoreSample>),
}

impl PromqlExpr {
    /// Evaluates the expression; `find` returns the samples of a selector.
    pub(super) fn evaluate(&self, find: &impl Fn(&PromqlSelector) -> Vec<StoreSample>) -> QueryValue {
        match self {
            Self::Number(number) => QueryValue::Scalar(*number),
            Self::Series(selector) => QueryValue::Samples(find(selector)),
            Self::Aggregate { op, inner, by } => match inner.evaluate(find) {
                QueryValue::Samples(samples) => QueryValue::Samples(aggregate_samples(*op, &samples, by)),
                scalar @ QueryValue::Scalar(_) => scalar,
            },
            Self::Arithmetic { left, operator, right } => {
                let map_values = |samples: Vec<StoreSample>, operation: &dyn Fn(f64) -> f64| {
                    let convert = |mut sample: StoreSample| {
                        sample.labels.remove("__name__");
                        StoreSample { value: operation(sample.value), ..sample }
                    };
                    QueryValue::Samples(samples.into_iter().map(convert).collect())
                };
                match (left.evaluate(find), right.evaluate(find)) {
                    (QueryValue::Scalar(a), QueryValue::Scalar(b)) => {
                        QueryValue::Scalar(apply_operator(*operator, a, b))
                    }
                    (QueryValue::Scalar(a), QueryValue::Samples(samples)) => {
                        map_values(samples, &|b| apply_operator(*operator, a, b))
                    }
                    (QueryValue::Samples(samples), QueryValue::Scalar(b)) => {
                        map_values(samples, &|a| apply_operator(*operator, a, b))
                    }
                    // The parser rejects this.
                    (QueryValue::Samples(_), QueryValue::Samples(_)) => QueryValue::Samples(Vec::new()),
                }
            }
        }
    }

    /// Whether the result is a scalar.
    fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Series(_) | Self::Aggregate { .. } => false,
            Self::Arithmetic { left, right, .. } => left.is_scalar() && right.is_scalar(),
        }
    }
}

fn apply_operator(operator: char, a: f64, b: f64) -> f64 {
    match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        _ => a / b,
    }
}

fn aggregate_samples(op: AggregateOp, samples: &[StoreSample], by: &[String]) -> Vec<StoreSample> {
    let mut groups: BTreeMap<PipelineLabels, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let kept = by.iter().filter_map(|label| Some((label.clone(), sample.labels.get(label)?.clone())));
        groups.entry(kept.collect()).or_default().push(sample.value);
    }
    let aggregate = |values: &[f64]| {
        let count = u32::try_from(values.len()).map_or(f64::from(u32::MAX), f64::from);
        match op {
            AggregateOp::Avg => values.iter().sum::<f64>() / count,
            AggregateOp::Sum => values.iter().sum(),
            AggregateOp::Max => values.iter().copied().fold(f64::NAN, f64::max),
            AggregateOp::Min => values.iter().copied().fold(f64::NAN, f64::min),
        }
    };
    groups.into_iter().map(|(labels, values)| StoreSample { labels, value: aggregate(&values) }).collect()
}

#[cfg(test)]
mod tests;
