//! The metric under test: the HPA's metric that the run reads and that the load must move. The HPA model resolves it
//! from the scenario and computes with it, so that every part of the program names the same target.

use k8s_openapi::api::autoscaling::v2::CrossVersionObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The types of metric that the custom and the external metrics API serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricKind {
    /// One sample per pod.
    Pods,
    /// One value of one object.
    Object,
    /// The sum of the series of the external metrics API.
    External,
}

/// The type of a metric target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetType {
    /// One value for the whole workload.
    Value,
    /// A value per replica.
    AverageValue,
}

/// The metric under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricUnderTest {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: MetricKind,
    /// Its name.
    pub(crate) name: String,
    /// Namespace of the HPA, in which the controller requests the metric.
    pub(crate) namespace: String,
    /// Selector of its series.
    pub(crate) selector: Option<LabelSelector>,
    /// The described object of an Object metric.
    pub(crate) described_object: Option<CrossVersionObjectReference>,
    /// Type of the target that the controller compares.
    pub target_type: TargetType,
    /// The one number of the target that the controller compares. `None` if the spec does not state it as a quantity.
    pub target_value: Option<Milli>,
    /// The tolerance of `spec.behavior`.
    pub(crate) tolerance: StatedTolerance,
    /// How many metrics the HPA has besides. The run does not read them, and the controller takes the largest
    /// recommendation of all.
    pub(crate) other_metrics: usize,
}

impl MetricUnderTest {
    /// Type and name. The controller writes `external metric` of an Object metric with an AverageValue target; that is its
    /// text, and not the metric's type.
    #[must_use]
    pub(crate) fn title(&self) -> String {
        format!("{:?} metric {}", self.kind, self.name)
    }
}

/// The tolerance that an HPA's `spec.behavior` states for each direction; where it states none, the controller's flag
/// applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatedTolerance {
    /// `scaleUp.tolerance`.
    pub(crate) up: Option<Milli>,
    /// `scaleDown.tolerance`.
    pub(crate) down: Option<Milli>,
}
