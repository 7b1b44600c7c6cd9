//! What a pass could have decided, told in numbers for the report.

use super::decision::Decision;
use super::rate;
use crate::judge::by_the_autoscaler::confirmed;
use crate::judge::view::{Asked, SizeChange, View};
use crate::record::prediction::Allowed;

/// What could have been decided when the size was changed; `None` when the autoscaler did not.
pub(in crate::judge) fn allowed(view: &View<'_>, change: &SizeChange<'_>) -> Option<Allowed> {
    confirmed(view, change)?;
    let decision = Decision::of(view, change);
    let limits = rate::limits(view, &decision);
    let limit = if decision.is_rise() { *limits.end() } else { *limits.start() };
    Some(Allowed {
        read: sizes(decision.asked(view)),
        reported: decision.reported(view).map(|(_, asked)| sizes(asked)),
        rate: known(limit),
    })
}

fn sizes(asked: Asked) -> [Option<i32>; 2] {
    [known(asked.least()), known(asked.most())]
}

/// A size, unless it is the end of all numbers, which stands for "anything".
fn known(size: i32) -> Option<i32> {
    (size != i32::MIN && size != i32::MAX).then_some(size)
}
