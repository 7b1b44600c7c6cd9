//! Control/ByTheAutoscaler: every replica change is a write to the scale subresource by one and the same controller,
//! and matches the HPA's status and, unless it was lost, its event. Before the baseline the controller may also enforce
//! minReplicas or maxReplicas. Another writer, or a tool of people as the writer of every change: INCONCLUSIVE, with its field
//! manager. A name that is not known for the controller is a finding where its events confirm each change.

use std::collections::BTreeMap;

use crate::bounds::SLACK;
use crate::hpa;
use crate::judge::check_result::CheckResult;
use crate::judge::run_view::{ByTime, RunView, SizeChange};
use crate::model::observation::Phase;

/// Names under which the HPA controller writes: a field manager is the name of the writing binary (kubernetes v1.37.2,
/// staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go, `managerOrUserAgent`), and k3s, MicroK8s and MicroShift have
/// the controller manager in a binary of their own.
const CONTROLLER_NAMES: &[&str] = &["kube-controller-manager", "k3s", "kubelite", "microshift", "hyperkube"];

/// The beginnings of the names of tools by which people, scripts and pipelines write. None contains the HPA controller, so
/// a status that agrees with their writes does not make them the autoscaler's.
const TOOL_NAMES: &[&str] = &[
    "kubectl",
    "oc",
    "helm",
    "flux",
    "kustomize",
    "argo",
    "argocd",
    "terraform",
    "pulumi",
    "ansible",
    "k9s",
    "lens",
    "freelens",
    "headlamp",
    "dashboard",
    "rancher",
    "mozilla",
    "curl",
    "python",
    "openapi-generator",
    "okhttp",
    "axios",
    "node-fetch",
    "go-http-client",
    "gpuhpa",
];

/// True for the name of a tool, with what follows its name: `kubectl-scale`, `python-requests`.
fn is_tool(manager: &str) -> bool {
    let manager = manager.to_ascii_lowercase();
    TOOL_NAMES.iter().filter_map(|tool| manager.strip_prefix(tool)).any(|rest| {
        // What follows a name begins with a sign: `argocd-controller` is argocd's, `octopus` is not oc's.
        !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

pub(super) fn evaluate(view: &RunView<'_>) -> CheckResult {
    let events = RescaleEvents::from_view(view);
    let (mut cites, mut findings, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut manager, mut has_all_events) = (None::<&str>, true);
    for change in &view.size_changes {
        // After one lost event the next ones are not awaited: a controller that keeps scaling would delay the run for
        // ever.
        let wait_ms = if findings.is_empty() { 2 * SLACK.ms() } else { 0 };
        match find_origin(view, &events, change, wait_ms) {
            ChangeOrigin::OurHpa { status_seq, event_seq, finding } => {
                has_all_events &= event_seq.is_some();
                cites.extend([change.seq, status_seq]);
                cites.extend(event_seq);
                findings.extend(finding);
                changes.push(format!("{} → {}", change.from, change.to));
            }
            ChangeOrigin::Pending(reason) => return CheckResult::pending(reason),
            ChangeOrigin::OtherWriter(reason) => return report_other_writer(view, change, &reason),
        }
        let writer = change.writer.map(|writer| writer.manager.as_str());
        if let Some(first) = manager.filter(|first| writer != Some(first)) {
            let reason = format!("written by {}, and the change before it by {first}", change.describe_writer());
            return report_other_writer(view, change, &reason);
        }
        manager = writer;
    }
    if let Some((reason, seq)) = view.find_unseen_change() {
        return CheckResult::inconclusive(reason).with_cites([seq]);
    }
    if let Some(name) = manager.filter(|name| !CONTROLLER_NAMES.contains(name)) {
        let text = format!(
            "{name} wrote every change to the scale subresource, which is not a known name of the HPA controller"
        );
        if !has_all_events {
            let text = format!("{text}, and no event of the controller confirms each change");
            return CheckResult::inconclusive(text).with_cites(cites);
        }
        findings.push(format!("{text}; the HPA's status and the controller's events confirm each change"));
    }
    let text = match manager {
        None => "no replica change was seen".to_owned(),
        Some(manager) => format!(
            "{}: all written to the scale subresource by {manager}, confirmed by the HPA's status",
            changes.join(", ")
        ),
    };
    let result = CheckResult::pass(text).with_cites(cites);
    findings.into_iter().fold(result, CheckResult::with_finding)
}

fn report_other_writer(view: &RunView<'_>, change: &SizeChange<'_>, reason: &str) -> CheckResult {
    let phase = view.phase_at(change.at_ms).map_or(String::new(), |phase| format!(" in phase {}", phase.as_str()));
    CheckResult::inconclusive(format!("replicas went {} → {}{phase}: {reason}", change.from, change.to))
        .with_cites([change.seq])
}

/// The writer of a replica change.
enum ChangeOrigin {
    /// The controller, for the HPA of this run.
    OurHpa { status_seq: u64, event_seq: Option<u64>, finding: Option<String> },
    /// The status or the event may still come.
    Pending(String),
    /// Another writer, with the reason.
    OtherWriter(String),
}

/// Finds the writer of a change; waits `event_wait_ms` for its event.
fn find_origin(
    view: &RunView<'_>,
    events: &RescaleEvents<'_>,
    change: &SizeChange<'_>,
    event_wait_ms: u64,
) -> ChangeOrigin {
    if !change.is_scale_write() {
        return ChangeOrigin::OtherWriter(format!(
            "written by {}, not through the scale subresource; run again without another writer of spec.replicas",
            change.describe_writer()
        ));
    }
    let Some((status, _)) = view.confirming_status(change) else {
        if view.now_ms() < change.at_ms + 2 * SLACK.ms() {
            return ChangeOrigin::Pending(format!(
                "the HPA's status has not yet confirmed {} → {}",
                change.from, change.to
            ));
        }
        let detail = describe_unconfirmed(view, change);
        return ChangeOrigin::OtherWriter(format!("written by {}, {detail}", change.describe_writer()));
    };
    if let Some(name) = change.writer.map(|writer| writer.manager.as_str()).filter(|name| is_tool(name)) {
        return ChangeOrigin::OtherWriter(format!(
            "written by {}, and {name} is no HPA controller; run again without another writer of spec.replicas",
            change.describe_writer()
        ));
    }
    let Some((seq, reason)) = events.find_last(view, change) else {
        if view.now_ms() < change.at_ms + event_wait_ms {
            return ChangeOrigin::Pending(format!("no SuccessfulRescale event of {} → {} yet", change.from, change.to));
        }
        let finding =
            format!("no SuccessfulRescale event of {} → {} was seen; events can be lost", change.from, change.to);
        return ChangeOrigin::OurHpa { status_seq: status.seq, event_seq: None, finding: Some(finding) };
    };
    if !is_expected_reason(view, change, reason) {
        return ChangeOrigin::OtherWriter(format!(
            "the HPA's event gives another reason than the metric of this run: {reason}"
        ));
    }
    ChangeOrigin::OurHpa { status_seq: status.seq, event_seq: Some(seq), finding: None }
}

/// The SuccessfulRescale events of the run's HPA.
#[derive(Default)]
struct RescaleEvents<'a> {
    /// Sequence number and reason of each, in the order of their observations.
    events: Vec<(u64, &'a str)>,
    /// Their indices by the new size, as the message writes it.
    by_size: BTreeMap<&'a str, ByTime>,
}

impl<'a> RescaleEvents<'a> {
    fn from_view(view: &RunView<'a>) -> Self {
        let Some((_, hpa)) = view.our_hpa_snapshots().next() else { return Self::default() };
        let (mut events, mut by_size) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        let rescales = view.events.iter().filter(|(_, e)| e.reason == hpa::SUCCESSFUL_RESCALE && e.uid == hpa.uid);
        for (o, event) in rescales {
            let size_and_reason = hpa::split_new_size(&event.message);
            let at = event.last_timestamp.or(event.first_timestamp);
            if let Some(((size, reason), at)) = size_and_reason.zip(at) {
                by_size.entry(size).or_default().push((at, events.len()));
                events.push((o.seq, reason.trim()));
            }
        }
        Self { events, by_size: by_size.into_iter().map(|(size, events)| (size, ByTime::new(events))).collect() }
    }

    /// Sequence number and reason of the last event that can be that of a change.
    fn find_last(&self, view: &RunView<'_>, change: &SizeChange<'_>) -> Option<(u64, &'a str)> {
        let of_size = self.by_size.get(change.to.to_string().as_str())?;
        let (_, last) = view.find_at_change(of_size, change)?;
        self.events.get(last).copied()
    }
}

/// Why no status of the HPA confirms a change: it or the clock could not be read, or another writer made the change.
fn describe_unconfirmed(view: &RunView<'_>, change: &SizeChange<'_>) -> String {
    if !view.has_skew() {
        return "and the API server's clock was not measured, so the HPA's status cannot be matched with it".to_owned();
    }
    if let Some(reason) = view.clock_step() {
        return format!("but {reason}, so the times in the HPA's status cannot be matched with it; run again");
    }
    let around = change.at_ms.saturating_sub(view.times.assumptions.sync_period.ms())..=change.at_ms + 2 * SLACK.ms();
    match view.find_gap("hpa", *around.start(), *around.end()) {
        Some((gap, _)) => format!("and the HPA's status of that time was not read: {gap}; run again"),
        None => {
            "and the HPA's status does not confirm it; run again without another writer of spec.replicas".to_owned()
        }
    }
}

/// Whether the reason of a SuccessfulRescale event is the metric of this run, or a bound that the controller enforces
/// before the baseline: a target that starts with fewer replicas than minReplicas, or with more than maxReplicas.
fn is_expected_reason(view: &RunView<'_>, change: &SizeChange<'_>, reason: &str) -> bool {
    let is_before_baseline = view.phase_start(Phase::Baseline).is_none_or(|began| change.at_ms < began);
    // Without a behavior the controller keeps the largest size of its window: it may raise the target to an earlier
    // recommendation while the metric recommends no more now, and then gives no reason or that of a fall (kubernetes
    // v1.37.2, pkg/controller/podautoscaler/horizontal.go, `reconcileAutoscaler`).
    let without_metric = reason.is_empty() || reason == "All metrics below target";
    let by_metric = if change.to > change.from {
        let has_behavior = view.records.scenario.hpa.spec.behavior.is_some();
        reason == format!("{} above target", view.metric_event_name()) || (!has_behavior && without_metric)
    } else {
        without_metric
    };
    let is_raised = change.from < view.min_replicas && change.to == view.min_replicas && reason == hpa::BELOW_MIN;
    let is_lowered = change.from > view.max_replicas && change.to == view.max_replicas && reason == hpa::ABOVE_MAX;
    by_metric || (is_before_baseline && (is_raised || is_lowered))
}
