//! Control/ByTheAutoscaler: every change of size, both ways, is a write to the scale subresource by one and the same
//! controller, matches the HPA's status and, where not lost, its event. Any other writer: INCONCLUSIVE, and named.

use jiff::Timestamp;

use super::check_result::CheckResult;
use super::run_view::{ObservedItem, RunView, SizeChange};
use crate::bounds::SLACK;
use crate::hpa;
use crate::model::observation::{EventSnapshot, HpaSnapshot};

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let (mut cites, mut findings, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut manager: Option<&str> = None;
    for change in &view.size_changes {
        // Where one event was lost the next is not waited for: an autoscaler that never rests would have us wait for ever.
        let patience = if findings.is_empty() { 2 * SLACK.ms() } else { 0 };
        match find_origin(view, change, patience) {
            ChangeOrigin::OurHpa { status_seq, event_seq, finding } => {
                cites.extend([change.seq, status_seq]);
                cites.extend(event_seq);
                findings.extend(finding);
                told.push(format!("{} → {}", change.from, change.to));
            }
            ChangeOrigin::Pending(why) => return CheckResult::pending(why),
            ChangeOrigin::OtherWriter(why) => return report_other_writer(view, change, &why),
        }
        let writer = change.writer.map(|writer| writer.manager.as_str());
        if let Some(first) = manager.filter(|first| writer != Some(first)) {
            let why = format!("written by {}, and the change before it by {first}", change.describe_writer());
            return report_other_writer(view, change, &why);
        }
        manager = writer;
    }
    if let Some((why, seq)) = view.find_unseen_change() {
        return CheckResult::inconclusive(why).with_cites([seq]);
    }
    let text = match manager {
        None => "no change of size was seen, so none by another writer".to_owned(),
        Some(manager) => format!(
            "{} were all written to the scale subresource by {manager}, as the HPA's status says",
            told.join(", ")
        ),
    };
    let ruling = CheckResult::pass(text).with_cites(cites);
    findings.into_iter().fold(ruling, CheckResult::with_finding)
}

fn report_other_writer(view: &RunView<'_>, change: &SizeChange<'_>, why: &str) -> CheckResult {
    let phase = view.phase_at(change.at_ms).map_or(String::new(), |phase| format!(" in phase {}", phase.as_str()));
    CheckResult::inconclusive(format!("replicas went {} → {}{phase}: {why}", change.from, change.to))
        .with_cites([change.seq])
}

enum ChangeOrigin {
    OurHpa {
        status_seq: u64,
        event_seq: Option<u64>,
        finding: Option<String>,
    },
    /// The status may still come.
    Pending(String),
    OtherWriter(String),
}

/// Whose a change is; its event is waited for during so many milliseconds.
fn find_origin(view: &RunView<'_>, change: &SizeChange<'_>, patience_ms: u64) -> ChangeOrigin {
    if !change.is_scale_write() {
        return ChangeOrigin::OtherWriter(format!(
            "written by {}, not through the scale subresource; run again with nobody else changing its size",
            change.describe_writer()
        ));
    }
    let Some((status, _)) = confirming_status(view, change) else {
        if view.now_ms() < change.at_ms + 2 * SLACK.ms() {
            return ChangeOrigin::Pending(format!(
                "the HPA's status has not yet confirmed {} → {}",
                change.from, change.to
            ));
        }
        let why = match view.has_skew() {
            true => "and the HPA's status knows nothing of it; run again with nobody else changing its size",
            false => "and the API server's clock was not measured, so the HPA's status cannot be put in order with it",
        };
        return ChangeOrigin::OtherWriter(format!("written by {}, {why}", change.describe_writer()));
    };
    let prefix = hpa::new_size(change.to, "");
    let event = view.events.iter().rfind(|(_, event)| {
        event.reason == hpa::SUCCESSFUL_RESCALE
            && event.message.starts_with(&prefix)
            && is_our_event(view, event)
            && event.last_timestamp.or(event.first_timestamp).is_some_and(|at| is_near(view, at, change))
    });
    let Some((seen, event)) = event else {
        if view.now_ms() < change.at_ms + patience_ms {
            return ChangeOrigin::Pending(format!("no event of {} → {} yet", change.from, change.to));
        }
        let finding =
            format!("no SuccessfulRescale event of {} → {} was seen; events can be lost", change.from, change.to);
        return ChangeOrigin::OurHpa { status_seq: status.seq, event_seq: None, finding: Some(finding) };
    };
    let reason = event.message[prefix.len()..].trim();
    let expected = if change.to > change.from {
        reason == format!("{} above target", view.metric_name())
    } else {
        reason.is_empty() || reason == "All metrics below target"
    };
    if !expected {
        return ChangeOrigin::OtherWriter(format!("the HPA's event gives another reason than our metric: {reason}"));
    }
    ChangeOrigin::OurHpa { status_seq: status.seq, event_seq: Some(seen.seq), finding: None }
}

/// The status of our HPA that confirms a write to the scale subresource: what makes a change the autoscaler's own.
pub(super) fn confirming_status<'v, 'a>(
    view: &'v RunView<'a>,
    change: &SizeChange<'_>,
) -> Option<&'v ObservedItem<'a, HpaSnapshot>> {
    let matches = |hpa: &HpaSnapshot| {
        hpa.desired_replicas == change.to && hpa.last_scale_time.is_some_and(|at| is_near(view, at, change))
    };
    let find = || view.our_hpa_snapshots().position(|(_, hpa)| matches(hpa));
    let place = *change.confirming_index.get_or_init(|| change.is_scale_write().then(find).flatten());
    view.our_hpa_snapshots().nth(place?)
}

fn is_our_event(view: &RunView<'_>, event: &EventSnapshot) -> bool {
    view.our_hpa_snapshots().next().is_some_and(|(_, hpa)| hpa.uid == event.uid)
}

/// True when a whole-second time of the cluster can be that of a change that we saw: the write itself carries no time.
fn is_near(view: &RunView<'_>, at: Timestamp, change: &SizeChange<'_>) -> bool {
    let Some((from, to)) = view.to_run_clock(at) else { return false };
    let (seen, slack) = (i64::try_from(change.at_ms).unwrap_or(i64::MAX), i64::try_from(SLACK.ms()).unwrap_or(0));
    (from - slack..=to + slack).contains(&seen)
}
