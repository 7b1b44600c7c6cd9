//! What was worked out of a run's readings. It is the same whatever comes after them, so whoever looks at a run that goes
//! on keeps it from look to look.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::RecommendationRange;
use crate::hpa::Proposal;

/// What was worked out of the readings of one run.
#[derive(Debug, Default)]
pub struct EvaluationCache(RefCell<Vec<Rc<CachedReading>>>);

impl EvaluationCache {
    /// Of the reading with this place among those of the metrics API.
    pub(super) fn cached_reading(&self, reading: usize) -> Rc<CachedReading> {
        let mut all = self.0.borrow_mut();
        if all.len() <= reading {
            all.resize_with(reading + 1, Rc::default);
        }
        Rc::clone(&all[reading])
    }
}

/// What a pass between a reading and the next one may have seen of the target: nothing that came later than this moment;
/// the gaps, of which so many were noted; the states of this range; and whether all readings lie in the metric's range.
pub(super) type PassCacheKey = (u64, usize, Range<usize>, bool);

/// A size and the least one, and where a reading leads to from there.
type CachedConvergence = ((i32, i32), Option<i32>);

/// What was worked out of one reading.
#[derive(Debug, Default)]
pub(super) struct CachedReading {
    proposal: OnceCell<Option<Proposal>>,
    convergence: Cell<Option<CachedConvergence>>,
    recommendations: RefCell<Vec<(PassCacheKey, Option<RecommendationRange>)>>,
}

impl CachedReading {
    /// What it asks for from the size at its moment.
    pub(super) fn proposal(&self, work: impl FnOnce() -> Option<Proposal>) -> Option<Proposal> {
        *self.proposal.get_or_init(work)
    }

    /// Where it leads to from `size`; that is asked for one size at a time.
    pub(super) fn converged_size(&self, size: i32, min: i32, work: impl FnOnce() -> Option<i32>) -> Option<i32> {
        let known = self.convergence.get().filter(|(asked, _)| *asked == (size, min));
        let answer = known.map_or_else(work, |(_, answer)| answer);
        self.convergence.set(Some(((size, min), answer)));
        answer
    }

    /// What a pass between it and the next one may have asked for, if it was kept.
    pub(super) fn recommendation_between(&self, seen: &PassCacheKey) -> Option<Option<RecommendationRange>> {
        self.recommendations.borrow().iter().find(|(known, _)| known == seen).map(|(_, asked)| *asked)
    }

    /// Keeps what a pass between it and the next one may have asked for.
    pub(super) fn store_between(&self, seen: PassCacheKey, asked: Option<RecommendationRange>) {
        self.recommendations.borrow_mut().push((seen, asked));
    }
}
