//! Creation times: when the API server created the HPA and the pods, against when gpuhpa created and observed them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, JournalEntry, RunChange};
use crate::model::observation::{ClockSkewRange, ObservationKind};

/// Allowance for API servers behind one address with different clocks, milliseconds.
const SLACK_MS: i64 = 5000;

/// Checks that the API server created the HPA while the journal did, and that no object was observed before its creation.
pub(super) fn check_creation_times(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let mut known: Option<ClockSkewRange> = None;
    let last = held.timeline.iter().rev().find_map(|observation| match &observation.kind {
        ObservationKind::ClockSkew(skew) => Some(*skew),
        _ => None,
    });
    let made = hpa_creation(&held.journal);
    let mut seen = BTreeSet::new();
    for observation in &held.timeline {
        if let ObservationKind::ClockSkew(skew) = &observation.kind {
            known = Some(*skew);
        }
        let Some(skew) = known.or(last) else { continue };
        // It may have been measured better since, or the clock been set.
        let skew = last.map_or(skew, |last| ClockSkewRange {
            low_ms: skew.low_ms.min(last.low_ms),
            high_ms: skew.high_ms.max(last.high_ms),
        });
        let (object, uid, created) = match &observation.kind {
            ObservationKind::Hpa(hpa) => (format!("HPA {}", hpa.name), &hpa.uid, hpa.created),
            ObservationKind::Pod(pod) => (format!("pod {}", pod.name), &pod.uid, pod.created),
            _ => continue,
        };
        let Some(created) = created.filter(|_| seen.insert(uid.clone())) else { continue };
        let (from, to) = local_interval(held.inventory.started, created, skew);
        let mut wrong = |what: String| differences.push(format!("observation {}: {object} {what}", observation.seq));
        let at_ms = i64::try_from(observation.at_ms).unwrap_or(i64::MAX);
        if from > at_ms.saturating_add(SLACK_MS) {
            wrong(format!("was observed at {at_ms} ms, and created at {from} ms by the cluster's clock"));
        }
        if let Some((own, intended, done)) = &made
            && uid == own
            && (to < intended - SLACK_MS || from > done + SLACK_MS)
        {
            wrong(format!(
                "was created between {intended} and {done} ms, and at {from} to {to} ms by the cluster's clock"
            ));
        }
    }
    let what = match last {
        Some(ClockSkewRange { low_ms, high_ms }) => {
            format!(
                "the cluster's clock, {low_ms} to {high_ms} ms from the harness clock, agrees with the creation of {} objects",
                seen.len()
            )
        }
        None => "the cluster's clock was not measured".to_owned(),
    };
    BundleCheck::new("creation times", what, differences)
}

/// The interval on the harness clock, milliseconds, of a cluster time in whole seconds.
fn local_interval(started: Timestamp, source: Timestamp, skew: ClockSkewRange) -> (i64, i64) {
    let since = source.as_millisecond().saturating_sub(started.as_millisecond());
    (since.saturating_sub(skew.high_ms), since.saturating_add(999).saturating_sub(skew.low_ms))
}

/// uid of the run's HPA, and when the journal started and finished its creation.
fn hpa_creation(journal: &[JournalEntry]) -> Option<(String, i64, i64)> {
    let is_hpa = |step: &ChangeState| matches!(step, ChangeState::Intended(RunChange::Create(o)) if o.kind == "HorizontalPodAutoscaler");
    let intended = journal.iter().find(|entry| is_hpa(&entry.state))?;
    let mut later = journal.iter().filter(|entry| entry.change == intended.change);
    later.find_map(|entry| match &entry.state {
        ChangeState::Done { uid: Some(uid) } => {
            let ms = |ms: u64| i64::try_from(ms).ok();
            Some((uid.clone(), ms(intended.at_ms)?, ms(entry.at_ms)?))
        }
        _ => None,
    })
}
