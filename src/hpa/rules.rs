//! `spec.behavior`: how fast and how soon a size may change.

use std::time::Duration;

use serde::Deserialize;

/// What a policy's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum PolicyType {
    /// Pods.
    Pods,
    /// Percent of the size at the start of the period.
    Percent,
}

/// Which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// One limit of change over a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingPolicy {
    /// What `value` counts.
    #[serde(rename = "type")]
    pub kind: PolicyType,
    /// Pods, or percent.
    pub value: i32,
    /// The period in seconds, 1 to 1800.
    pub period_seconds: i32,
}

/// The rules of one direction, defaulted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingRules {
    /// The window in seconds, 0 to 3600. Upward none means 0; downward none means the controller's flag.
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy counts.
    pub select_policy: SelectPolicy,
    /// The policies.
    pub policies: Vec<ScalingPolicy>,
    /// A fraction that replaces the controller's tolerance in this direction.
    pub tolerance: Option<f64>,
}

/// `spec.behavior` with the API server's defaults filled in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Behavior {
    /// Upward.
    pub scale_up: ScalingRules,
    /// Downward.
    pub scale_down: ScalingRules,
}

/// The rules of one direction as a user wrote them: what is not written is `None`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenRules {
    /// The window in seconds.
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy counts.
    pub select_policy: Option<SelectPolicy>,
    /// The policies; written ones replace the default ones.
    pub policies: Option<Vec<ScalingPolicy>>,
    /// A fraction.
    pub tolerance: Option<f64>,
}

impl Behavior {
    /// Fills in what is not written, as the API server does once `spec.behavior` is set at all: upward window 0, Max of
    /// 4 pods and 100 % in 15 s; downward no window (so the controller's flag), 100 % in 15 s. Without `spec.behavior`
    /// nothing is filled in and the controller takes [`super::legacy()`].
    ///
    /// Source: Kubernetes 1.37.2 `pkg/apis/autoscaling/v2/defaults.go`; facts/hpa.md 1.6.
    pub fn defaulted(scale_up: Option<GivenRules>, scale_down: Option<GivenRules>) -> Self {
        let percent = ScalingPolicy { kind: PolicyType::Percent, value: 100, period_seconds: 15 };
        let pods = ScalingPolicy { kind: PolicyType::Pods, value: 4, period_seconds: 15 };
        Self {
            scale_up: scale_up.unwrap_or_default().or(Some(0), vec![pods, percent]),
            scale_down: scale_down.unwrap_or_default().or(None, vec![percent]),
        }
    }
}

impl GivenRules {
    fn or(self, window_seconds: Option<i32>, policies: Vec<ScalingPolicy>) -> ScalingRules {
        ScalingRules {
            stabilization_window_seconds: self.stabilization_window_seconds.or(window_seconds),
            select_policy: self.select_policy.unwrap_or(SelectPolicy::Max),
            policies: self.policies.unwrap_or(policies),
            tolerance: self.tolerance,
        }
    }
}

impl ScalingRules {
    /// The stabilization window, `unset` when there is none.
    pub fn window(&self, unset: Duration) -> Duration {
        self.stabilization_window_seconds.map_or(unset, seconds)
    }

    /// The longest period of the policies: so long a change of size is remembered.
    pub fn longest_period(&self) -> Duration {
        self.policies.iter().map(|policy| policy.period()).max().unwrap_or(Duration::ZERO)
    }
}

impl ScalingPolicy {
    /// The period.
    pub fn period(&self) -> Duration {
        seconds(self.period_seconds)
    }
}

/// The API server accepts no negative seconds; they count as 0 here.
fn seconds(n: i32) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_written_field_leaves_every_other_default_in_place() {
        let written = GivenRules { stabilization_window_seconds: Some(60), ..GivenRules::default() };
        let behavior = Behavior::defaulted(None, Some(written));
        assert_eq!(behavior.scale_up, Behavior::defaulted(None, None).scale_up);
        assert_eq!(behavior.scale_up.stabilization_window_seconds, Some(0));
        assert_eq!(behavior.scale_up.policies.len(), 2);
        assert_eq!(behavior.scale_down.stabilization_window_seconds, Some(60));
        assert_eq!(behavior.scale_down.policies, Behavior::defaulted(None, None).scale_down.policies);
        assert_eq!(Behavior::defaulted(None, None).scale_down.stabilization_window_seconds, None);
    }
}
