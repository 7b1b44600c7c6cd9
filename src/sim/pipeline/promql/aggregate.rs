//! Aggregations (promql/engine.go, `aggregation`).

use std::collections::BTreeMap;

use super::super::exposition::PipelineLabels;
use super::StoreSample;

/// An aggregation operator with its grouping.
#[derive(Clone, Debug)]
pub(in crate::sim::pipeline) struct Aggregation {
    pub(super) operator: AggregateOperator,
    pub(super) grouping: Grouping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateOperator {
    Avg,
    Sum,
    Max,
    Min,
    Count,
    Group,
}

/// The labels by which series are grouped.
#[derive(Clone, Debug)]
pub(super) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

impl AggregateOperator {
    /// The operator of a name.
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "max" => Self::Max,
            "min" => Self::Min,
            "count" => Self::Count,
            "group" => Self::Group,
            _ => return None,
        })
    }

    fn aggregate(self, values: &[f64]) -> f64 {
        let count = u32::try_from(values.len()).map_or(f64::from(u32::MAX), f64::from);
        match self {
            Self::Avg => values.iter().sum::<f64>() / count,
            Self::Sum => values.iter().sum(),
            // NaN only where every value is.
            Self::Max => values.iter().copied().fold(f64::NAN, f64::max),
            Self::Min => values.iter().copied().fold(f64::NAN, f64::min),
            Self::Count => count,
            Self::Group => 1.0,
        }
    }
}

impl Grouping {
    fn labels_of(&self, labels: &PipelineLabels) -> PipelineLabels {
        let is_kept = |name: &String| match self {
            Self::By(names) => names.contains(name),
            Self::Without(names) => name != "__name__" && !names.contains(name),
        };
        labels.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl Aggregation {
    pub(super) fn apply(&self, samples: &[StoreSample]) -> Vec<StoreSample> {
        let mut groups: BTreeMap<PipelineLabels, Vec<f64>> = BTreeMap::new();
        for sample in samples {
            groups.entry(self.grouping.labels_of(&sample.labels)).or_default().push(sample.value);
        }
        let one = |(labels, values): (PipelineLabels, Vec<f64>)| {
            let value = self.operator.aggregate(&values);
            StoreSample { labels, value }
        };
        groups.into_iter().map(one).collect()
    }
}
