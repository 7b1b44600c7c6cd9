//! KEDA's fallback: while the trigger of a ScaledObject fails, KEDA serves a constant number in place of its query's value
//! (kedacore/keda v2.21.0, pkg/fallback/fallback.go). It says so by an event when it begins and when it ends
//! (pkg/scaling/scale_handler.go, `checkScalers`).

use crate::hpa;
use crate::judge::run_view::RunView;

const ACTIVATED: &str = "ScaledObjectFallbackActivated";
const DEACTIVATED: &str = "ScaledObjectFallbackDeactivated";
/// The event with the error of a trigger.
const FAILED: &str = "KEDAScalerFailed";
/// Characters of that error in a message: it contains the query.
const MAX_ERROR: usize = 240;

/// Names a fallback that was active at any time in this span, with the event of its beginning; `None` without one, and for an HPA
/// that KEDA has not made.
pub(in crate::judge) fn describe(view: &RunView<'_>, from_ms: u64, to_ms: u64) -> Option<(String, u64)> {
    let name = hpa::scaled_object_name(&view.records.scenario.hpa.spec)?;
    let object = format!("ScaledObject/{name}");
    let mut events: Vec<_> = view.events.iter().filter(|(_, event)| event.object == object).collect();
    // The events before the run are listed at once, in no order of their times.
    events.sort_by_key(|(o, event)| (event.last_timestamp, o.seq));
    let (mut active, mut found) = (None, None);
    for (o, event) in &events {
        match (event.reason.as_str(), active) {
            (ACTIVATED, None) => active = Some((o.at_ms, o.seq)),
            (DEACTIVATED, Some((since_ms, seq))) => {
                found = found.or((since_ms <= to_ms && o.at_ms >= from_ms).then_some(seq));
                active = None;
            }
            _ => {}
        }
    }
    let seq = found.or(active.filter(|(since_ms, _)| *since_ms <= to_ms).map(|(_, seq)| seq))?;
    let failed = events.iter().rev().find(|(_, event)| event.reason == FAILED);
    let error = failed.map_or(String::new(), |(_, event)| {
        format!("; its trigger failed: {}", event.message.chars().take(MAX_ERROR).collect::<String>())
    });
    let text = format!(
        "KEDA's fallback was active (event {ACTIVATED} of ScaledObject {name}): KEDA served a constant number, which is no metric, in place of the value of its query{error}; correct the trigger, or remove `fallback`"
    );
    Some((text, seq))
}
