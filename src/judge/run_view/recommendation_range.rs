//! The sizes that a pass of the controller may have recommended.

/// The sizes that a pass may have recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecommendationRange {
    /// The sizes that the target may have had, which a pass inside the tolerance recommends.
    pub(super) unchanged: (i32, i32),
    /// The smallest and largest recommendation outside the tolerance; `None` when no value can have been outside.
    pub(super) changed: Option<(i32, i32)>,
}

impl RecommendationRange {
    /// Any size.
    pub(super) const UNKNOWN: Self = Self { unchanged: (i32::MAX, i32::MIN), changed: Some((i32::MIN, i32::MAX)) };

    /// The smallest size.
    pub(crate) fn smallest(self) -> i32 {
        self.changed.map_or(self.unchanged.0, |(low, _)| low.min(self.unchanged.0))
    }

    /// The largest size.
    pub(crate) fn largest(self) -> i32 {
        self.changed.map_or(self.unchanged.1, |(_, high)| high.max(self.unchanged.1))
    }

    /// True when a pass may have recommended this size.
    pub(crate) fn contains(self, size: i32) -> bool {
        let within = |(low, high): (i32, i32)| (low..=high).contains(&size);
        within(self.unchanged) || self.changed.is_some_and(within)
    }

    /// The same range where the current size at the pass is known.
    pub(crate) fn with_current_size(self, size: i32) -> Self {
        Self { unchanged: (size, size), ..self }
    }

    /// The same range, extended to every size between the recommendation and the current size.
    pub(super) fn widened_to_unchanged(self) -> Self {
        let widen = |(low, high): (i32, i32)| (low.min(self.unchanged.0), high.max(self.unchanged.1));
        Self { changed: self.changed.map(widen), ..self }
    }

    pub(super) fn union(self, other: Self) -> Self {
        let both = |a: (i32, i32), b: (i32, i32)| (a.0.min(b.0), a.1.max(b.1));
        let changed = match (self.changed, other.changed) {
            (Some(a), Some(b)) => Some(both(a, b)),
            (one, None) | (None, one) => one,
        };
        Self { unchanged: both(self.unchanged, other.unchanged), changed }
    }
}
