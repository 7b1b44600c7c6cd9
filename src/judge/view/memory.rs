//! What was worked out of a run's readings. It is the same whatever comes after them, so whoever looks at a run that goes
//! on keeps it from look to look.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::Asked;
use crate::hpa::Proposal;

/// What was worked out of the readings of one run.
#[derive(Debug, Default)]
pub struct Memory(RefCell<Vec<Rc<Worked>>>);

impl Memory {
    /// Of the reading with this place among those of the metrics API.
    pub(super) fn of(&self, reading: usize) -> Rc<Worked> {
        let mut all = self.0.borrow_mut();
        if all.len() <= reading {
            all.resize_with(reading + 1, Rc::default);
        }
        Rc::clone(&all[reading])
    }
}

/// What a pass between a reading and the next one may have seen of the target: nothing that came later than this moment;
/// the gaps, of which so many were noted; the states of this range; and whether all readings lie in the metric's range.
pub(super) type Between = (u64, usize, Range<usize>, bool);

/// A size and the least one, and where a reading leads to from there.
type Led = ((i32, i32), Option<i32>);

/// What was worked out of one reading.
#[derive(Debug, Default)]
pub(super) struct Worked {
    own: OnceCell<Option<Proposal>>,
    leads: Cell<Option<Led>>,
    between: RefCell<Vec<(Between, Option<Asked>)>>,
}

impl Worked {
    /// What it asks for from the size at its moment.
    pub(super) fn own(&self, work: impl FnOnce() -> Option<Proposal>) -> Option<Proposal> {
        *self.own.get_or_init(work)
    }

    /// Where it leads to from `size`; that is asked for one size at a time.
    pub(super) fn leads(&self, size: i32, min: i32, work: impl FnOnce() -> Option<i32>) -> Option<i32> {
        let known = self.leads.get().filter(|(asked, _)| *asked == (size, min));
        let answer = known.map_or_else(work, |(_, answer)| answer);
        self.leads.set(Some(((size, min), answer)));
        answer
    }

    /// What a pass between it and the next one may have asked for, if it was kept.
    pub(super) fn between(&self, seen: &Between) -> Option<Option<Asked>> {
        self.between.borrow().iter().find(|(known, _)| known == seen).map(|(_, asked)| *asked)
    }

    /// Keeps what a pass between it and the next one may have asked for.
    pub(super) fn keep_between(&self, seen: Between, asked: Option<Asked>) {
        self.between.borrow_mut().push((seen, asked));
    }
}
