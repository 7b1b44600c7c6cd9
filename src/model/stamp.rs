//! Stamps: notices that every output shows before the results, so that a limited run is not mistaken for full evidence.

use super::inventory::Inventory;
use super::scenario::Scenario;

/// A stamp of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunStamp {
    /// The cluster was simulated.
    Rehearsal,
    /// The cluster was real; its accelerators were simulated.
    StandIn,
}

impl RunStamp {
    /// All stamps, the most limiting first.
    pub(crate) const ALL: [Self; 2] = [Self::Rehearsal, Self::StandIn];

    /// The word of the stamp.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rehearsal => "REHEARSAL",
            Self::StandIn => "STAND-IN",
        }
    }

    /// The fact behind the stamp, a sentence without its full stop.
    #[must_use]
    pub(crate) const fn statement(self) -> &'static str {
        match self {
            Self::Rehearsal => "The cluster was simulated",
            Self::StandIn => "The accelerators of this cluster are stand-ins",
        }
    }

    /// The limitation that follows from the fact.
    #[must_use]
    pub(crate) const fn limitation(self) -> &'static str {
        match self {
            Self::Rehearsal => "no evidence about any platform",
            Self::StandIn => "no evidence about accelerators",
        }
    }

    /// Statement and limitation, to follow a colon.
    #[must_use]
    pub(crate) fn explanation(self) -> String {
        let (first, rest) = self.statement().split_at(1);
        format!("{}{rest}. This is {}", first.to_lowercase(), self.limitation())
    }

    /// The word and its explanation.
    #[must_use]
    pub(crate) fn full_text(self) -> String {
        format!("{}: {}", self.as_str(), self.explanation())
    }

    /// The stamps of a run.
    #[must_use]
    pub(crate) fn from_run(scenario: &Scenario, inventory: &Inventory) -> Vec<Self> {
        let is = |stamp: &Self| match stamp {
            Self::Rehearsal => inventory.simulated.is_some(),
            Self::StandIn => scenario.accelerator.is_stand_in(),
        };
        Self::ALL.into_iter().filter(is).collect()
    }
}
