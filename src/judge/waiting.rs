//! What a run waits for, for people: while it is normal, what has to happen and how long that may take; once the expected time
//! has passed, the diagnosis of the check. The expected time is the bound without doubled assumptions.

use super::check_result::{CheckResult, CheckStatus, format_replicas};
use super::checks::{Check, CheckPart, Prerequisite, rise_due_ms};
use super::evaluator::Evaluator;
use super::run_view::{RunView, TargetPod};
use crate::model::observation::Phase;
use crate::model::plan::TimeBound;
use crate::units::HumanDuration;

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingReason {
    /// Names the wait: it stays the same while numbers change.
    pub(crate) name: &'static str,
    /// The expected time has passed, and `text` is a diagnosis.
    pub(crate) overdue: bool,
    /// The explanation, in short.
    pub(crate) text: String,
    /// How far the wait is, in a few words, where it has a measure of its own.
    pub(crate) progress: Option<String>,
    /// Everything that is known.
    pub(crate) detail: String,
}

impl WaitingReason {
    /// A wait for `text` that is normal until `expected_ms`; after it, `detail` is the diagnosis.
    pub(super) fn new(name: &'static str, text: String, detail: String, expected_ms: Option<u64>, now_ms: u64) -> Self {
        let overdue = expected_ms.is_some_and(|at| now_ms >= at);
        Self { name, overdue, text: if overdue { detail.clone() } else { text }, progress: None, detail }
    }
}

/// A duration in whole seconds.
pub(super) fn format_seconds(ms: u64) -> String {
    HumanDuration::from_ms(ms / 1000 * 1000).to_string()
}

/// What the first pending one of these prerequisites waits for; `None` when none is pending.
#[must_use]
pub(crate) fn waiting_for(evaluator: &Evaluator<'_>, prerequisites: &[Prerequisite]) -> Option<WaitingReason> {
    let find_pending = |candidates: &[Prerequisite]| -> Option<(Prerequisite, CheckResult)> {
        let mut results = candidates.iter().map(|one| (*one, evaluator.evaluate_prerequisite(*one)));
        results.find(|(_, result)| result.has_status(CheckStatus::Pending))
    };
    let (mut first, mut result) = find_pending(prerequisites)?;
    while let Some(earlier) = find_pending(first.prerequisites()) {
        (first, result) = earlier;
    }
    Some(explain(evaluator.view(), first, result.reason))
}

/// The text of a normal wait, how far it is, and when it should be over.
#[derive(Default)]
struct NormalWait {
    text: String,
    progress: Option<String>,
    expected_ms: Option<u64>,
}

impl NormalWait {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Expected within a bound from `from_ms` on.
    fn within(mut self, bound: &TimeBound, from_ms: Option<u64>) -> Self {
        self.expected_ms = from_ms.map(|from| from + bound.total_ms());
        self
    }

    /// As [`within`](Self::within), and tells for how long the run waits.
    fn up_to(mut self, bound: &TimeBound, from_ms: Option<u64>) -> Self {
        self.text = format!("{}, up to {}", self.text, format_seconds(bound.lenient_ms()));
        self.within(bound, from_ms)
    }

    fn with_progress(mut self, label: &str, done_ms: u64, needed_ms: u64) -> Self {
        self.progress = Some(format!("{label} {} of {}", format_seconds(done_ms), format_seconds(needed_ms)));
        self
    }
}

fn explain(view: &RunView<'_>, first: Prerequisite, detail: String) -> WaitingReason {
    let NormalWait { text, progress, expected_ms } = match first {
        Prerequisite::Part(CheckPart::MetricRises) => metric_rises(view),
        Prerequisite::Part(CheckPart::MetricFalls) => {
            NormalWait::new(format!("waiting for the metric to recommend {}", format_replicas(view.min_replicas)))
                .up_to(&view.times.metric_falls_back(), view.phase_start(Phase::ScaleDown))
        }
        Prerequisite::Whole(check) => explain_check(view, check),
    };
    WaitingReason { progress, ..WaitingReason::new(first.name(), text, detail, expected_ms, view.now_ms()) }
}

fn explain_check(view: &RunView<'_>, check: Check) -> NormalWait {
    match check {
        Check::MetricServed => NormalWait::new(format!("waiting for the metrics API to serve {}", metric(view)))
            .up_to(&view.times.metric_served(), view.phase_start(Phase::Metric)),
        Check::AutoscalerActive => NormalWait::new("waiting for the HPA to be active")
            .within(&view.times.hpa_active(), view.our_hpa_snapshots().next().map(|(o, _)| o.at_ms)),
        Check::IdleHolds => baseline(view),
        Check::ReplicasRise => replicas_rise(view),
        Check::NewPodsRunOnAccelerators => {
            let missing = view.new_pods().into_iter().filter(|pod| pod.first_ready().is_none());
            NormalWait::new("waiting for new pods to be Ready on accelerators")
                .up_to(&view.times.pod_start(), missing.map(TargetPod::first_seen_ms).min())
        }
        Check::NewPodsServe => {
            let ready = view.new_pods().into_iter().filter_map(|pod| pod.first_ready()).map(|(o, _)| o.at_ms);
            NormalWait::new("waiting for each new pod to answer a chat and to get traffic")
                .up_to(&view.times.new_connections(), ready.max())
        }
        Check::HoldSteady => hold(view),
        Check::ReplicasFall => {
            let (to, window) = (format_replicas(view.min_replicas), format_seconds(view.times.down_window.ms));
            let began = view.phase_start(Phase::ScaleDown);
            let bound = view.bound_with_restarts(view.times.scale_down(), began.unwrap_or(0), view.now_ms());
            NormalWait::new(format!("waiting for the scale-down to {to} (stabilization window {window})"))
                .within(&bound, began)
        }
        Check::ByTheAutoscaler => NormalWait::new("waiting for the HPA to confirm the last change of size"),
        Check::DecisionsExplained => {
            NormalWait::new("waiting for further decisions of the HPA, to compare them with its algorithm")
        }
        _ => NormalWait::new(format!("waiting for {}", check.name())),
    }
}

/// The metric's name.
fn metric(view: &RunView<'_>) -> String {
    view.metric.as_ref().map_or_else(|| "the metric".to_owned(), |metric| metric.name.clone())
}

fn baseline(view: &RunView<'_>) -> NormalWait {
    let bound = view.times.baseline(view.records.scenario.phases.baseline_sync_periods);
    let (needed_ms, began) = (bound.total_ms(), view.baseline_span().map(|(began, _)| began));
    let text = format!("without load replicas must stay at {} for {}", view.min_replicas, format_seconds(needed_ms));
    let idle_ms = began.map_or(0, |began| view.now_ms().saturating_sub(began)).min(needed_ms);
    let expected_ms = began.map(|began| began + needed_ms + view.times.metric_lag().total_ms());
    NormalWait { expected_ms, ..NormalWait::new(text).with_progress("idle", idle_ms, needed_ms) }
}

fn metric_rises(view: &RunView<'_>) -> NormalWait {
    let needed_ms = view.times.metric_sustained().total_ms();
    let longest_ms = view.spans_for_expected().iter().map(|(from, to)| to - from).max().unwrap_or(0);
    let expected = format_replicas(view.expected_replicas);
    let text = format!("under load the metric must recommend at least {expected} for {}", format_seconds(needed_ms));
    let expected_ms =
        view.load_span().map(|(began, end)| rise_due_ms(view, began, end, TimeBound::total_ms) + needed_ms);
    NormalWait { expected_ms, ..NormalWait::new(text).with_progress("recommended", longest_ms, needed_ms) }
}

fn replicas_rise(view: &RunView<'_>) -> NormalWait {
    let needed_ms = view.times.metric_sustained().total_ms();
    let from_ms = view.spans_for_expected().into_iter().find(|(from, to)| to - from >= needed_ms).map(|(from, _)| from);
    NormalWait::new(format!("waiting for the HPA to set {}", format_replicas(view.expected_replicas)))
        .up_to(&view.times.scale_up(), from_ms)
}

fn hold(view: &RunView<'_>) -> NormalWait {
    let needed_ms = view.times.hold().total_ms();
    let expected = format_replicas(view.expected_replicas);
    let text = format!("under load the target must keep at least {expected} for {}", format_seconds(needed_ms));
    let wait = NormalWait::new(text);
    let Some((began, end)) = view.load_span() else { return wait };
    let Some((_, reached, _)) = view.expected_size_reached(began) else { return wait };
    let slack_ms = view.metric_absent_ms(reached, end) + view.times.metric_lag().total_ms();
    let expected_ms = Some(reached + needed_ms + slack_ms);
    NormalWait { expected_ms, ..wait.with_progress("held", view.longest_measured_ms(reached, end), needed_ms) }
}
