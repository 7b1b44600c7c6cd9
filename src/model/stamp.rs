//! Marks that every reader must see before the results, wherever a run could be taken for more than it is.

use super::inventory::Inventory;
use super::scenario::Scenario;

/// A mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStamp {
    /// The cluster was simulated.
    Rehearsal,
    /// The cluster was real, its accelerators were not.
    StandIn,
}

impl RunStamp {
    /// All of them, the gravest first.
    pub const ALL: [Self; 2] = [Self::Rehearsal, Self::StandIn];

    /// The word as it is stamped.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rehearsal => "REHEARSAL",
            Self::StandIn => "STAND-IN",
        }
    }

    /// What is so, as a sentence without its end.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Rehearsal => "The cluster was simulated",
            Self::StandIn => "The accelerators of this cluster are stand-ins",
        }
    }

    /// What the run is not, for that reason.
    #[must_use]
    pub const fn limitation(self) -> &'static str {
        match self {
            Self::Rehearsal => "no evidence about any platform",
            Self::StandIn => "no evidence about accelerators",
        }
    }

    /// Both, in the middle of a sentence.
    #[must_use]
    pub fn explanation(self) -> String {
        let (first, rest) = self.statement().split_at(1);
        format!("{}{rest}. This is {}", first.to_lowercase(), self.limitation())
    }

    /// The word and what it means.
    #[must_use]
    pub fn full_text(self) -> String {
        format!("{}: {}", self.as_str(), self.explanation())
    }

    /// The marks of a run.
    #[must_use]
    pub fn from_run(scenario: &Scenario, inventory: &Inventory) -> Vec<Self> {
        let is = |stamp: &Self| match stamp {
            Self::Rehearsal => inventory.simulated.is_some(),
            Self::StandIn => scenario.accelerator.is_stand_in(),
        };
        Self::ALL.into_iter().filter(is).collect()
    }
}
