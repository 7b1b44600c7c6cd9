//! Figures of a run by which platforms are compared: how long each step of the scaling took, and what each size brought. They
//! decide nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Milli;

/// The figures of a run. A figure is absent where the run has no observation of its beginning or of its end. Times are
/// milliseconds of the run's clock, as gpuhpa received the observations: it polls once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RunFigures {
    /// From the beginning of the load until a reading of the metrics API first recommends more than minReplicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_ms: Option<u64>,
    /// From that reading until a larger spec.replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_ms: Option<u64>,
    /// The pods that were created under load, in the order of their creation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_pods: Vec<PodFigures>,
    /// From the end of the load until a smaller spec.replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_ms: Option<u64>,
    /// From the end of the load until spec.replicas is minReplicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_at_min_ms: Option<u64>,
    /// Accelerators that the target's pods held, times the seconds that each held them, until the clean-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_seconds: Option<u64>,
    /// What each number of Ready pods brought under load, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<SizeFigures>,
}

/// The start of one new pod. Times are milliseconds since the spec.replicas that asks for the pod, unless stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodFigures {
    /// Pod name.
    pub pod: String,
    /// Until it is Ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_ms: Option<u64>,
    /// Until it is a ready endpoint of the Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_ms: Option<u64>,
    /// Until its own metric first shows traffic through the Service. The metric's lag is part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_ms: Option<u64>,
    /// From the kubelet's event Pulling to its event Pulled; absent for an image that the node had. Events have whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_ms: Option<u64>,
    /// From the kubelet's event Started to Ready: the start of the server, and with most charts the model's load. Both are whole
    /// seconds of the cluster's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<u64>,
}

/// What one number of Ready pods brought under load. Times at which the number changes are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SizeFigures {
    /// Ready pods.
    pub ready_pods: u32,
    /// How long the run had them, milliseconds.
    pub observed_ms: u64,
    /// Requests that succeeded in this time. A request counts when it ends.
    pub requests: u64,
    /// Their tokens.
    pub tokens: u64,
    /// The mean of their times to first token, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_mean_us: Option<u64>,
    /// The mean over time of the metric's value, as the HPA compares it with its target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_mean: Option<Milli>,
}

impl RunFigures {
    /// True where nothing was observed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A figure with its name, for tables of names and values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFigure {
    /// The name for programs; it ends with the number of Ready pods where the figure is of one size.
    pub(crate) key: String,
    /// The name for people.
    pub(crate) title: String,
    /// The value.
    pub(crate) value: FigureValue,
}

/// The value of a figure with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureValue {
    /// Milliseconds.
    Ms(u64),
    /// Microseconds.
    Micros(u64),
    /// A count.
    Count(u64),
    /// Thousandths.
    Milli(Milli),
}

impl fmt::Display for FigureValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ms(value) | Self::Micros(value) | Self::Count(value) => value.fmt(f),
            Self::Milli(value) => value.fmt(f),
        }
    }
}

impl RunFigures {
    /// Every figure that was observed. Of the new pods the slowest one counts.
    #[must_use]
    pub(crate) fn named(&self) -> Vec<NamedFigure> {
        let slowest = |of: fn(&PodFigures) -> Option<u64>| self.new_pods.iter().filter_map(of).max();
        let times = [
            ("detectionMs", "load to a larger recommendation", self.detection_ms),
            ("decisionMs", "larger recommendation to a larger size", self.decision_ms),
            ("podReadyMs", "size to Ready, slowest pod", slowest(|pod| pod.ready_ms)),
            ("podEndpointMs", "size to endpoint, slowest pod", slowest(|pod| pod.endpoint_ms)),
            ("podTrafficMs", "size to traffic in the metric, slowest pod", slowest(|pod| pod.traffic_ms)),
            ("scaleDownMs", "end of load to a smaller size", self.scale_down_ms),
            ("backAtMinMs", "end of load to minReplicas", self.back_at_min_ms),
        ];
        let named = |key: &str, title: &str, value| NamedFigure { key: key.to_owned(), title: title.to_owned(), value };
        let mut all: Vec<NamedFigure> =
            times.iter().filter_map(|(key, title, ms)| Some(named(key, title, FigureValue::Ms((*ms)?)))).collect();
        let seconds = self.accelerator_seconds.map(FigureValue::Count);
        all.extend(seconds.map(|value| named("acceleratorSeconds", "accelerator seconds", value)));
        for size in &self.sizes {
            let of_size = [
                ("tokensPerSecond", "tokens per second", size.tokens_per_second().map(FigureValue::Milli)),
                ("ttftMeanUs", "mean time to first token", size.ttft_mean_us.map(FigureValue::Micros)),
                ("metricMean", "mean value of the metric", size.metric_mean.map(FigureValue::Milli)),
            ];
            all.extend(of_size.into_iter().filter_map(|(key, title, value)| {
                let pods = size.ready_pods;
                Some(named(&format!("{key}.{pods}"), &format!("{title}, {pods} Ready"), value?))
            }));
        }
        all
    }
}

impl SizeFigures {
    /// Tokens in a second, in thousandths.
    #[must_use]
    pub(crate) fn tokens_per_second(&self) -> Option<Milli> {
        let thousandths = u128::from(self.tokens) * 1_000_000 / u128::from(self.observed_ms).max(1);
        i64::try_from(thousandths).ok().filter(|_| self.observed_ms > 0).map(Milli)
    }
}
