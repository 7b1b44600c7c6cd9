//! One metric of an HPA's spec of any type, with the response of the metrics API.

use std::collections::BTreeMap;

use super::{
    ExternalMetric, MetricError, ObjectMetric, PodsMetric, Proposal, Workload, external_average_value, external_value,
    object_average_value, object_value, pods_metric,
};
use crate::model::metric_under_test::{MetricKind, TargetType};

/// The target of a metric in the spec. Both fields may be set; [`MetricTargetSpec::compared`] is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricTargetSpec {
    /// `target.type`. The controller uses it for Object metrics and ignores it for the others.
    pub kind: TargetType,
    /// `target.value` in thousandths.
    pub value_milli: Option<i64>,
    /// `target.averageValue` in thousandths. For External metrics it takes precedence.
    pub average_value_milli: Option<i64>,
}

impl MetricTargetSpec {
    /// The type and the number (thousandths) that the controller compares: `averageValue` for a Pods metric; the field
    /// that `type` names for an Object metric; `averageValue` before `value` for an External metric. Source: SCHEMA.md,
    /// reconcile step 5.
    #[must_use]
    pub(crate) fn compared(self, kind: MetricKind) -> (TargetType, Option<i64>) {
        let target_type = match (kind, self.kind) {
            (MetricKind::Pods, _) => TargetType::AverageValue,
            (MetricKind::Object, stated) => stated,
            (MetricKind::External, _) if self.average_value_milli.is_some() => TargetType::AverageValue,
            (MetricKind::External, _) => TargetType::Value,
        };
        let target_milli = match target_type {
            TargetType::Value => self.value_milli,
            TargetType::AverageValue => self.average_value_milli,
        };
        (target_type, target_milli)
    }
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
    /// Its type.
    #[must_use]
    pub(crate) fn kind(&self) -> MetricKind {
        match self {
            Self::Pods { .. } => MetricKind::Pods,
            Self::Object { .. } => MetricKind::Object,
            Self::External { .. } => MetricKind::External,
        }
    }

    /// The type of the target that counts, which is also the value type in the status.
    pub(crate) fn target_type(&self) -> TargetType {
        match self {
            Self::Pods { .. } => TargetType::AverageValue,
            Self::Object { target, .. } | Self::External { target, .. } => target.compared(self.kind()).0,
        }
    }

    /// Name of the metric.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Pods { metric, .. } => &metric.name,
            Self::Object { metric, .. } => &metric.name,
            Self::External { metric, .. } => &metric.name,
        }
    }
}

/// The name of a metric in events and conditions: `pods metric NAME`, `KIND metric NAME`, `external metric
/// NAME(SELECTOR)`.
pub(crate) fn metric_name(metric: &MetricInput) -> String {
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
pub(crate) fn propose(metric: &MetricInput, workload: &Workload<'_>) -> Result<Proposal, MetricError> {
    match metric {
        MetricInput::Pods { metric, target_average_value_milli, samples_milli } => {
            let samples = samples_milli.as_ref().map_err(String::as_str);
            pods_metric(metric, samples, *target_average_value_milli, workload)
        }
        MetricInput::Object { metric, target, value_milli } => {
            let value = value_milli.as_ref().copied().map_err(String::as_str);
            match target.compared(MetricKind::Object) {
                (TargetType::Value, Some(target)) => object_value(metric, value, target, workload),
                (TargetType::AverageValue, Some(target)) => object_average_value(metric, value, target, workload),
                (_, None) => Err(MetricError::ObjectWithoutTarget),
            }
        }
        MetricInput::External { metric, target, values_milli } => {
            let values = values_milli.as_deref().map_err(String::as_str);
            match target.compared(MetricKind::External) {
                (TargetType::AverageValue, Some(target)) => external_average_value(metric, values, target, workload),
                (TargetType::Value, Some(target)) => external_value(metric, values, target, workload),
                (_, None) => Err(MetricError::ExternalWithoutTarget),
            }
        }
    }
}
