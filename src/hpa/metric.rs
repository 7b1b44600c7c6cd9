//! One metric of an HPA's spec together with what the metrics API answered, whatever kind it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    ExternalMetric, MetricError, ObjectMetric, PodsMetric, Proposal, Workload, external_average_value, external_value,
    object_average_value, object_value, pods_metric,
};

/// How a target is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TargetType {
    /// One value for the whole workload.
    Value,
    /// A value per replica.
    AverageValue,
}

/// The target of an Object or External metric, as it stands in the spec. Both fields may be set; which one counts
/// differs by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricTargetSpec {
    /// `target.type`: an Object metric obeys it, an External metric ignores it.
    pub kind: TargetType,
    /// `target.value` in thousandths.
    pub value_milli: Option<i64>,
    /// `target.averageValue` in thousandths: an External metric prefers it.
    pub average_value_milli: Option<i64>,
}

/// One metric of the spec, with the answer of the metrics API or the text of the failed call. Everything is in
/// thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricInput {
    /// A Pods metric. Its target is an average value whatever `target.type` says.
    Pods {
        /// Which metric.
        metric: PodsMetric,
        /// `target.averageValue`.
        target_average_value_milli: i64,
        /// One sample per pod name.
        samples_milli: Result<BTreeMap<String, i64>, String>,
    },
    /// An Object metric.
    Object {
        /// Which metric of which object.
        metric: ObjectMetric,
        /// Its target.
        target: MetricTargetSpec,
        /// The object's value.
        value_milli: Result<i64, String>,
    },
    /// An External metric.
    External {
        /// Which metric.
        metric: ExternalMetric,
        /// Its target.
        target: MetricTargetSpec,
        /// One value per series.
        values_milli: Result<Vec<i64>, String>,
    },
}

impl MetricInput {
    /// Whether the target counts per replica, so that status reports an average value. Source: SCHEMA, reconcile step
    /// 5.
    pub fn target_type(&self) -> TargetType {
        match self {
            Self::Pods { .. } => TargetType::AverageValue,
            Self::Object { target, .. } => target.kind,
            Self::External { target, .. } if target.average_value_milli.is_some() => TargetType::AverageValue,
            Self::External { .. } => TargetType::Value,
        }
    }

    /// The target, in thousandths, of a single value that the controller divides by the number of replicas: what is an
    /// average over the pods already is divided twice.
    #[must_use]
    pub fn divided_target_milli(&self) -> Option<i64> {
        match self {
            Self::Object { target, .. } | Self::External { target, .. }
                if self.target_type() == TargetType::AverageValue =>
            {
                target.average_value_milli
            }
            _ => None,
        }
    }

    /// The metric's own name.
    pub fn name(&self) -> &str {
        match self {
            Self::Pods { metric, .. } => &metric.name,
            Self::Object { metric, .. } => &metric.name,
            Self::External { metric, .. } => &metric.name,
        }
    }
}

/// How events and conditions name a metric: `pods metric NAME`, `KIND metric NAME`, `external metric NAME(SELECTOR)`.
pub fn metric_name(metric: &MetricInput) -> String {
    match metric {
        MetricInput::Pods { metric, .. } => metric.event_name(),
        MetricInput::Object { metric, target, .. } => metric.event_name(target.kind),
        MetricInput::External { metric, .. } => metric.event_name(),
    }
}

/// The proposal of a metric of whichever kind. Source: SCHEMA, reconcile step 5.
///
/// # Errors
/// Those of the kind's own function, and [`MetricError::ObjectWithoutTarget`] or [`MetricError::ExternalWithoutTarget`]
/// when the field that counts is not set; the answer of the API is not looked at then.
pub fn propose(metric: &MetricInput, workload: &Workload<'_>) -> Result<Proposal, MetricError> {
    match metric {
        MetricInput::Pods { metric, target_average_value_milli, samples_milli } => {
            let samples = samples_milli.as_ref().map_err(String::as_str);
            pods_metric(metric, samples, *target_average_value_milli, workload)
        }
        MetricInput::Object { metric, target, value_milli } => {
            let value = value_milli.as_ref().copied().map_err(String::as_str);
            match (target.kind, target.value_milli, target.average_value_milli) {
                (TargetType::Value, Some(goal), _) => object_value(metric, value, goal, workload),
                (TargetType::AverageValue, _, Some(goal)) => object_average_value(metric, value, goal, workload),
                _ => Err(MetricError::ObjectWithoutTarget),
            }
        }
        MetricInput::External { metric, target, values_milli } => {
            let values = values_milli.as_deref().map_err(String::as_str);
            match (target.value_milli, target.average_value_milli) {
                (_, Some(goal)) => external_average_value(metric, values, goal, workload),
                (Some(goal), None) => external_value(metric, values, goal, workload),
                (None, None) => Err(MetricError::ExternalWithoutTarget),
            }
        }
    }
}
