//! Order of the records: numbers and times of timeline and journal, and the phases.

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, JournalEntry};
use crate::model::observation::{Observation, ObservationKind, Phase, PhaseEdge};

/// Checks that numbers have no gap, that times never go back, and that no request begins after its response.
pub(super) fn check_timeline(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let mut last_ms = 0;
    for (place, observation) in held.timeline.iter().enumerate() {
        let Observation { seq, at_ms, .. } = observation;
        if *seq != place as u64 {
            differences.push(format!("timeline.jsonl:{}: expected seq {place}, found {seq}", place + 1));
        }
        if *at_ms < last_ms {
            differences.push(format!("timeline.jsonl:{}: time goes back from {last_ms} to {at_ms} ms", place + 1));
        }
        last_ms = *at_ms;
        let earlier = match &observation.kind {
            ObservationKind::Metric(reading) => reading.requested_ms,
            ObservationKind::Probe(probe) => probe.began_ms,
            ObservationKind::Gap(gap) => gap.from_ms,
            _ => 0,
        };
        if earlier > *at_ms {
            differences.push(format!("timeline.jsonl:{}: it began at {earlier} ms and ended at {at_ms} ms", place + 1));
        }
    }
    let what = format!("{} observations over {last_ms} ms", held.timeline.len());
    BundleCheck::new("timeline", what, differences)
}

/// Checks that each phase occurs once, in order.
pub(super) fn check_phases(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let mut open: Option<Phase> = None;
    let mut last: Option<Phase> = None;
    let mut count = 0;
    for observation in &held.timeline {
        let ObservationKind::Phase(mark) = &observation.kind else { continue };
        let mut wrong = |what: String| differences.push(format!("observation {}: {what}", observation.seq));
        match mark.edge {
            PhaseEdge::Began => {
                count += 1;
                if last.is_some_and(|last| mark.phase <= last) {
                    wrong(format!("phase {} begins out of order", mark.phase.as_str()));
                }
                // What stops a run stops its phase too: clean-up or scale-down follows.
                if let Some(open) = open.filter(|_| !matches!(mark.phase, Phase::Cleanup | Phase::ScaleDown)) {
                    wrong(format!("phase {} begins before {} has ended", mark.phase.as_str(), open.as_str()));
                }
                (open, last) = (Some(mark.phase), Some(mark.phase));
            }
            PhaseEdge::Ended => {
                if open != Some(mark.phase) {
                    wrong(format!("phase {} ended without having begun", mark.phase.as_str()));
                }
                open = None;
            }
        }
    }
    if held.manifest.complete
        && let Some(open) = open
    {
        differences.push(format!("phase {} never ends", open.as_str()));
    }
    if held.manifest.complete && count == 0 && held.records().not_started().is_none() {
        differences.push("no phase began, and no reason is recorded".to_owned());
    }
    if count > 0 && held.records().not_started().is_some() {
        differences.push("the run did not start, and has phases".to_owned());
    }
    BundleCheck::new("phases", format!("{count} phases"), differences)
}

/// Checks that each change was intended before its result, that numbers have no gap, and that times never go back.
pub(super) fn check_journal(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let (mut changes, mut last_ms) = (0_u32, 0);
    for (n, JournalEntry { change, at_ms, state: step, .. }) in held.journal.iter().enumerate() {
        let mut wrong = |what: String| differences.push(format!("journal.jsonl:{}: {what}", n + 1));
        if *at_ms < last_ms {
            wrong(format!("time goes back from {last_ms} to {at_ms} ms"));
        }
        last_ms = *at_ms;
        match step {
            ChangeState::Intended(_) if *change == changes => changes += 1,
            ChangeState::Intended(_) => wrong(format!("expected change {changes}, found {change}")),
            _ if *change >= changes => wrong(format!("change {change} was never intended")),
            _ => {}
        }
    }
    let what = format!("{changes} changes, each recorded before it was tried");
    BundleCheck::new("journal", what, differences)
}
