//! Evaluates an expression at a time.

use std::collections::BTreeSet;

use super::over_range::{RangeFunction, SeriesRange};
use super::{PromqlExpr, QueryValue, SampleSource, StoreSample, functions};

impl PromqlExpr {
    /// Evaluates the expression at a time, milliseconds of the run's clock.
    ///
    /// # Errors
    /// The query fails on these series; the message is the one of Prometheus.
    pub(in crate::sim::pipeline) fn evaluate(
        &self,
        source: &impl SampleSource,
        at_ms: i64,
    ) -> Result<QueryValue, String> {
        let samples = match self {
            Self::Number(number) => return Ok(QueryValue::Scalar(*number)),
            // Neither has two series with the same labels.
            Self::Instant { selector, offset_ms } => {
                return Ok(QueryValue::Samples(source.instant_samples(selector, at_ms - offset_ms)));
            }
            Self::Aggregate { aggregation, inner } => {
                return Ok(QueryValue::Samples(aggregation.apply(&inner.samples(source, at_ms)?)));
            }
            Self::ToScalar(vector) => {
                let samples = vector.samples(source, at_ms)?;
                let value = if let [one] = &samples[..] { one.value } else { f64::NAN };
                return Ok(QueryValue::Scalar(value));
            }
            Self::Negate(inner) => return negate(inner.evaluate(source, at_ms)?),
            Self::Binary { left, operator, right } => {
                match operator.combine_values(left.evaluate(source, at_ms)?, right.evaluate(source, at_ms)?)? {
                    QueryValue::Samples(samples) => samples,
                    scalar @ QueryValue::Scalar(_) => return Ok(scalar),
                }
            }
            Self::OverRange { function, range } => evaluate_range(*function, range, source, at_ms),
            Self::OverValues { function, vector, numbers } => {
                let numbers: Result<Vec<f64>, String> =
                    numbers.iter().map(|number| number.scalar(source, at_ms)).collect();
                let numbers = numbers?;
                let mut samples = vector.samples(source, at_ms)?;
                samples.retain(|_| !function.is_empty_with(&numbers));
                for sample in &mut samples {
                    sample.value = function.apply(sample.value, &numbers);
                    sample.labels.remove("__name__");
                }
                samples
            }
            Self::ReplaceLabel { vector, rule } => {
                let mut samples = vector.samples(source, at_ms)?;
                samples.iter_mut().for_each(|sample| rule.apply(&mut sample.labels));
                samples
            }
            Self::JoinLabels { vector, target, separator, sources } => {
                let mut samples = vector.samples(source, at_ms)?;
                for sample in &mut samples {
                    functions::join_labels(&mut sample.labels, target, separator, sources);
                }
                samples
            }
            Self::ToVector(number) => {
                vec![StoreSample { labels: Default::default(), value: number.scalar(source, at_ms)? }]
            }
            // The parser has these as arguments only.
            Self::Text(_) | Self::Range { .. } => Vec::new(),
        };
        check_unique(samples).map(QueryValue::Samples)
    }

    fn samples(&self, source: &impl SampleSource, at_ms: i64) -> Result<Vec<StoreSample>, String> {
        match self.evaluate(source, at_ms)? {
            QueryValue::Samples(samples) => Ok(samples),
            // The parser rejects a number here.
            QueryValue::Scalar(_) => Ok(Vec::new()),
        }
    }

    fn scalar(&self, source: &impl SampleSource, at_ms: i64) -> Result<f64, String> {
        match self.evaluate(source, at_ms)? {
            QueryValue::Scalar(number) => Ok(number),
            // The parser rejects series here.
            QueryValue::Samples(_) => Ok(f64::NAN),
        }
    }
}

fn negate(value: QueryValue) -> Result<QueryValue, String> {
    match value {
        QueryValue::Scalar(number) => Ok(QueryValue::Scalar(-number)),
        QueryValue::Samples(mut samples) => {
            for sample in &mut samples {
                sample.value = -sample.value;
                sample.labels.remove("__name__");
            }
            check_unique(samples).map(QueryValue::Samples)
        }
    }
}

fn evaluate_range(
    function: RangeFunction,
    range: &PromqlExpr,
    source: &impl SampleSource,
    at_ms: i64,
) -> Vec<StoreSample> {
    let PromqlExpr::Range { selector, window_ms, offset_ms } = range else { return Vec::new() };
    let end_ms = at_ms - offset_ms;
    let apply = |series: super::RangeSamples| {
        let range = SeriesRange { samples: &series.samples, end_ms, window_ms: *window_ms };
        let value = (function.apply)(range)?;
        let mut labels = series.labels;
        if !function.keeps_name {
            labels.remove("__name__");
        }
        Some(StoreSample { labels, value })
    };
    source.range_samples(selector, end_ms - window_ms, end_ms).into_iter().filter_map(apply).collect()
}

fn check_unique(samples: Vec<StoreSample>) -> Result<Vec<StoreSample>, String> {
    let distinct: BTreeSet<_> = samples.iter().map(|sample| &sample.labels).collect();
    if distinct.len() == samples.len() {
        return Ok(samples);
    }
    Err("vector cannot contain metrics with the same labelset".to_owned())
}
