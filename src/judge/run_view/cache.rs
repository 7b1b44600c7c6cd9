//! Caches values computed from the readings of a run. Later observations do not change them, so the evaluators of one
//! run share them.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::RecommendationRange;
use crate::hpa::Proposal;

/// Values computed from the readings of one run.
#[derive(Debug, Default)]
pub(crate) struct EvaluationCache(RefCell<Vec<Rc<CachedReading>>>);

impl EvaluationCache {
    /// The values of the reading with this index among those of the metrics API.
    pub(super) fn cached_reading(&self, index: usize) -> Rc<CachedReading> {
        let mut readings = self.0.borrow_mut();
        if readings.len() <= index {
            readings.resize_with(index + 1, Rc::default);
        }
        Rc::clone(&readings[index])
    }
}

/// The possible inputs of a pass between a reading and the next one: the time after which nothing of the target counts,
/// the number of recorded gaps, the range of target states, and whether all readings lie in the metric's range.
pub(super) type PassCacheKey = (u64, usize, Range<usize>, bool);

/// The replicas and minReplicas, and the replicas to which a reading converges from there.
type CachedConvergence = ((i32, i32), Option<i32>);

/// Values computed from one reading.
#[derive(Debug, Default)]
pub(super) struct CachedReading {
    proposal: OnceCell<Option<Proposal>>,
    convergence: Cell<Option<CachedConvergence>>,
    recommendations: RefCell<Vec<(PassCacheKey, Option<RecommendationRange>)>>,
}

impl CachedReading {
    /// The proposal at spec.replicas of its time.
    pub(super) fn proposal(&self, compute: impl FnOnce() -> Option<Proposal>) -> Option<Proposal> {
        *self.proposal.get_or_init(compute)
    }

    /// The replicas to which it converges from `replicas`. One entry is enough: the checks ask for one number at a
    /// time.
    pub(super) fn converged_size(&self, replicas: i32, min: i32, compute: impl FnOnce() -> Option<i32>) -> Option<i32> {
        let cached = self.convergence.get().filter(|(key, _)| *key == (replicas, min));
        let converged = cached.map_or_else(compute, |(_, converged)| converged);
        self.convergence.set(Some(((replicas, min), converged)));
        converged
    }

    /// The possible recommendations of a pass between it and the next reading, if cached.
    pub(super) fn recommendation_between(&self, key: &PassCacheKey) -> Option<Option<RecommendationRange>> {
        self.recommendations.borrow().iter().find(|(known, _)| known == key).map(|(_, range)| *range)
    }

    /// Caches the possible recommendations of a pass between it and the next reading.
    pub(super) fn store_between(&self, key: PassCacheKey, range: Option<RecommendationRange>) {
        self.recommendations.borrow_mut().push((key, range));
    }
}
