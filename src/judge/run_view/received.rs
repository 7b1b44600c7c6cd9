//! Observations by the time at which they were received. A timeline is in the order of its times.

use std::ops::RangeInclusive;

use super::ObservedItem;

/// The observations that were received before this time.
pub(super) fn received_before<'i, 'a, T>(items: &'i [ObservedItem<'a, T>], at_ms: u64) -> &'i [ObservedItem<'a, T>] {
    items.get(..items.partition_point(|(o, _)| o.at_ms < at_ms)).unwrap_or_default()
}

/// The observations that were received from the first to the last of these times.
pub(super) fn received_in<'i, 'a, T>(
    items: &'i [ObservedItem<'a, T>],
    span: RangeInclusive<u64>,
) -> &'i [ObservedItem<'a, T>] {
    let from = received_before(items, *span.start()).len();
    items.get(from..items.partition_point(|(o, _)| o.at_ms <= *span.end())).unwrap_or_default()
}
