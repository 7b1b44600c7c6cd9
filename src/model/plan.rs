//! What a run would do, whether it can pass at all, and how long its parts may take.

use serde::{Deserialize, Serialize};

/// plan.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Id of the run: in names and labels of everything that it makes.
    pub run: String,
    /// Every change, in order, in words.
    pub changes: Vec<String>,
    /// Name of the HPA of this run.
    pub hpa: String,
    /// Name of the Service of this run.
    pub service: String,
    /// Name of the Lease that claims the target.
    #[serde(default)]
    pub lease: String,
    /// Sizes that the metric can lead to, from min on.
    pub reachable_replicas: Vec<i32>,
    /// Replicas that the load must lead to.
    pub expected_replicas: i32,
    /// Accelerators that the run needs at most, and those free, where it could be read.
    pub accelerators: AcceleratorCapacity,
    /// The bounds that the checks will use.
    pub bounds: Vec<TimeBound>,
    /// The least that such a run can take, milliseconds.
    pub min_duration_ms: u64,
    /// The longest that it can take if everything takes its bound, milliseconds.
    pub max_duration_ms: u64,
    /// Why the run cannot pass: exit 2 before anything is changed.
    pub errors: Vec<PreflightProblem>,
    /// What a reader should know before starting.
    pub warnings: Vec<String>,
}

/// Accelerators needed and free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AcceleratorCapacity {
    /// Resource name, where it is known.
    pub resource: Option<String>,
    /// Needed at maxReplicas.
    pub needed: i64,
    /// Free on ready nodes; absent when nodes or pods could not be read.
    pub free: Option<i64>,
}

/// A reason not to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreflightProblem {
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What the HPA's own spec says about time.
#[derive(Clone, Copy, Debug, Default)]
pub struct BehaviorTimes {
    /// `scaleDown.stabilizationWindowSeconds`, milliseconds, when it is stated.
    pub down_window_ms: Option<u64>,
    /// `scaleUp.stabilizationWindowSeconds`, for which a rise is held back, milliseconds.
    pub up_window_ms: u64,
    /// What the rate limit forces between min and the expected size, upwards, milliseconds.
    pub up_rate_ms: u64,
    /// The same downwards, from max to min.
    pub down_rate_ms: u64,
}

/// A length of time, made of named terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeBound {
    /// What it bounds.
    pub name: String,
    /// Its terms.
    pub terms: Vec<Term>,
}

/// One term of a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Name.
    pub name: String,
    /// Milliseconds.
    pub ms: u64,
    /// Where it comes from.
    pub source: TermSource,
}

/// Where a term comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TermSource {
    /// Read from the cluster or from the spec that we applied.
    Read,
    /// Assumed by the scenario.
    Assumed,
    /// Our own doing: poll intervals, measured skew.
    Harness,
}

impl TimeBound {
    /// Sum of the terms, milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(term.ms))
    }

    /// The sum with every assumed term doubled: a FAIL that would flip within it is INCONCLUSIVE.
    #[must_use]
    pub fn lenient_ms(&self) -> u64 {
        let ms = |term: &Term| term.ms.saturating_mul(if term.source == TermSource::Assumed { 2 } else { 1 });
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(ms(term)))
    }
}

impl std::fmt::Display for TimeBound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", crate::units::HumanDuration::from_ms(self.total_ms()))?;
        for (n, term) in self.terms.iter().enumerate() {
            let (open, source) = (
                if n == 0 { " = " } else { " + " },
                match term.source {
                    TermSource::Read => "read",
                    TermSource::Assumed => "assumed",
                    TermSource::Harness => "harness",
                },
            );
            write!(f, "{open}{} {} ({source})", term.name, crate::units::HumanDuration::from_ms(term.ms))?;
        }
        Ok(())
    }
}
