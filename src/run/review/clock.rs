//! The cluster's clock against ours: when the API server made the HPA and the pods, and when we made and saw them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Checked;
use crate::evidence::Held;
use crate::record::journal::{Change, Entry, Step};
use crate::record::observation::{Seen, SkewSeen};

/// Allowance for API servers behind one address whose clocks are not quite the same, milliseconds.
const SLACK_MS: i64 = 5000;

/// The HPA was made while the journal made it, no pod was seen before it was made, and an HPA is not older than that.
pub(super) fn creation(held: &Held) -> Checked {
    let mut differences = Vec::new();
    let mut known: Option<SkewSeen> = None;
    let last = held.timeline.iter().rev().find_map(|observation| match &observation.seen {
        Seen::Skew(skew) => Some(*skew),
        _ => None,
    });
    let made = hpa_made(&held.journal);
    let mut seen = BTreeSet::new();
    for observation in &held.timeline {
        if let Seen::Skew(skew) = &observation.seen {
            known = Some(*skew);
        }
        let Some(skew) = known.or(last) else { continue };
        // It may have been measured better since, or the clock been set.
        let skew = last.map_or(skew, |last| SkewSeen {
            low_ms: skew.low_ms.min(last.low_ms),
            high_ms: skew.high_ms.max(last.high_ms),
        });
        let (object, uid, created) = match &observation.seen {
            Seen::Hpa(hpa) => (format!("HPA {}", hpa.name), &hpa.uid, hpa.created),
            Seen::Pod(pod) => (format!("pod {}", pod.name), &pod.uid, pod.created),
            _ => continue,
        };
        let Some(created) = created.filter(|_| seen.insert(uid.clone())) else { continue };
        let (from, to) = ours(held.inventory.started, created, skew);
        let mut wrong = |what: String| differences.push(format!("observation {}: {object} {what}", observation.seq));
        let at_ms = i64::try_from(observation.at_ms).unwrap_or(i64::MAX);
        if from > at_ms.saturating_add(SLACK_MS) {
            wrong(format!("was seen at {at_ms} ms, and made at {from} ms by the cluster's clock"));
        }
        if let Some((own, intended, done)) = &made
            && uid == own
            && (to < intended - SLACK_MS || from > done + SLACK_MS)
        {
            wrong(format!(
                "was made between {intended} and {done} ms, and at {from} to {to} ms by the cluster's clock"
            ));
        }
    }
    let what = match last {
        Some(SkewSeen { low_ms, high_ms }) => {
            format!(
                "the cluster's clock, {low_ms} to {high_ms} ms from ours, agrees on the making of {} objects",
                seen.len()
            )
        }
        None => "the cluster's clock was not measured, so nothing is compared with it".to_owned(),
    };
    Checked::new("clocks", what, differences)
}

/// The interval of our clock, milliseconds, in which a whole-second time of the cluster lies.
fn ours(started: Timestamp, source: Timestamp, skew: SkewSeen) -> (i64, i64) {
    let since = source.as_millisecond().saturating_sub(started.as_millisecond());
    (since.saturating_sub(skew.high_ms), since.saturating_add(999).saturating_sub(skew.low_ms))
}

/// uid of the run's HPA, and when the journal began and ended to make it.
fn hpa_made(journal: &[Entry]) -> Option<(String, i64, i64)> {
    let is_hpa = |step: &Step| matches!(step, Step::Intended(Change::Create(o)) if o.kind == "HorizontalPodAutoscaler");
    let intended = journal.iter().find(|entry| is_hpa(&entry.step))?;
    let mut later = journal.iter().filter(|entry| entry.change == intended.change);
    later.find_map(|entry| match &entry.step {
        Step::Done { uid: Some(uid) } => {
            let ms = |ms: u64| i64::try_from(ms).ok();
            Some((uid.clone(), ms(intended.at_ms)?, ms(entry.at_ms)?))
        }
        _ => None,
    })
}
