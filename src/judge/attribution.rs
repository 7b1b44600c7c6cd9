//! What takes the blame off the platform, whatever a check found: pods of which the requirement does not speak, somebody
//! else's hand in what was tested, a node that was lost, or a stretch of time in which what the check rests on could not
//! be watched. FAIL is said only where none of these is so.

use super::check::Check;
use super::check_result::{CheckResult, CheckStatus};
use super::pods_request_accelerators;
use super::run_view::RunView;
use crate::model::observation::{ObservationKind, Phase};

/// The ruling, unless it blames the platform for what may be another's doing or was not seen.
pub(super) fn downgrade_fail(view: &RunView<'_>, check: Check, ruling: CheckResult) -> CheckResult {
    if !ruling.has_status(CheckStatus::Fail) || check == Check::Restored {
        return ruling;
    }
    let lost = || find_interference(view).or_else(|| find_lost_node(view, check));
    match find_pod_without_accelerator(view).or_else(lost).or_else(|| find_source_gap(view, check)) {
        Some((why, seq)) => {
            let reason = format!("{why}, so nobody is blamed for this: {}", ruling.reason);
            CheckResult { status: CheckStatus::Inconclusive, reason, ..ruling }.with_cites([seq])
        }
        None => ruling,
    }
}

/// A pod of the target requests no accelerator: what scales it need not work for pods that do.
fn find_pod_without_accelerator(view: &RunView<'_>) -> Option<(String, u64)> {
    let requests = pods_request_accelerators::evaluate(view);
    let seq = requests.cites.first().copied().filter(|_| requests.has_status(CheckStatus::Inconclusive))?;
    Some((requests.reason, seq))
}

/// Somebody touched the HPA or the target between the HPA's creation and the clean-up: what, and what shows it.
pub(super) fn find_interference(view: &RunView<'_>) -> Option<(String, u64)> {
    find_hpa_edit(view).or_else(|| find_target_edit(view)).or_else(|| find_removal(view))
}

fn find_hpa_edit(view: &RunView<'_>) -> Option<(String, u64)> {
    let seen = || view.our_hpa_snapshots().filter(|(o, _)| o.at_ms <= view.end_ms());
    let (first_seen, first) = seen().next()?;
    let uid = view.hpa_uid().unwrap_or(&first.uid);
    let said = |text: &str, seq: u64| Some((text.to_owned(), seq));
    if let Some((o, _)) = seen().find(|(_, hpa)| hpa.uid != uid) {
        return said("the HPA was replaced during the run", o.seq);
    }
    let spec = |hpa: &super::run_view::ObservedItem<'_, crate::model::observation::HpaSnapshot>| {
        (hpa.1.spec_digest.clone(), hpa.1.min_replicas, hpa.1.max_replicas, hpa.1.generation)
    };
    let stated = spec(&(*first_seen, *first));
    if let Some((o, _)) = seen().find(|noted| spec(noted) != stated) {
        return said("the HPA was edited during the run", o.seq);
    }
    if (first.min_replicas, first.max_replicas) != (view.min_replicas, view.max_replicas) {
        return said("the HPA has other bounds than the scenario states", first_seen.seq);
    }
    let ambiguous = |noted: &&super::run_view::ObservedItem<'_, crate::model::observation::HpaSnapshot>| {
        noted.1.conditions.iter().any(|c| c.kind == "ScalingActive" && c.reason == "AmbiguousSelector")
    };
    let (o, _) = seen().find(ambiguous)?;
    said("another HPA selects the same pods", o.seq)
}

fn find_target_edit(view: &RunView<'_>) -> Option<(String, u64)> {
    let (_, made_ms) = view.hpa_creation()?;
    // What it was when the HPA was made: the first thing seen of it afterwards may be the edit.
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
    view.deletions.iter().filter(|(o, _)| (made_ms..view.end_ms()).contains(&o.at_ms)).find_map(|(o, gone)| {
        if !matches!(o.kind, ObservationKind::ObjectDeleted(_)) {
            return None;
        }
        let what = match Some(gone.uid.as_str()) {
            uid if uid == hpa => "the HPA",
            uid if uid == target => "the target",
            _ => return None,
        };
        Some((format!("{what} was removed during the run"), o.seq))
    })
}

/// A node was not Ready while a pod of the target stood on it: what such a pod does not do any more, no autoscaler mends.
fn find_lost_node(view: &RunView<'_>, check: Check) -> Option<(String, u64)> {
    if !matches!(check, Check::NewPodsRunOnAccelerators | Check::NewPodsServe | Check::ReplicasFall) {
        return None;
    }
    let (_, made_ms) = view.hpa_creation()?;
    let lives = view.target_pods();
    let lost = view.nodes.iter().filter(|(o, node)| !node.ready && (made_ms..=view.end_ms()).contains(&o.at_ms));
    lost.into_iter().find_map(|(o, node)| {
        let on_it = |pod: &&super::run_view::ObservedItem<'_, crate::model::observation::PodSnapshot>| {
            pod.1.node.as_deref() == Some(node.name.as_str())
        };
        let life = lives
            .iter()
            .find(|life| life.exists_at(o.at_ms) && life.last_observation().is_some_and(|pod| on_it(&pod)))?;
        Some((format!("node {} of pod {} was not Ready during the run", node.name, life.name()), o.seq))
    })
}

/// A source of the check could not be read for longer than the bounds allow for.
fn find_source_gap(view: &RunView<'_>, check: Check) -> Option<(String, u64)> {
    let from = match check {
        Check::ReplicasFall => view.phase_start(Phase::ScaleDown),
        Check::ReplicasRise | Check::NewPodsRunOnAccelerators | Check::NewPodsServe | Check::HoldSteady => {
            view.phase_start(Phase::ScaleUp)
        }
        _ => view.hpa_creation().map(|(_, at)| at),
    };
    let sources: &[&str] = match check {
        Check::AutoscalerActive => &["hpa", "pods", "workload"],
        Check::NewPodsRunOnAccelerators => &["pods", "nodes"],
        Check::NewPodsServe => &["pods", "endpoints"],
        Check::DecisionsExplained => &["workload", "pods", "hpa"],
        _ => &["workload", "pods"],
    };
    sources.iter().find_map(|source| view.find_gap(source, from.unwrap_or(0), view.end_ms()))
}
