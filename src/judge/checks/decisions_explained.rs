//! Oracle/DecisionsExplained: every size that the HPA controller wrote lies in the set that its algorithm allows for
//! its possible inputs. Free variables are: values between two readings, the state of the pods, the time of the pass,
//! the controller's flags (no API serves them), and what a restarted controller has forgotten. Keeping the size is
//! always allowed. FAIL for a size outside minReplicas and maxReplicas, a change faster than the spec's scaling
//! policies or inside the spec's stabilization window, a change while ScalingActive is False, and a scale-up above the
//! largest possible recommendation; any other unexplained change is a finding. Only the controller's own writes are
//! evaluated. Algorithm: kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go and replica_calculator.go.

use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::check_result::CheckResult;
use crate::judge::decisions::{DecisionCheck, ScaleDecision, check_decision, has_no_more_changes};
use crate::judge::run_view::{ObservedItem, RunView, SizeChange};
use crate::model::observation::HpaSnapshot;

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let own: Vec<&SizeChange<'_>> =
        view.size_changes.iter().filter(|change| view.confirming_status(change).is_some()).collect();
    let disturbed_ms = disturbed_since_ms(view);
    let (mut cites, mut findings) = (Vec::new(), Vec::new());
    for change in &own {
        let decision = ScaleDecision::new(view, change);
        for decision_check in check_decision(view, &decision) {
            match decision_check {
                DecisionCheck::Pass => {}
                DecisionCheck::Finding(text) => findings.push(format!("{decision}: {text}")),
                DecisionCheck::Violation(text, _) if disturbed_ms.is_some_and(|since| since <= change.at_ms) => {
                    findings.push(format!(
                        "{decision}: {text}; but replicas had been changed before by another writer or unseen"
                    ));
                }
                DecisionCheck::Violation(text, seqs) => {
                    return CheckResult::fail(format!("{decision}: {text}")).with_cites([change.seq]).with_cites(seqs);
                }
            }
        }
        cites.push(change.seq);
    }
    if let Some((reason, seq)) = find_hidden_change(view) {
        return CheckResult::inconclusive(reason).with_cites(cites).with_cites([seq]);
    }
    let text = match own.len() {
        0 => "the HPA controller made no replica change".to_owned(),
        n => format!(
            "{n} size changes respect minReplicas and maxReplicas, scaling policies, stabilization window, ScalingActive and the metric"
        ),
    };
    let result = if has_no_more_changes(view) { CheckResult::pass(text) } else { CheckResult::pending(text) };
    findings.into_iter().fold(result.with_cites(cites), CheckResult::with_finding)
}

/// A gap that could hide a violation: an unseen replica change, or a change around which the HPA was not observed, so
/// that neither its writer nor its ScalingActive condition is known.
fn find_hidden_change(view: &RunView<'_>) -> Option<(String, u64)> {
    let unread = |change: &&SizeChange<'_>| {
        let decision = ScaleDecision::new(view, change);
        change.is_scale_write()
            && !decision.has_status()
            && view.has_gap("hpa", decision.earliest_ms, change.at_ms + SLACK.ms())
    };
    let unread = || view.size_changes.iter().find(unread).map(|change| (change, change.seq, "could not be read"));
    let unconfirmed = || {
        let mut confirmed =
            view.size_changes.iter().filter_map(|change| Some((change, view.confirming_status(change)?)));
        let silent = confirmed.find(|(_, status)| lacks_rescale_condition(view, status));
        silent.map(|(change, status)| (change, status.0.seq, "had no SucceededRescale condition"))
    };
    view.find_unseen_change().or_else(|| {
        let (change, seq, problem) = unread().or_else(unconfirmed)?;
        Some((format!("the HPA {problem} when replicas went {} → {}", change.from, change.to), seq))
    })
}

/// True when the status right after the change was observed, but has no SucceededRescale condition: its values may not
/// be those of the pass that made the change.
fn lacks_rescale_condition(view: &RunView<'_>, (observation, status): &ObservedItem<'_, HpaSnapshot>) -> bool {
    let hpas = view.our_hpa_snapshots().as_slice();
    let before = hpas.get(..hpas.partition_point(|(o, _)| o.seq < observation.seq)).and_then(<[_]>::last);
    let is_first = before.is_some_and(|(o, before)| {
        before.last_scale_time != status.last_scale_time && view.is_gapless("hpa", o.at_ms, observation.at_ms)
    });
    is_first && !status.conditions.iter().any(|c| c.reason == hpa::SUCCEEDED_RESCALE)
}

/// The time since which replicas had been changed by another writer or unseen: the controller's reaction to that cannot be
/// predicted.
fn disturbed_since_ms(view: &RunView<'_>) -> Option<u64> {
    let by_other = || view.size_changes.iter().find(|past| view.confirming_status(past).is_none());
    view.find_unseen_change().map(|_| 0).or_else(|| by_other().map(|past| past.at_ms))
}
