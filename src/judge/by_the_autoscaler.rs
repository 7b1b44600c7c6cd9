//! Control/ByTheAutoscaler: every change of size, both ways, is a write to the scale subresource by one and the same
//! controller, matches the HPA's status and, where not lost, its event. Any other writer: INCONCLUSIVE, and named.

use jiff::Timestamp;

use super::ruling::Ruling;
use super::view::{Noted, SizeChange, View};
use crate::bounds::SLACK;
use crate::hpa;
use crate::record::observation::{EventSeen, HpaSeen};

pub(super) fn rule(view: &View<'_>) -> Ruling {
    let (mut cites, mut findings, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut manager: Option<&str> = None;
    for change in &view.changes {
        // Where one event was lost the next is not waited for: an autoscaler that never rests would have us wait for ever.
        let patience = if findings.is_empty() { 2 * SLACK.ms() } else { 0 };
        match attribute(view, change, patience) {
            Attribution::Ours { status_seq, event_seq, finding } => {
                cites.extend([change.seq, status_seq]);
                cites.extend(event_seq);
                findings.extend(finding);
                told.push(format!("{} → {}", change.from, change.to));
            }
            Attribution::Waiting(why) => return Ruling::open(why),
            Attribution::Foreign(why) => return foreign(view, change, &why),
        }
        let writer = change.writer.map(|writer| writer.manager.as_str());
        if let Some(first) = manager.filter(|first| writer != Some(first)) {
            let why = format!("written by {}, and the change before it by {first}", change.writer_text());
            return foreign(view, change, &why);
        }
        manager = writer;
    }
    if let Some((why, seq)) = view.unseen_change() {
        return Ruling::unclear(why).cite([seq]);
    }
    let text = match manager {
        None => "no change of size was seen, so none by another writer".to_owned(),
        Some(manager) => format!(
            "{} were all written to the scale subresource by {manager}, as the HPA's status says",
            told.join(", ")
        ),
    };
    let ruling = Ruling::holds(text).cite(cites);
    findings.into_iter().fold(ruling, Ruling::finding)
}

fn foreign(view: &View<'_>, change: &SizeChange<'_>, why: &str) -> Ruling {
    let phase = view.phase_at(change.at_ms).map_or(String::new(), |phase| format!(" in phase {}", phase.name()));
    Ruling::unclear(format!("replicas went {} → {}{phase}: {why}", change.from, change.to)).cite([change.seq])
}

enum Attribution {
    Ours {
        status_seq: u64,
        event_seq: Option<u64>,
        finding: Option<String>,
    },
    /// The status may still come.
    Waiting(String),
    Foreign(String),
}

/// Whose a change is; its event is waited for during so many milliseconds.
fn attribute(view: &View<'_>, change: &SizeChange<'_>, patience_ms: u64) -> Attribution {
    if !change.is_scale_write() {
        return Attribution::Foreign(format!(
            "written by {}, not through the scale subresource; run again with nobody else changing its size",
            change.writer_text()
        ));
    }
    let Some((status, _)) = confirmed(view, change) else {
        if view.now_ms() < change.at_ms + 2 * SLACK.ms() {
            return Attribution::Waiting(format!(
                "the HPA's status has not yet confirmed {} → {}",
                change.from, change.to
            ));
        }
        let why = match view.has_skew() {
            true => "and the HPA's status knows nothing of it; run again with nobody else changing its size",
            false => "and the API server's clock was not measured, so the HPA's status cannot be put in order with it",
        };
        return Attribution::Foreign(format!("written by {}, {why}", change.writer_text()));
    };
    let prefix = hpa::new_size(change.to, "");
    let event = view.events.iter().rfind(|(_, event)| {
        event.reason == hpa::SUCCESSFUL_RESCALE
            && event.message.starts_with(&prefix)
            && is_ours(view, event)
            && event.last.or(event.first).is_some_and(|at| near(view, at, change))
    });
    let Some((seen, event)) = event else {
        if view.now_ms() < change.at_ms + patience_ms {
            return Attribution::Waiting(format!("no event of {} → {} yet", change.from, change.to));
        }
        let finding =
            format!("no SuccessfulRescale event of {} → {} was seen; events can be lost", change.from, change.to);
        return Attribution::Ours { status_seq: status.seq, event_seq: None, finding: Some(finding) };
    };
    let reason = event.message[prefix.len()..].trim();
    let expected = if change.to > change.from {
        reason == format!("{} above target", view.metric_name())
    } else {
        reason.is_empty() || reason == "All metrics below target"
    };
    if !expected {
        return Attribution::Foreign(format!("the HPA's event gives another reason than our metric: {reason}"));
    }
    Attribution::Ours { status_seq: status.seq, event_seq: Some(seen.seq), finding: None }
}

/// The status of our HPA that confirms a write to the scale subresource: what makes a change the autoscaler's own.
pub(super) fn confirmed<'v, 'a>(view: &'v View<'a>, change: &SizeChange<'_>) -> Option<&'v Noted<'a, HpaSeen>> {
    let matches = |hpa: &HpaSeen| hpa.desired == change.to && hpa.last_scale.is_some_and(|at| near(view, at, change));
    let find = || view.our_hpa().position(|(_, hpa)| matches(hpa));
    let place = *change.confirmed.get_or_init(|| change.is_scale_write().then(find).flatten());
    view.our_hpa().nth(place?)
}

fn is_ours(view: &View<'_>, event: &EventSeen) -> bool {
    view.our_hpa().next().is_some_and(|(_, hpa)| hpa.uid == event.uid)
}

/// True when a whole-second time of the cluster can be that of a change that we saw: the write itself carries no time.
fn near(view: &View<'_>, at: Timestamp, change: &SizeChange<'_>) -> bool {
    let Some((from, to)) = view.ours(at) else { return false };
    let (seen, slack) = (i64::try_from(change.at_ms).unwrap_or(i64::MAX), i64::try_from(SLACK.ms()).unwrap_or(0));
    (from - slack..=to + slack).contains(&seen)
}
