//! One metric of an HPA's spec of any type, with the response of the metrics API.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    ExternalMetric, MetricError, ObjectMetric, PodsMetric, Proposal, Workload, external_average_value, external_value,
    object_average_value, object_value, pods_metric,
};

/// The type of a metric target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TargetType {
    /// One value for the whole workload.
    Value,
    /// A value per replica.
    AverageValue,
}

/// The target of an Object or External metric in the spec. Both fields may be set; which one counts depends on the
/// metric's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricTargetSpec {
    /// `target.type`. The controller uses it for Object metrics and ignores it for External metrics.
    pub kind: TargetType,
    /// `target.value` in thousandths.
    pub value_milli: Option<i64>,
    /// `target.averageValue` in thousandths. For External metrics it takes precedence.
    pub average_value_milli: Option<i64>,
}

/// One metric of the spec, with the response of the metrics API or the error text of the request. Values are in
/// thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricInput {
    /// A Pods metric. Its target is an average value; the controller ignores `target.type`.
    Pods {
        /// The metric.
        metric: PodsMetric,
        /// `target.averageValue`.
        target_average_value_milli: i64,
        /// One sample per pod name.
        samples_milli: Result<BTreeMap<String, i64>, String>,
    },
    /// An Object metric.
    Object {
        /// The metric and its object.
        metric: ObjectMetric,
        /// Its target.
        target: MetricTargetSpec,
        /// The object's value.
        value_milli: Result<i64, String>,
    },
    /// An External metric.
    External {
        /// The metric.
        metric: ExternalMetric,
        /// Its target.
        target: MetricTargetSpec,
        /// One value per series.
        values_milli: Result<Vec<i64>, String>,
    },
}

impl MetricInput {
    /// The type of the target that counts, which is also the value type in the status. Source: SCHEMA.md, reconcile
    /// step 5.
    pub fn target_type(&self) -> TargetType {
        match self {
            Self::Pods { .. } => TargetType::AverageValue,
            Self::Object { target, .. } => target.kind,
            Self::External { target, .. } if target.average_value_milli.is_some() => TargetType::AverageValue,
            Self::External { .. } => TargetType::Value,
        }
    }

    /// The target (thousandths) of a single value that the controller divides by the replicas. If that value is already
    /// an average over the pods, it is averaged twice.
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

    /// Name of the metric.
    pub fn name(&self) -> &str {
        match self {
            Self::Pods { metric, .. } => &metric.name,
            Self::Object { metric, .. } => &metric.name,
            Self::External { metric, .. } => &metric.name,
        }
    }
}

/// The name of a metric in events and conditions: `pods metric NAME`, `KIND metric NAME`, `external metric
/// NAME(SELECTOR)`.
pub fn metric_name(metric: &MetricInput) -> String {
    match metric {
        MetricInput::Pods { metric, .. } => metric.event_name(),
        MetricInput::Object { metric, target, .. } => metric.event_name(target.kind),
        MetricInput::External { metric, .. } => metric.event_name(),
    }
}

/// The proposal of a metric of any type. Source: SCHEMA.md, reconcile step 5.
///
/// # Errors
/// The errors of the function for the metric's type, and [`MetricError::ObjectWithoutTarget`] or
/// [`MetricError::ExternalWithoutTarget`] if the target field that counts is not set, before the API's response
/// matters.
pub fn propose(metric: &MetricInput, workload: &Workload<'_>) -> Result<Proposal, MetricError> {
    match metric {
        MetricInput::Pods { metric, target_average_value_milli, samples_milli } => {
            let samples = samples_milli.as_ref().map_err(String::as_str);
            pods_metric(metric, samples, *target_average_value_milli, workload)
        }
        MetricInput::Object { metric, target, value_milli } => {
            let value = value_milli.as_ref().copied().map_err(String::as_str);
            match (target.kind, target.value_milli, target.average_value_milli) {
                (TargetType::Value, Some(target), _) => object_value(metric, value, target, workload),
                (TargetType::AverageValue, _, Some(target)) => object_average_value(metric, value, target, workload),
                _ => Err(MetricError::ObjectWithoutTarget),
            }
        }
        MetricInput::External { metric, target, values_milli } => {
            let values = values_milli.as_deref().map_err(String::as_str);
            match (target.value_milli, target.average_value_milli) {
                (_, Some(target)) => external_average_value(metric, values, target, workload),
                (Some(target), None) => external_value(metric, values, target, workload),
                (None, None) => Err(MetricError::ExternalWithoutTarget),
            }
        }
    }
}
