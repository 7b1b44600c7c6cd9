//! Decides whether a FAIL is attributed to the platform. It is not where pods request no accelerator (the requirement
//! does not cover them), where another writer changed the HPA or the target, where a node was lost, or where a source
//! of the check was not observed for a while. The result is INCONCLUSIVE then.

use super::check_result::{CheckResult, CheckStatus};
use super::checks::{Attribution, Check, EvaluatedSince};
use super::run_view::{ObservedItem, RunView};
use crate::model::observation::{HpaSnapshot, ObservationKind, PodSnapshot};

/// Turns a FAIL into INCONCLUSIVE where it may not be the platform's doing.
pub(super) fn downgrade_fail(view: &RunView<'_>, needed: &Attribution, result: CheckResult) -> CheckResult {
    if !result.has_status(CheckStatus::Fail) {
        return result;
    }
    let cause = find_pod_without_accelerator(view)
        .or_else(|| find_interference(view))
        .or_else(|| find_lost_node(view, needed))
        .or_else(|| find_source_gap(view, needed));
    match cause {
        Some((cause, seq)) => {
            let reason = format!("{cause}, so this is not counted as a FAIL: {}", result.reason);
            CheckResult { status: CheckStatus::Inconclusive, reason, ..result }.with_cites([seq])
        }
        None => result,
    }
}

/// A pod of the target that requests no accelerator: the requirement is about pods that do.
fn find_pod_without_accelerator(view: &RunView<'_>) -> Option<(String, u64)> {
    let requests = Check::PodsRequestAccelerators.evaluate_alone(view);
    let seq = requests.cites.first().copied().filter(|_| requests.has_status(CheckStatus::Inconclusive))?;
    Some((requests.reason, seq))
}

/// A change of the HPA or the target by another writer between the HPA's creation and the clean-up, and the observation
/// that shows it.
pub(super) fn find_interference(view: &RunView<'_>) -> Option<(String, u64)> {
    find_hpa_edit(view).or_else(|| find_target_edit(view)).or_else(|| find_removal(view))
}

fn find_hpa_edit(view: &RunView<'_>) -> Option<(String, u64)> {
    let snapshots = || view.our_hpa_snapshots().filter(|(o, _)| o.at_ms <= view.end_ms());
    let (first_observation, first) = snapshots().next()?;
    let uid = view.hpa_uid().unwrap_or(&first.uid);
    let found = |text: &str, seq: u64| Some((text.to_owned(), seq));
    if let Some((o, _)) = snapshots().find(|(_, hpa)| hpa.uid != uid) {
        return found("the HPA was replaced during the run", o.seq);
    }
    let spec = |hpa: &HpaSnapshot| (hpa.spec_digest.clone(), hpa.min_replicas, hpa.max_replicas, hpa.generation);
    let created = spec(first);
    if let Some((o, _)) = snapshots().find(|(_, hpa)| spec(hpa) != created) {
        return found("the HPA was edited during the run", o.seq);
    }
    if (first.min_replicas, first.max_replicas) != (view.min_replicas, view.max_replicas) {
        return found("minReplicas or maxReplicas of the HPA differ from the scenario", first_observation.seq);
    }
    let ambiguous = |item: &&ObservedItem<'_, HpaSnapshot>| {
        item.1.conditions.iter().any(|c| c.kind == "ScalingActive" && c.reason == "AmbiguousSelector")
    };
    let (o, _) = snapshots().find(ambiguous)?;
    found("another HPA selects the same pods", o.seq)
}

fn find_target_edit(view: &RunView<'_>) -> Option<(String, u64)> {
    let (_, made_ms) = view.hpa_creation()?;
    // The state at the HPA's creation: the first snapshot after it may be the edit already.
    let first = match view.workload_at(made_ms) {
        Some((_, workload)) => workload,
        None => view.workloads.first().map(|(_, workload)| *workload)?,
    };
    let mut later = view.workloads.iter().filter(|(o, _)| (made_ms..=view.end_ms()).contains(&o.at_ms));
    let (o, _) = later.find(|(_, w)| w.uid != first.uid || w.template_digest != first.template_digest)?;
    Some(("the target was edited or replaced during the run".to_owned(), o.seq))
}

fn find_removal(view: &RunView<'_>) -> Option<(String, u64)> {
    let (_, made_ms) = view.hpa_creation()?;
    let hpa = view.our_hpa_snapshots().next().map(|(_, hpa)| hpa.uid.as_str());
    let target = view.workloads.first().map(|(_, workload)| workload.uid.as_str());
    view.deletions.iter().filter(|(o, _)| (made_ms..view.end_ms()).contains(&o.at_ms)).find_map(|(o, deleted)| {
        if !matches!(o.kind, ObservationKind::ObjectDeleted(_)) {
            return None;
        }
        let object = match Some(deleted.uid.as_str()) {
            uid if uid == hpa => "the HPA",
            uid if uid == target => "the target",
            _ => return None,
        };
        Some((format!("{object} was deleted during the run"), o.seq))
    })
}

/// A node that was not Ready while a pod of the target ran on it: no autoscaler can repair such a pod.
fn find_lost_node(view: &RunView<'_>, needed: &Attribution) -> Option<(String, u64)> {
    if !needed.lost_node_excuses {
        return None;
    }
    let (_, made_ms) = view.hpa_creation()?;
    let lost = view.nodes.iter().filter(|(o, node)| !node.ready && (made_ms..=view.end_ms()).contains(&o.at_ms));
    lost.into_iter().find_map(|(o, node)| {
        let on_node = |item: &ObservedItem<'_, PodSnapshot>| item.1.node.as_deref() == Some(node.name.as_str());
        let pod = view
            .target_pods()
            .iter()
            .find(|pod| pod.exists_at(o.at_ms) && pod.last_observation().is_some_and(on_node))?;
        Some((format!("node {} of pod {} was not Ready during the run", node.name, pod.name()), o.seq))
    })
}

/// A gap in a source of the check that is longer than the bounds allow.
fn find_source_gap(view: &RunView<'_>, needed: &Attribution) -> Option<(String, u64)> {
    let from = match needed.since {
        EvaluatedSince::HpaCreation => view.hpa_creation().map(|(_, at)| at),
        EvaluatedSince::PhaseStart(phase) => view.phase_start(phase),
    };
    needed.sources.iter().find_map(|source| view.find_gap(source, from.unwrap_or(0), view.end_ms()))
}
