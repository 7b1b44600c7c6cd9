//! The plan of a run: its changes, the preflight errors and warnings, and the time bounds of its phases and checks.

use serde::{Deserialize, Serialize};

use super::metric_under_test::MetricUnderTest;

/// plan.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Rules under which the plan was made: `clean` derives the verdict again under later ones, and leaves the plan.
    pub rules: u32,
    /// Id of the run; part of the names and labels of the objects that it creates.
    pub run: String,
    /// Every change in order, in words.
    pub changes: Vec<String>,
    /// Name of the run's HPA.
    pub hpa: String,
    /// Name of the run's Service.
    pub service: String,
    /// Name of the Lease that reserves the target for the run.
    #[serde(default)]
    pub lease: String,
    /// The metric under test, resolved from the scenario; absent from plans that were written before it was stored. No
    /// check reads it.
    #[serde(default)]
    pub metric: Option<MetricUnderTest>,
    /// Replicas that the metric can reach, from minReplicas on.
    pub reachable_replicas: Vec<i32>,
    /// Replicas that the HPA must reach under load.
    pub expected_replicas: i32,
    /// Accelerators that the run needs at most, and free accelerators.
    pub accelerators: AcceleratorCapacity,
    /// The time bounds of the phases and checks.
    pub bounds: Vec<TimeBound>,
    /// Shortest possible duration of the run, milliseconds.
    pub min_duration_ms: u64,
    /// Likely duration of the run from the HPA's creation to the end of the scale-down, milliseconds; 0 in plans that
    /// were written before there was one.
    #[serde(default)]
    pub likely_duration_ms: u64,
    /// Duration of the run if every part takes its whole bound, milliseconds.
    pub max_duration_ms: u64,
    /// Reasons why the run cannot pass. With any, gpuhpa exits with 2 and changes nothing.
    pub errors: Vec<PreflightProblem>,
    /// Warnings; the run may start.
    pub warnings: Vec<String>,
    /// Images and models that the run pulls, in words; absent from plans that were written before they were listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<String>,
    /// What was not looked at because there is no cluster, in words. Such a plan belongs to no run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_looked_at: Vec<String>,
}

/// Needed and free accelerators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceleratorCapacity {
    /// Resource name, if known.
    pub(crate) resource: Option<String>,
    /// Accelerators needed at maxReplicas.
    pub(crate) needed: i64,
    /// Free accelerators on ready nodes; absent if nodes or pods could not be read.
    pub(crate) free: Option<i64>,
}

/// A reason why the run cannot pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreflightProblem {
    /// The problem.
    pub message: String,
    /// How to solve it.
    pub hint: String,
}

/// What a time bound limits. The text of [`BoundName::as_str`] is the name in plan.json and in messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum BoundName {
    /// Age of the state that a reading of the metrics API shows.
    MetricLag,
    /// From the adapter's start until the metrics API serves the metric.
    MetricServed,
    /// From the HPA's creation until it is active.
    HpaActive,
    /// The baseline without load.
    Baseline,
    /// How long the metric must recommend other replicas before the controller must have acted.
    RecommendationSustained,
    /// From the start of the load until the metric recommends more replicas.
    MetricFollowsLoad,
    /// From the first reading that recommends the expected replicas until the target has them.
    ScaleUp,
    /// From a pod's creation until it is Ready.
    PodStartup,
    /// From a pod's readiness until its traffic is visible in the metric.
    TrafficVisible,
    /// As `TrafficVisible`, with time for queued requests to end and for each worker to open a new connection.
    NewConnections,
    /// The hold under constant load.
    Hold,
    /// From the end of the load until the metric recommends minReplicas.
    MetricFallsBack,
    /// From the end of the load until the target has minReplicas and its surplus pods are deleted.
    ScaleDown,
    /// A bound of other rules: a plan that was written under them stays readable.
    Other(String),
}

impl BoundName {
    const ALL: [Self; 13] = [
        Self::MetricLag,
        Self::MetricServed,
        Self::HpaActive,
        Self::Baseline,
        Self::RecommendationSustained,
        Self::MetricFollowsLoad,
        Self::ScaleUp,
        Self::PodStartup,
        Self::TrafficVisible,
        Self::NewConnections,
        Self::Hold,
        Self::MetricFallsBack,
        Self::ScaleDown,
    ];

    /// The name in plan.json and in messages.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::MetricLag => "metric lag",
            Self::MetricServed => "metric served",
            Self::HpaActive => "HPA active",
            Self::Baseline => "baseline",
            Self::RecommendationSustained => "recommendation sustained",
            Self::MetricFollowsLoad => "metric follows the load",
            Self::ScaleUp => "scale-up",
            Self::PodStartup => "pod startup",
            Self::TrafficVisible => "traffic visible in the metric",
            Self::NewConnections => "new connections",
            Self::Hold => "hold",
            Self::MetricFallsBack => "metric falls back",
            Self::ScaleDown => "scale-down",
            Self::Other(name) => name,
        }
    }
}

impl From<BoundName> for String {
    fn from(name: BoundName) -> Self {
        name.as_str().to_owned()
    }
}

impl From<String> for BoundName {
    fn from(text: String) -> Self {
        Self::ALL.into_iter().find(|name| name.as_str() == text).unwrap_or(Self::Other(text))
    }
}

impl std::fmt::Display for BoundName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// An upper bound of a duration, the sum of named terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeBound {
    /// What it limits.
    pub name: BoundName,
    /// Its terms.
    pub terms: Vec<Term>,
}

/// One term of a time bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Name.
    pub name: String,
    /// Milliseconds.
    pub ms: u64,
    /// Origin of the term.
    pub source: TermSource,
}

/// Origin of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TermSource {
    /// Read from the cluster or from the HPA's spec.
    Read,
    /// Assumed (`assumptions` of the scenario).
    Assumed,
    /// Set by the harness: poll interval, allowances, timeouts of the load.
    Harness,
}

impl TimeBound {
    /// Sum of the terms, milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(term.ms))
    }

    /// Sum of the terms with every assumed term doubled, milliseconds. A check that exceeds `total_ms` but not this is
    /// INCONCLUSIVE, not FAIL.
    #[must_use]
    pub fn lenient_ms(&self) -> u64 {
        let ms = |term: &Term| term.ms.saturating_mul(if term.source == TermSource::Assumed { 2 } else { 1 });
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(ms(term)))
    }
}

impl TimeBound {
    /// Its length and its terms, with this word for those that are neither assumed nor gpuhpa's own.
    #[must_use]
    pub(crate) fn describe(&self, read: &str) -> String {
        let mut text = crate::units::HumanDuration::from_ms(self.total_ms()).to_string();
        for (n, term) in self.terms.iter().enumerate() {
            let (open, source) = (
                if n == 0 { " = " } else { " + " },
                match term.source {
                    TermSource::Read => read,
                    TermSource::Assumed => "assumed",
                    TermSource::Harness => "harness",
                },
            );
            text += &format!("{open}{} {} ({source})", term.name, crate::units::HumanDuration::from_ms(term.ms));
        }
        text
    }
}

impl std::fmt::Display for TimeBound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe("read"))
    }
}
