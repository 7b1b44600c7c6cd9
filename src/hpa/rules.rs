//! `spec.behavior`: scaling policies and stabilization windows.

use std::time::Duration;

use serde::Deserialize;

/// The unit of a policy's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum PolicyType {
    /// Pods.
    Pods,
    /// Percent of the replicas at the start of the period.
    Percent,
}

/// `selectPolicy`: which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// A scaling policy: the largest change within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScalingPolicy {
    /// Unit of `value`.
    #[serde(rename = "type")]
    pub(crate) kind: PolicyType,
    /// Number of pods, or percent.
    pub(crate) value: i32,
    /// The period in seconds, 1 to 1800.
    pub(crate) period_seconds: i32,
}

/// The scaling rules of one direction, with defaults.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScalingRules {
    /// The stabilization window in seconds, 0 to 3600. Without one, scale-up uses 0 and scale-down the controller's
    /// flag.
    pub(crate) stabilization_window_seconds: Option<i32>,
    /// Which policy counts.
    pub(crate) select_policy: SelectPolicy,
    /// The policies.
    pub(crate) policies: Vec<ScalingPolicy>,
    /// Tolerance of this direction, a fraction; replaces the controller's.
    pub(crate) tolerance: Option<f64>,
}

/// `spec.behavior` with the API server's defaults.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behavior {
    /// Rules of scale-up.
    pub(crate) scale_up: ScalingRules,
    /// Rules of scale-down.
    pub(crate) scale_down: ScalingRules,
}

/// The scaling rules of one direction as written by the user, without defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GivenRules {
    /// The stabilization window in seconds.
    pub(crate) stabilization_window_seconds: Option<i32>,
    /// Which policy counts.
    pub(crate) select_policy: Option<SelectPolicy>,
    /// The policies; they replace the default policies.
    pub(crate) policies: Option<Vec<ScalingPolicy>>,
    /// Tolerance of this direction, a fraction.
    pub(crate) tolerance: Option<f64>,
}

impl Behavior {
    /// Sets the defaults of the API server for a `spec.behavior` that is set. Scale-up: window 0, the Max of 4 pods and
    /// 100 % in 15 s. Scale-down: no window (so the controller's flag), 100 % in 15 s. Without `spec.behavior` the API
    /// server sets no defaults, and the controller uses [`super::legacy()`].
    ///
    /// Source: Kubernetes 1.37.2 `pkg/apis/autoscaling/v2/defaults.go`, `GenerateHPAScaleUpRules` and
    /// `GenerateHPAScaleDownRules`.
    pub(crate) fn defaulted(scale_up: Option<GivenRules>, scale_down: Option<GivenRules>) -> Self {
        let percent = ScalingPolicy { kind: PolicyType::Percent, value: 100, period_seconds: 15 };
        let pods = ScalingPolicy { kind: PolicyType::Pods, value: 4, period_seconds: 15 };
        Self {
            scale_up: scale_up.unwrap_or_default().with_defaults(Some(0), vec![pods, percent]),
            scale_down: scale_down.unwrap_or_default().with_defaults(None, vec![percent]),
        }
    }
}

impl GivenRules {
    fn with_defaults(self, window_seconds: Option<i32>, policies: Vec<ScalingPolicy>) -> ScalingRules {
        ScalingRules {
            stabilization_window_seconds: self.stabilization_window_seconds.or(window_seconds),
            select_policy: self.select_policy.unwrap_or(SelectPolicy::Max),
            policies: self.policies.unwrap_or(policies),
            tolerance: self.tolerance,
        }
    }
}

impl ScalingRules {
    /// The stabilization window, or `default` without one.
    pub(crate) fn window(&self, default: Duration) -> Duration {
        self.stabilization_window_seconds.map_or(default, seconds)
    }

    /// The longest period of the policies: the controller keeps scale events for that long.
    pub(crate) fn longest_period(&self) -> Duration {
        self.policies.iter().map(|policy| policy.period()).max().unwrap_or(Duration::ZERO)
    }
}

impl ScalingPolicy {
    /// The period.
    pub(crate) fn period(&self) -> Duration {
        seconds(self.period_seconds)
    }
}

/// Negative seconds count as 0; the API server rejects them.
fn seconds(n: i32) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_given_field_keeps_every_other_default() {
        let given = GivenRules { stabilization_window_seconds: Some(60), ..GivenRules::default() };
        let behavior = Behavior::defaulted(None, Some(given));
        assert_eq!(behavior.scale_up, Behavior::defaulted(None, None).scale_up);
        assert_eq!(behavior.scale_up.stabilization_window_seconds, Some(0));
        assert_eq!(behavior.scale_up.policies.len(), 2);
        assert_eq!(behavior.scale_down.stabilization_window_seconds, Some(60));
        assert_eq!(behavior.scale_down.policies, Behavior::defaulted(None, None).scale_down.policies);
        assert_eq!(Behavior::defaulted(None, None).scale_down.stabilization_window_seconds, None);
    }
}
