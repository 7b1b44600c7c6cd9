//! Operators between numbers and series (promql/engine.go, `VectorBinop`, `VectorAnd`, `VectorOr`, `VectorUnless`,
//! `VectorscalarBinop`).

use std::collections::BTreeMap;

use super::super::exposition::PipelineLabels;
use super::{QueryValue, StoreSample};

/// An operator with its matching.
#[derive(Clone, Debug)]
pub(in crate::sim::pipeline) struct BinaryOperator {
    pub(super) operation: Operation,
    /// `bool`: a comparison has the value 0 or 1 instead of selecting series.
    pub(super) returns_bool: bool,
    pub(super) matching: LabelMatching,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Arithmetic(char),
    Compare(&'static str),
    And,
    Or,
    Unless,
}

/// The labels by which series of both sides belong together.
#[derive(Clone, Debug)]
pub(super) enum LabelMatching {
    On(Vec<String>),
    /// Without these and the name.
    Ignoring(Vec<String>),
}

/// The result of an operator for two values; `None` where a comparison drops the series.
type Combined = Option<f64>;

impl BinaryOperator {
    pub(super) fn is_set_operator(&self) -> bool {
        matches!(self.operation, Operation::And | Operation::Or | Operation::Unless)
    }

    /// The values of both sides.
    ///
    /// # Errors
    /// As for series of both sides.
    pub(super) fn combine_values(&self, left: QueryValue, right: QueryValue) -> Result<QueryValue, String> {
        Ok(QueryValue::Samples(match (left, right) {
            (QueryValue::Scalar(a), QueryValue::Scalar(b)) => {
                return Ok(QueryValue::Scalar(self.combine(a, b, a).unwrap_or(0.0)));
            }
            (QueryValue::Samples(samples), QueryValue::Scalar(b)) => self.combine_with_number(samples, b, false),
            (QueryValue::Scalar(a), QueryValue::Samples(samples)) => self.combine_with_number(samples, a, true),
            (QueryValue::Samples(left), QueryValue::Samples(right)) => self.combine_series(left, right)?,
        }))
    }

    /// A series and a number; `combine` gets the operands in their order.
    fn combine_with_number(&self, samples: Vec<StoreSample>, number: f64, number_is_left: bool) -> Vec<StoreSample> {
        let combine = |mut sample: StoreSample| {
            let value = sample.value;
            let (a, b) = if number_is_left { (number, value) } else { (value, number) };
            sample.value = self.combine(a, b, value)?;
            self.drop_name(&mut sample.labels);
            Some(sample)
        };
        samples.into_iter().filter_map(combine).collect()
    }

    /// Series of both sides.
    ///
    /// # Errors
    /// A series belongs to several of the other side; the message is the one of Prometheus.
    fn combine_series(&self, left: Vec<StoreSample>, right: Vec<StoreSample>) -> Result<Vec<StoreSample>, String> {
        let signature = |sample: &StoreSample| self.matching.signature(&sample.labels);
        match self.operation {
            Operation::And | Operation::Unless => {
                let wanted = self.operation == Operation::And;
                let others: Vec<_> = right.iter().map(signature).collect();
                Ok(left.into_iter().filter(|sample| others.contains(&signature(sample)) == wanted).collect())
            }
            Operation::Or => {
                let present: Vec<_> = left.iter().map(signature).collect();
                let added = right.into_iter().filter(|sample| !present.contains(&signature(sample)));
                let added: Vec<_> = added.collect();
                Ok(left.into_iter().chain(added).collect())
            }
            Operation::Arithmetic(_) | Operation::Compare(_) => self.combine_pairs(left, &right),
        }
    }

    fn combine_pairs(&self, left: Vec<StoreSample>, right: &[StoreSample]) -> Result<Vec<StoreSample>, String> {
        let mut others: BTreeMap<PipelineLabels, f64> = BTreeMap::new();
        for sample in right {
            if others.insert(self.matching.signature(&sample.labels), sample.value).is_some() {
                return Err("many-to-many matching not allowed: matching labels must be unique on one side".to_owned());
            }
        }
        let (mut all, mut used): (_, Vec<PipelineLabels>) = (Vec::new(), Vec::new());
        for mut sample in left {
            let signature = self.matching.signature(&sample.labels);
            let combined = others.get(&signature).and_then(|b| self.combine(sample.value, *b, sample.value));
            let Some(value) = combined else { continue };
            if used.contains(&signature) {
                let text =
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                return Err(text.to_owned());
            }
            used.push(signature);
            sample.value = value;
            self.matching.keep_result_labels(&mut sample.labels);
            self.drop_name(&mut sample.labels);
            all.push(sample);
        }
        Ok(all)
    }

    fn combine(&self, a: f64, b: f64, kept: f64) -> Combined {
        let holds = match self.operation {
            Operation::Arithmetic(operator) => return Some(calculate(operator, a, b)),
            Operation::Compare(operator) => compare(operator, a, b),
            Operation::And | Operation::Or | Operation::Unless => return None,
        };
        if self.returns_bool { Some(if holds { 1.0 } else { 0.0 }) } else { Some(kept).filter(|_| holds) }
    }

    /// A comparison that selects series keeps their name.
    fn drop_name(&self, labels: &mut PipelineLabels) {
        if self.returns_bool || matches!(self.operation, Operation::Arithmetic(_)) {
            labels.remove("__name__");
        }
    }
}

impl LabelMatching {
    fn signature(&self, labels: &PipelineLabels) -> PipelineLabels {
        let is_part = |name: &String| match self {
            Self::On(names) => names.contains(name),
            Self::Ignoring(names) => name != "__name__" && !names.contains(name),
        };
        labels.iter().filter(|(name, _)| is_part(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn keep_result_labels(&self, labels: &mut PipelineLabels) {
        match self {
            Self::On(names) => labels.retain(|name, _| names.contains(name)),
            Self::Ignoring(names) => labels.retain(|name, _| !names.contains(name)),
        }
    }
}

fn calculate(operator: char, a: f64, b: f64) -> f64 {
    match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        '%' => a % b,
        _ => a.powf(b),
    }
}

#[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
fn compare(operator: &str, a: f64, b: f64) -> bool {
    match operator {
        "==" => a == b,
        "!=" => a != b,
        ">" => a > b,
        "<" => a < b,
        ">=" => a >= b,
        _ => a <= b,
    }
}
