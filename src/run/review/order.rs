//! What was noted when: numbers and times of the timeline, the phases, the journal.

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, JournalEntry};
use crate::model::observation::{Observation, ObservationKind, Phase, PhaseEdge};

/// Numbers without a gap, times that never go back, and nothing that was asked after it was answered.
pub(super) fn check_timeline(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let mut last_ms = 0;
    for (place, observation) in held.timeline.iter().enumerate() {
        let Observation { seq, at_ms, .. } = observation;
        if *seq != place as u64 {
            differences.push(format!("timeline.jsonl:{}: observation {seq} stands in place of {place}", place + 1));
        }
        if *at_ms < last_ms {
            differences.push(format!("timeline.jsonl:{}: it goes back from {last_ms} to {at_ms} ms", place + 1));
        }
        last_ms = *at_ms;
        let earlier = match &observation.kind {
            ObservationKind::Metric(reading) => reading.requested_ms,
            ObservationKind::Probe(probe) => probe.began_ms,
            ObservationKind::Gap(gap) => gap.from_ms,
            _ => 0,
        };
        if earlier > *at_ms {
            differences.push(format!("timeline.jsonl:{}: it began at {earlier} and was over at {at_ms} ms", place + 1));
        }
    }
    let what = format!("{} observations in their order, over {last_ms} ms", held.timeline.len());
    BundleCheck::new("timeline", what, differences)
}

/// Phases one after the other, each once, in their order.
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
                    wrong(format!("phase {} begins out of its order", mark.phase.as_str()));
                }
                // What stops a run stops its phase too: then the clean-up, or the fall, follows.
                if let Some(open) = open.filter(|_| !matches!(mark.phase, Phase::Cleanup | Phase::ScaleDown)) {
                    wrong(format!("phase {} begins before {} has ended", mark.phase.as_str(), open.as_str()));
                }
                (open, last) = (Some(mark.phase), Some(mark.phase));
            }
            PhaseEdge::Ended => {
                if open != Some(mark.phase) {
                    wrong(format!("phase {} ends and was not on", mark.phase.as_str()));
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
        differences.push("no phase ever began, and nothing says why".to_owned());
    }
    if count > 0 && held.records().not_started().is_some() {
        differences.push("the run says that it did not begin, and has phases".to_owned());
    }
    BundleCheck::new("phases", format!("{count} phases in their order"), differences)
}

/// Each change intended before anything became of it, numbers without a gap, times that never go back.
pub(super) fn check_journal(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let (mut changes, mut last_ms) = (0_u32, 0);
    for (n, JournalEntry { change, at_ms, state: step, .. }) in held.journal.iter().enumerate() {
        let mut wrong = |what: String| differences.push(format!("journal.jsonl:{}: {what}", n + 1));
        if *at_ms < last_ms {
            wrong(format!("it goes back from {last_ms} to {at_ms} ms"));
        }
        last_ms = *at_ms;
        match step {
            ChangeState::Intended(_) if *change == changes => changes += 1,
            ChangeState::Intended(_) => wrong(format!("change {change} stands in place of {changes}")),
            _ if *change >= changes => wrong(format!("change {change} was never intended")),
            _ => {}
        }
    }
    let what = format!("{changes} changes, each written down before it was tried");
    BundleCheck::new("journal", what, differences)
}
