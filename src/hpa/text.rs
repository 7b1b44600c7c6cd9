//! Fixed texts of the controller: reasons of conditions and events, and Go's text form of a label selector.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Reason of the condition `AbleToScale` after a successful write; its message is [`updated_scale`].
pub(crate) const SUCCEEDED_RESCALE: &str = "SucceededRescale";
/// Reason of the event after a successful write; its message is [`new_size`].
pub(crate) const SUCCESSFUL_RESCALE: &str = "SuccessfulRescale";

/// Reason of the condition `AbleToScale` where the scale-down window keeps the size.
pub(crate) const SCALE_DOWN_STABILIZED: &str = "ScaleDownStabilized";

/// Reason of the condition `ScalingActive` where the target has 0 replicas.
pub(crate) const SCALING_DISABLED: &str = "ScalingDisabled";

pub(super) const SUCCEEDED_GET_SCALE: &str = "SucceededGetScale";
pub(super) const FAILED_GET_SCALE: &str = "FailedGetScale";
pub(super) const FAILED_UPDATE_SCALE: &str = "FailedUpdateScale";
pub(super) const FAILED_RESCALE: &str = "FailedRescale";
pub(super) const SELECTOR_REQUIRED: &str = "SelectorRequired";
pub(super) const INVALID_SELECTOR: &str = "InvalidSelector";
pub(super) const AMBIGUOUS_SELECTOR: &str = "AmbiguousSelector";
pub(super) const VALID_METRIC_FOUND: &str = "ValidMetricFound";
pub(super) const FAILED_COMPUTE_METRICS_REPLICAS: &str = "FailedComputeMetricsReplicas";
pub(super) const SCALED_TO_ZERO: &str = "ScaledToZero";
pub(super) const NOT_SCALED_TO_ZERO: &str = "NotScaledToZero";

/// Message of [`SUCCEEDED_RESCALE`]; `to` is the written replica count.
#[must_use]
pub(crate) fn updated_scale(to: i32) -> String {
    format!("the HPA controller was able to update the target scale to {to}")
}

/// Message of [`SUCCESSFUL_RESCALE`]; `to` is the written replica count.
#[must_use]
pub(crate) fn new_size(to: i32, reason: &str) -> String {
    format!("New size: {to}; reason: {reason}")
}

/// The replica count and the reason of a message that [`new_size`] made.
#[must_use]
pub(crate) fn split_new_size(message: &str) -> Option<(&str, &str)> {
    message.strip_prefix("New size: ")?.split_once("; reason: ")
}

/// The text form of a metric selector (SCHEMA.md, Conventions, `SEL(s)`): `nil` without one, else the generated
/// Go `String()` of a `LabelSelector`, keys sorted.
pub(super) fn selector_text(selector: Option<&BTreeMap<String, String>>) -> String {
    let Some(labels) = selector else {
        return "nil".to_owned();
    };
    let mut pairs = String::new();
    for (key, value) in labels {
        // Writing to a String cannot fail.
        let _ = write!(pairs, "{key}: {value},");
    }
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
    )
}
