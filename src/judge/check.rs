//! The fourteen checks: their names, and what each needs to hold before it may blame anybody.

/// A check, one JUnit case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is documented at the head of its own file")]
pub enum Check {
    PodsRequestAccelerators,
    MetricServed,
    AutoscalerActive,
    IdleHolds,
    ByTheAutoscaler,
    MetricFollowsLoad,
    ReplicasRise,
    NewPodsRunOnAccelerators,
    NewPodsServe,
    HoldSteady,
    ReplicasFall,
    NotEarly,
    DecisionsExplained,
    Restored,
}

/// What a check needs: another check, or the half of one that speaks of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prerequisite {
    /// The whole check.
    Whole(Check),
    /// Control/MetricFollowsLoad as the load begins.
    MetricRises,
    /// Control/MetricFollowsLoad after the load.
    MetricFalls,
}

impl Prerequisite {
    /// The name in "needs X".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole(check) => check.name(),
            Self::MetricRises => "Control/MetricFollowsLoad (rise)",
            Self::MetricFalls => "Control/MetricFollowsLoad (fall)",
        }
    }
}

impl Check {
    /// All checks, in the order of a run.
    pub const ALL: [Self; 14] = [
        Self::PodsRequestAccelerators,
        Self::MetricServed,
        Self::AutoscalerActive,
        Self::IdleHolds,
        Self::ByTheAutoscaler,
        Self::MetricFollowsLoad,
        Self::ReplicasRise,
        Self::NewPodsRunOnAccelerators,
        Self::NewPodsServe,
        Self::HoldSteady,
        Self::ReplicasFall,
        Self::NotEarly,
        Self::DecisionsExplained,
        Self::Restored,
    ];

    /// The case's name under the suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PodsRequestAccelerators => "Setup/PodsRequestAccelerators",
            Self::MetricServed => "Setup/MetricServed",
            Self::AutoscalerActive => "Setup/AutoscalerActive",
            Self::IdleHolds => "Control/IdleHolds",
            Self::ByTheAutoscaler => "Control/ByTheAutoscaler",
            Self::MetricFollowsLoad => "Control/MetricFollowsLoad",
            Self::ReplicasRise => "ScaleUp/ReplicasRise",
            Self::NewPodsRunOnAccelerators => "ScaleUp/NewPodsRunOnAccelerators",
            Self::NewPodsServe => "ScaleUp/NewPodsServe",
            Self::HoldSteady => "Hold/Steady",
            Self::ReplicasFall => "ScaleDown/ReplicasFall",
            Self::NotEarly => "ScaleDown/NotEarly",
            Self::DecisionsExplained => "Oracle/DecisionsExplained",
            Self::Restored => "Cleanup/Restored",
        }
    }

    /// What must hold before this check may pass or fail.
    #[must_use]
    pub fn prerequisites(self) -> &'static [Prerequisite] {
        use Prerequisite::{MetricFalls, MetricRises, Whole};
        match self {
            Self::PodsRequestAccelerators | Self::MetricServed | Self::Restored => &[],
            Self::AutoscalerActive => &[Whole(Self::MetricServed)],
            Self::IdleHolds | Self::ByTheAutoscaler | Self::DecisionsExplained => &[Whole(Self::AutoscalerActive)],
            Self::MetricFollowsLoad => &[Whole(Self::IdleHolds)],
            Self::ReplicasRise => &[MetricRises, Whole(Self::ByTheAutoscaler)],
            Self::NewPodsRunOnAccelerators => &[Whole(Self::ReplicasRise), Whole(Self::PodsRequestAccelerators)],
            Self::NewPodsServe => &[Whole(Self::NewPodsRunOnAccelerators)],
            Self::HoldSteady => &[Whole(Self::ReplicasRise)],
            Self::ReplicasFall => &[Whole(Self::ReplicasRise), MetricFalls, Whole(Self::ByTheAutoscaler)],
            Self::NotEarly => &[Whole(Self::ReplicasFall)],
        }
    }
}
