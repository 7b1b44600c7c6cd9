//! The bench: all checks over one set of records, with what each needs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::blame;
use super::check::{Check, Part};
use super::ruling::{Ruling, State};
use super::view::{Memory, View};
use super::{
    autoscaler_active, by_the_autoscaler, decisions_explained, hold_steady, idle_holds, metric_follows_load,
    metric_served, new_pods_on_accelerators, new_pods_serve, not_early, pods_request_accelerators, replicas_fall,
    replicas_rise, restored,
};
use crate::record::observation::Phase;
use crate::record::records::Records;

/// What a run may still show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may pass, or a check that is open may fail.
    Open,
    /// It cannot pass any more, and only the oracle has something to wait for: the autoscaler has a size to take back, and
    /// may do so too early or too fast. No load is needed for that.
    Watched,
    /// Nothing.
    Settled,
}

/// Rules on each check once; rulings are kept.
#[derive(Debug)]
pub struct Bench<'a> {
    view: View<'a>,
    kept: RefCell<BTreeMap<Part, Ruling>>,
}

impl<'a> Bench<'a> {
    /// A bench over these records.
    #[must_use]
    pub fn new(records: Records<'a>) -> Self {
        Self::with(records, &Memory::default())
    }

    /// The same, with what was worked out when this run was looked at before.
    #[must_use]
    pub fn with(records: Records<'a>, memory: &Memory) -> Self {
        Self { view: View::with(records, memory), kept: RefCell::default() }
    }

    /// What the records show.
    #[must_use]
    pub fn view(&self) -> &View<'a> {
        &self.view
    }

    /// The ruling on a check, what it needs included.
    #[must_use]
    pub fn rule(&self, check: Check) -> Ruling {
        self.part(Part::Whole(check))
    }

    /// The ruling on a check or on half of one.
    #[must_use]
    pub fn part(&self, part: Part) -> Ruling {
        if let Some(ruling) = self.kept.borrow().get(&part) {
            return ruling.clone();
        }
        let needs = match part {
            Part::Whole(check) => check.needs(),
            Part::MetricRises | Part::MetricFalls => Check::MetricFollowsLoad.needs(),
        };
        let ruling = self.hindered(needs).unwrap_or_else(|| self.claim(part));
        let ruling = match part {
            Part::Whole(check) => blame::weighed(&self.view, check, ruling),
            // Halves blame nobody.
            Part::MetricRises | Part::MetricFalls => ruling,
        };
        self.kept.borrow_mut().insert(part, ruling.clone());
        ruling
    }

    /// True when the run has nothing left to show.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.outlook() == Outlook::Settled
    }

    /// What the run may still show. It is settled when it has failed, or PASS is impossible and nothing that is still open
    /// could turn INCONCLUSIVE into FAIL, as of pods without accelerators nothing can: accelerators are expensive. The
    /// clean-up comes anyhow.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let waited_for =
            Check::ALL.iter().filter(|check| !matches!(check, Check::Restored | Check::DecisionsExplained));
        let rulings: Vec<Ruling> = waited_for.map(|check| self.rule(*check)).collect();
        let any = |state| rulings.iter().any(|ruling| ruling.is(state));
        let oracle = self.rule(Check::DecisionsExplained);
        // What it finds in a fall, the checks of the fall can say in their own words once the surplus pods are gone: soon,
        // and without load.
        let is_falling = self.view.began(Phase::Fall).is_some() && self.rule(Check::ReplicasFall).is(State::Open);
        let no_accelerators = self.rule(Check::PodsRequestAccelerators).is(State::Unclear);
        if any(State::Broken) || (oracle.is(State::Broken) && !is_falling) || no_accelerators {
            Outlook::Settled
        } else if any(State::Open) || !any(State::Unclear) {
            // A check with a dead need is Unclear already, so what is Open can still fail.
            Outlook::Open
        } else if oracle.is(State::Open) && decisions_explained::is_at_stake(&self.view) {
            Outlook::Watched
        } else {
            Outlook::Settled
        }
    }

    /// Why the check cannot be ruled on, if what it needs does not hold.
    fn hindered(&self, needs: &[Part]) -> Option<Ruling> {
        let rulings: Vec<(Part, Ruling)> = needs.iter().map(|need| (*need, self.part(*need))).collect();
        let with = |state: State| rulings.iter().find(|(_, ruling)| ruling.is(state));
        if let Some((need, _)) = with(State::Broken).or_else(|| with(State::Unclear)) {
            return Some(Ruling::unclear(format!("needs {}, which does not hold", need.name())));
        }
        with(State::Open).map(|(need, ruling)| Ruling::open(format!("needs {}: {}", need.name(), ruling.reason)))
    }

    /// The claim itself, given that all it needs holds.
    fn claim(&self, part: Part) -> Ruling {
        let view = &self.view;
        match part {
            Part::MetricRises => metric_follows_load::rises(view),
            Part::MetricFalls => metric_follows_load::falls(view),
            Part::Whole(check) => match check {
                Check::PodsRequestAccelerators => pods_request_accelerators::rule(view),
                Check::MetricServed => metric_served::rule(view),
                Check::AutoscalerActive => autoscaler_active::rule(view),
                Check::IdleHolds => idle_holds::rule(view),
                Check::ByTheAutoscaler => by_the_autoscaler::rule(view),
                Check::MetricFollowsLoad => metric_follows_load::rule(view),
                Check::ReplicasRise => replicas_rise::rule(view),
                Check::NewPodsRunOnAccelerators => new_pods_on_accelerators::rule(view),
                Check::NewPodsServe => new_pods_serve::rule(view),
                Check::HoldSteady => hold_steady::rule(view),
                Check::ReplicasFall => replicas_fall::rule(view),
                Check::NotEarly => not_early::rule(view),
                Check::DecisionsExplained => decisions_explained::rule(view),
                Check::Restored => restored::rule(view),
            },
        }
    }
}
