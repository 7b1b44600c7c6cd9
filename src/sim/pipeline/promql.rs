//! Queries, as far as adapter rules of scenarios use them: series selectors, `avg`, `sum`, `max`, `min` with `by`, and
//! arithmetic with numbers. Everything else is refused when it is read.

use std::collections::BTreeMap;

use super::exporter::PipelineLabels;

mod parse;
mod selector;

pub(super) use parse::{parse, parse_range_selector, parse_selector};
pub(super) use selector::PromqlSelector;

/// A query.
#[derive(Clone, Debug)]
pub(super) enum PromqlExpr {
    Number(f64),
    Series(PromqlSelector),
    Aggregate { op: AggregateOp, inner: Box<PromqlExpr>, by: Vec<String> },
    Arithmetic { left: Box<PromqlExpr>, operator: char, right: Box<PromqlExpr> },
}

/// How series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateOp {
    Avg,
    Sum,
    Max,
    Min,
}

/// A series' value at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoreSample {
    pub(super) labels: PipelineLabels,
    pub(super) value: f64,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum QueryValue {
    Scalar(f64),
    Samples(Vec<StoreSample>),
}

impl PromqlExpr {
    /// Its value, from the series that selectors find.
    pub(super) fn evaluate(&self, find: &impl Fn(&PromqlSelector) -> Vec<StoreSample>) -> QueryValue {
        match self {
            Self::Number(number) => QueryValue::Scalar(*number),
            Self::Series(selector) => QueryValue::Samples(find(selector)),
            Self::Aggregate { op: how, inner: of, by } => match of.evaluate(find) {
                QueryValue::Samples(samples) => QueryValue::Samples(aggregate_samples(*how, &samples, by)),
                scalar @ QueryValue::Scalar(_) => scalar,
            },
            Self::Arithmetic { left, operator: sign, right } => {
                let each = |samples: Vec<StoreSample>, act: &dyn Fn(f64) -> f64| {
                    let one = |mut sample: StoreSample| {
                        sample.labels.remove("__name__");
                        StoreSample { value: act(sample.value), ..sample }
                    };
                    QueryValue::Samples(samples.into_iter().map(one).collect())
                };
                match (left.evaluate(find), right.evaluate(find)) {
                    (QueryValue::Scalar(a), QueryValue::Scalar(b)) => QueryValue::Scalar(apply_operator(*sign, a, b)),
                    (QueryValue::Scalar(a), QueryValue::Samples(samples)) => {
                        each(samples, &|b| apply_operator(*sign, a, b))
                    }
                    (QueryValue::Samples(samples), QueryValue::Scalar(b)) => {
                        each(samples, &|a| apply_operator(*sign, a, b))
                    }
                    // Refused when it was read.
                    (QueryValue::Samples(_), QueryValue::Samples(_)) => QueryValue::Samples(Vec::new()),
                }
            }
        }
    }

    /// Whether it gives one number instead of series.
    fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Series(_) | Self::Aggregate { .. } => false,
            Self::Arithmetic { left, right, .. } => left.is_scalar() && right.is_scalar(),
        }
    }
}

fn apply_operator(sign: char, a: f64, b: f64) -> f64 {
    match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        _ => a / b,
    }
}

fn aggregate_samples(how: AggregateOp, samples: &[StoreSample], by: &[String]) -> Vec<StoreSample> {
    let mut groups: BTreeMap<PipelineLabels, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let kept = by.iter().filter_map(|label| Some((label.clone(), sample.labels.get(label)?.clone())));
        groups.entry(kept.collect()).or_default().push(sample.value);
    }
    let one = |values: &[f64]| {
        let count = u32::try_from(values.len()).map_or(f64::from(u32::MAX), f64::from);
        match how {
            AggregateOp::Avg => values.iter().sum::<f64>() / count,
            AggregateOp::Sum => values.iter().sum(),
            AggregateOp::Max => values.iter().copied().fold(f64::NAN, f64::max),
            AggregateOp::Min => values.iter().copied().fold(f64::NAN, f64::min),
        }
    };
    groups.into_iter().map(|(labels, values)| StoreSample { labels, value: one(&values) }).collect()
}

#[cfg(test)]
mod tests;
