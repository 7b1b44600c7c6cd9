//! The arithmetic and the decisions of the `HorizontalPodAutoscaler` controller of Kubernetes 1.37.2.
//!
//! All functions are pure: they read no clock, file, cluster or random number, and keep no state between calls. The
//! same input gives the same output, texts included, as the controller built for linux/amd64 with its default feature
//! gates. `tests/vectors.rs` checks that with recorded outputs of the controller in `fixtures/hpa/`. "SCHEMA.md" in the
//! comments of this module is `fixtures/hpa/SCHEMA.md`, which defines every step.
//!
//! Steps:
//! - from one metric to one [`Proposal`]: [`pods_metric`], [`object_value`], [`object_average_value`],
//!   [`external_value`], [`external_average_value`], or [`propose`] for any [`MetricInput`];
//! - from a proposal to a [`Size`]: [`legacy()`] without `spec.behavior`, [`behavior()`] with it; [`rate_limit_up`],
//!   [`rate_limit_down`] and [`legacy_rate_limit`] alone;
//! - one whole pass over one HPA: [`reconcile()`].
//!
//! [`MetricUnderTest`](crate::model::metric_under_test::MetricUnderTest) is the metric of a scenario's HPA, resolved
//! once: its target, its name in events, its [`MetricInput`] for samples.
//!
//! Not modelled: Resource and `ContainerResource` metrics, match expressions in metric selectors, label selector
//! parsing, and other versions than 1.37.2.

mod behavior;
mod condition;
mod double_average;
mod external;
mod integer;
mod legacy;
mod limit;
mod log;
mod metric;
mod metric_error;
mod metric_id;
mod metric_under_test;
mod object;
mod pod;
mod pods;
mod rate;
mod ratio;
mod reconcile;
mod rules;
mod scaled_object;
mod size;
mod spec;
mod stored_spec;
mod text;
mod tolerance;
mod workload;

pub use behavior::behavior;
pub use condition::HpaCondition;
pub(crate) use condition::{ConditionKind, ConditionStatus};
pub(crate) use double_average::{Oscillation, ValueAtSize};
pub use external::{external_average_value, external_value};
pub use legacy::legacy;
pub(crate) use legacy::legacy_rate_limit;
pub(crate) use limit::{Limit, Stabilization};
pub use log::{HpaLogs, LogSlot, ScaleEvents};
pub use metric::{MetricInput, MetricTargetSpec};
pub(crate) use metric::{metric_name, propose};
pub use metric_error::MetricError;
pub use metric_id::{DescribedObjectRef, ExternalMetric, ObjectMetric, PodsMetric};
pub(crate) use metric_under_test::{CUSTOM_METRICS_GROUP, EXTERNAL_METRICS_GROUP};
pub use object::{object_average_value, object_value};
pub(crate) use pod::PodPhase;
pub use pod::PodState;
pub use pods::pods_metric;
pub(crate) use rate::{rate_limit_down, rate_limit_up};
pub(crate) use reconcile::{ABOVE_MAX, BELOW_MIN, HpaEvent, HpaEventType};
pub use reconcile::{
    ControllerFlags, CurrentMetric, HpaNames, HpaSpec, HpaStatus, PodSelector, PutFailure, ReconcileInput,
    ReconcileOutput, ReportedValue, ScaleSubresource, reconcile,
};
pub use rules::Behavior;
pub(crate) use rules::{GivenRules, PolicyType, ScalingPolicy, ScalingRules, SelectPolicy};
pub(crate) use scaled_object::{
    SCALED_OBJECT_LABEL, SCALED_OBJECT_METRIC, scaled_object_hpa_name, scaled_object_hpa_spec, scaled_object_name,
    scaled_object_of_hpa,
};
pub(crate) use size::Size;
pub use size::Sizing;
pub(crate) use spec::{
    BehaviorTimes, behavior_from_spec, behavior_times, longest_policy_period_ms, pod_state_from_snapshot,
};
pub(crate) use stored_spec::{find_foreign_metrics, find_spec_differences, spec_difference_hint};
pub(crate) use text::{
    SCALE_DOWN_STABILIZED, SCALING_DISABLED, SUCCEEDED_RESCALE, SUCCESSFUL_RESCALE, new_size, split_new_size,
    updated_scale,
};
pub use tolerance::Tolerance;
pub use workload::{Proposal, Workload};

pub(crate) use crate::model::metric_under_test::MetricKind;
pub use crate::model::metric_under_test::TargetType;
