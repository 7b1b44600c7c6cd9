//! Pods that were Ready under load and are no longer, or that restarted.

use crate::judge::check_result::format_ms;
use crate::judge::run_view::{RunView, TargetPod};

/// Describes each pod of the target that lost its readiness or restarted under load, after it had been Ready.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Vec<String> {
    view.target_pods().iter().filter_map(|pod| describe_loss(view, pod)).collect()
}

fn describe_loss(view: &RunView<'_>, pod: &TargetPod<'_>) -> Option<String> {
    let (began, end) = view.load_span()?;
    let loss = pod.readiness_loss(began, end)?;
    let not_ready = match loss.not_ready_ms {
        0 => None,
        ms => Some(format!("was not Ready for {}", format_ms(ms))),
    };
    let restarts = match loss.restarts {
        i32::MIN..=0 => None,
        1 => Some("restarted once".to_owned()),
        count => Some(format!("restarted {count} times")),
    };
    let what: Vec<String> = not_ready.into_iter().chain(restarts).collect();
    let reason = loss.reason.map_or(String::new(), |reason| format!(": {}: {}", reason.reason, reason.message));
    Some(format!("pod {} {} after it had been Ready{reason}", pod.name(), what.join(" and ")))
}
