//! Queries, as far as adapter rules of scenarios use them: series selectors, `avg`, `sum`, `max`, `min` with `by`, and
//! arithmetic with numbers. Everything else is refused when it is read.

use std::collections::BTreeMap;

use super::exporter::Labels;

mod parse;
mod selector;

pub(super) use parse::{parse, parse_raw, parse_selector};
pub(super) use selector::Selector;

/// A query.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Number(f64),
    Series(Selector),
    Aggregate { how: Aggregate, of: Box<Expression>, by: Vec<String> },
    Arithmetic { left: Box<Expression>, sign: char, right: Box<Expression> },
}

/// How series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Avg,
    Sum,
    Max,
    Min,
}

/// A series' value at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: Labels,
    pub(super) value: f64,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Vector {
    Scalar(f64),
    Samples(Vec<Sample>),
}

impl Expression {
    /// Its value, from the series that selectors find.
    pub(super) fn evaluate(&self, find: &impl Fn(&Selector) -> Vec<Sample>) -> Vector {
        match self {
            Self::Number(number) => Vector::Scalar(*number),
            Self::Series(selector) => Vector::Samples(find(selector)),
            Self::Aggregate { how, of, by } => match of.evaluate(find) {
                Vector::Samples(samples) => Vector::Samples(aggregate(*how, &samples, by)),
                scalar @ Vector::Scalar(_) => scalar,
            },
            Self::Arithmetic { left, sign, right } => {
                let each = |samples: Vec<Sample>, act: &dyn Fn(f64) -> f64| {
                    let one = |mut sample: Sample| {
                        sample.labels.remove("__name__");
                        Sample { value: act(sample.value), ..sample }
                    };
                    Vector::Samples(samples.into_iter().map(one).collect())
                };
                match (left.evaluate(find), right.evaluate(find)) {
                    (Vector::Scalar(a), Vector::Scalar(b)) => Vector::Scalar(apply(*sign, a, b)),
                    (Vector::Scalar(a), Vector::Samples(samples)) => each(samples, &|b| apply(*sign, a, b)),
                    (Vector::Samples(samples), Vector::Scalar(b)) => each(samples, &|a| apply(*sign, a, b)),
                    // Refused when it was read.
                    (Vector::Samples(_), Vector::Samples(_)) => Vector::Samples(Vec::new()),
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

fn apply(sign: char, a: f64, b: f64) -> f64 {
    match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        _ => a / b,
    }
}

fn aggregate(how: Aggregate, samples: &[Sample], by: &[String]) -> Vec<Sample> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let kept = by.iter().filter_map(|label| Some((label.clone(), sample.labels.get(label)?.clone())));
        groups.entry(kept.collect()).or_default().push(sample.value);
    }
    let one = |values: &[f64]| {
        let count = u32::try_from(values.len()).map_or(f64::from(u32::MAX), f64::from);
        match how {
            Aggregate::Avg => values.iter().sum::<f64>() / count,
            Aggregate::Sum => values.iter().sum(),
            Aggregate::Max => values.iter().copied().fold(f64::NAN, f64::max),
            Aggregate::Min => values.iter().copied().fold(f64::NAN, f64::min),
        }
    };
    groups.into_iter().map(|(labels, values)| Sample { labels, value: one(&values) }).collect()
}

#[cfg(test)]
mod tests;
