//! The lines of a run's progress. Changes have a line each; between them a heartbeat tells the state, at most every minute of the
//! run's clock; an explanation of a wait is told once.

use std::collections::BTreeSet;

use super::console::Verbosity;
use crate::judge::{LiveStatus, WaitingReason};
use crate::model::observation::Phase;
use crate::run::EVALUATION_INTERVAL;
use crate::units::{HumanDuration, Milli};

/// Time without a line after which a heartbeat follows, milliseconds.
const HEARTBEAT_MS: u64 = 60_000;
/// Time by which a tick waits longer than a wait does, milliseconds.
const TICK_GRACE_MS: u64 = 5_000;

/// Characters of the metrics API's error in a status.
const MAX_ERROR: usize = 60;

/// The current phase, and what was printed.
pub(super) struct ProgressLines {
    verbosity: Verbosity,
    /// A live line shows the state, so no heartbeat is needed.
    has_live_line: bool,
    phase: Option<Phase>,
    started_ms: u64,
    budget: HumanDuration,
    last_line_ms: u64,
    /// The step that the phase was last heard to make; empty at its beginning.
    last_step: String,
    last_detail_ms: Option<u64>,
    /// The waits that were explained, each by its name and whether it was overdue.
    explained: BTreeSet<(&'static str, bool)>,
}

impl ProgressLines {
    pub(super) fn new(verbosity: Verbosity, has_live_line: bool) -> Self {
        Self {
            verbosity,
            has_live_line,
            phase: None,
            started_ms: 0,
            budget: HumanDuration::default(),
            last_line_ms: 0,
            last_step: String::new(),
            last_detail_ms: None,
            explained: BTreeSet::new(),
        }
    }

    /// Starts a phase; returns its line.
    pub(super) fn begin_phase(&mut self, now_ms: u64, phase: Phase, budget: HumanDuration) -> String {
        (self.phase, self.started_ms, self.budget) = (Some(phase), now_ms, budget);
        self.last_line_ms = now_ms;
        self.last_step.clear();
        format!("{}, at most {budget}", phase.as_str())
    }

    /// The run makes a step that may take a while.
    pub(super) fn step(&mut self, text: &str) {
        text.clone_into(&mut self.last_step);
    }

    /// The line of a step that goes on without a wait that could tell its state, if it is due.
    pub(super) fn tick(&mut self, now_ms: u64) -> Option<String> {
        // A wait has its own heartbeat, which says more.
        let is_due = !self.has_live_line && now_ms >= self.last_line_ms + HEARTBEAT_MS + TICK_GRACE_MS;
        is_due.then(|| {
            self.last_line_ms = now_ms;
            let step = if self.last_step.is_empty() { String::new() } else { format!("; now: {}", self.last_step) };
            format!("{}{step}", self.describe_phase(now_ms))
        })
    }

    /// A line was printed: the heartbeat can wait.
    pub(super) fn printed(&mut self, now_ms: u64) {
        self.last_line_ms = now_ms;
    }

    /// The lines of a wait that goes on; mostly none.
    pub(super) fn waiting(&mut self, now_ms: u64, status: &LiveStatus, reason: &WaitingReason) -> Vec<String> {
        let mut lines = Vec::new();
        let is_new = self.explained.insert((reason.name, reason.overdue));
        // The live line has the explanation, but a diagnosis must not disappear with it.
        if is_new && (!self.has_live_line || reason.overdue) {
            lines.push(reason.text.clone());
        }
        if self.verbosity == Verbosity::Verbose {
            if self.last_detail_ms.is_none_or(|at| u128::from(now_ms - at) >= EVALUATION_INTERVAL.as_millis()) {
                self.last_detail_ms = Some(now_ms);
                lines.push(format!("{}; {}", format_status(status), reason.detail));
            }
        } else if lines.is_empty() && !self.has_live_line && now_ms >= self.last_line_ms + HEARTBEAT_MS {
            lines.push(format!("{}, {}", format_status(status), self.describe_progress(now_ms, reason)));
        }
        if !lines.is_empty() {
            self.last_line_ms = now_ms;
        }
        lines
    }

    /// The live line of a wait.
    pub(super) fn live_line(&self, now_ms: u64, status: &LiveStatus, reason: &WaitingReason) -> String {
        let left = round_to_seconds((self.started_ms + self.budget.ms()).saturating_sub(now_ms));
        let name = self.phase.map_or("", Phase::as_str);
        let progress = reason.progress.as_ref().map_or(String::new(), |progress| format!("{progress}  "));
        format!("{name} ({left} left)  {}  {progress}{}", format_status(status), reason.text)
    }

    /// How far the wait is, else the phase.
    fn describe_progress(&self, now_ms: u64, reason: &WaitingReason) -> String {
        reason.progress.clone().unwrap_or_else(|| self.describe_phase(now_ms))
    }

    fn describe_phase(&self, now_ms: u64) -> String {
        let elapsed = round_to_seconds(now_ms.saturating_sub(self.started_ms));
        format!("phase {}: {elapsed} of at most {}", self.phase.map_or("", Phase::as_str), self.budget)
    }
}

fn round_to_seconds(ms: u64) -> HumanDuration {
    HumanDuration::from_ms(ms / 1000 * 1000)
}

fn format_status(status: &LiveStatus) -> String {
    let shown = |value: Option<Milli>| value.map_or("-".to_owned(), |value| value.to_string());
    let mut text = format!(
        "replicas {}/{}, metric {} of {}",
        status.ready_replicas,
        status.spec_replicas,
        shown(status.metric_value),
        shown(status.target_value)
    );
    if let Some(error) = &status.metrics_api_error {
        let short: String = error.chars().take(MAX_ERROR).collect();
        text = format!("{text} (not readable: {short})");
    }
    if let Some(rate) = status.good_per_second {
        let ttft = status.ttft_ms.map_or("-".to_owned(), |ms| format!("{}.{} s", ms / 1000, ms % 1000 / 100));
        text = format!("{text}, {rate:.1} req/s, TTFT {ttft}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &'static str, text: &str, overdue: bool) -> WaitingReason {
        WaitingReason { name, overdue, text: text.to_owned(), progress: None, detail: format!("{text} in full") }
    }

    fn plain(verbosity: Verbosity) -> ProgressLines {
        let mut lines = ProgressLines::new(verbosity, false);
        lines.begin_phase(0, Phase::Metric, HumanDuration::from_secs(600));
        lines
    }

    #[test]
    fn a_wait_is_explained_once_and_again_when_it_is_overdue() {
        let mut lines = plain(Verbosity::Normal);
        let status = LiveStatus::default();
        let mut told = |ms: u64, reason: &WaitingReason| lines.waiting(ms, &status, reason);
        assert_eq!(told(0, &wait("metric", "waiting, up to 9m", false)), ["waiting, up to 9m"]);
        assert_eq!(told(2000, &wait("metric", "waiting, up to 8m", false)), Vec::<String>::new());
        assert_eq!(told(4000, &wait("metric", "first broken hop: store", true)), ["first broken hop: store"]);
        assert_eq!(told(6000, &wait("metric", "first broken hop: store, 2 s", true)), Vec::<String>::new());
        assert_eq!(told(8000, &wait("metric", "waiting, up to 7m", false)), Vec::<String>::new());
    }

    #[test]
    fn a_heartbeat_follows_after_a_minute_without_a_line() {
        let mut lines = plain(Verbosity::Normal);
        let (status, reason) = (LiveStatus::default(), wait("metric", "waiting", false));
        lines.waiting(1000, &status, &reason);
        lines.printed(30_000);
        let told: Vec<(u64, String)> = (31..=160)
            .flat_map(|s| lines.waiting(s * 1000, &status, &reason).into_iter().map(move |line| (s, line)))
            .collect();
        let beat =
            |s: u64, elapsed: &str| (s, format!("replicas 0/0, metric - of -, phase metric: {elapsed} of at most 10m"));
        assert_eq!(told, [beat(90, "1m30s"), beat(150, "2m30s")]);
    }

    #[test]
    fn a_step_that_hangs_is_told_after_a_minute_without_a_line() {
        let mut lines = plain(Verbosity::Normal);
        lines.begin_phase(0, Phase::Cleanup, HumanDuration::from_secs(300));
        lines.printed(10_000);
        lines.step("uninstalling release ollama");
        let told: Vec<(u64, String)> =
            (1..=30).filter_map(|n| lines.tick(n * 10_000).map(|line| (n * 10, line))).collect();
        let beat = |s: u64, elapsed: &str| {
            (s, format!("phase cleanup: {elapsed} of at most 5m; now: uninstalling release ollama"))
        };
        assert_eq!(told, [beat(80, "1m20s"), beat(150, "2m30s"), beat(220, "3m40s"), beat(290, "4m50s")]);
        assert_eq!(ProgressLines::new(Verbosity::Normal, true).tick(500_000), None);
    }

    #[test]
    fn a_live_line_replaces_explanations_and_heartbeats_but_no_diagnosis() {
        let mut lines = ProgressLines::new(Verbosity::Normal, true);
        lines.begin_phase(0, Phase::Metric, HumanDuration::from_secs(600));
        let (status, reason) = (LiveStatus::default(), wait("metric", "waiting", false));
        assert_eq!(lines.waiting(0, &status, &reason), Vec::<String>::new());
        assert_eq!(lines.waiting(300_000, &status, &reason), Vec::<String>::new());
        assert_eq!(lines.waiting(301_000, &status, &wait("metric", "broken", true)), ["broken"]);
        let reason = WaitingReason { progress: Some("held 1s of 2s".to_owned()), ..reason };
        assert_eq!(
            lines.live_line(301_000, &status, &reason),
            "metric (4m59s left)  replicas 0/0, metric - of -  held 1s of 2s  waiting"
        );
    }

    #[test]
    fn verbose_tells_every_reason_in_full_but_not_twice_within_an_evaluation() {
        let mut lines = plain(Verbosity::Verbose);
        let (status, reason) = (LiveStatus::default(), wait("metric", "waiting", false));
        let full = "replicas 0/0, metric - of -; waiting in full";
        assert_eq!(lines.waiting(0, &status, &reason), ["waiting", full]);
        assert_eq!(lines.waiting(1999, &status, &reason), Vec::<String>::new());
        assert_eq!(lines.waiting(2000, &status, &reason), [full]);
    }
}
