//! When a fault is active, and which pods it affects. A window of time starts with a milestone of the run, such as the
//! n-th chat.

use crate::units::HumanDuration;

/// The milestone with which a window starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// The start of the simulation.
    SimulationStart,
    /// The start of the n-th chat, counted over all pods from 1. The first chat is the one after the installation; the
    /// load sends the further ones.
    NthChat(usize),
    /// The first time that this many pods with accelerators are Ready at once.
    ReadyPods(usize),
}

/// A window of time in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveWindow {
    /// The milestone with which it starts.
    pub(crate) start: WindowStart,
    /// Delay after the milestone.
    pub(crate) delay: HumanDuration,
    /// Duration; `None`: to the end of the run.
    pub(crate) duration: Option<HumanDuration>,
}

impl ActiveWindow {
    /// The whole run.
    pub(crate) const ALWAYS: Self = Self::starting_at(WindowStart::SimulationStart);

    /// From this milestone to the end of the run.
    #[must_use]
    pub const fn starting_at(start: WindowStart) -> Self {
        Self { start, delay: HumanDuration::from_ms(0), duration: None }
    }
}

/// The pods that a fault affects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AffectedPods {
    /// No pods.
    #[default]
    None,
    /// All pods of the target but the first.
    NewPods,
    /// All pods.
    All,
}

impl AffectedPods {
    /// Whether it affects a pod; `is_new` is false for the first pod of the target.
    pub(in crate::sim) fn includes(self, is_new: bool) -> bool {
        match self {
            Self::None => false,
            Self::NewPods => is_new,
            Self::All => true,
        }
    }
}
