//! The console: data on stdout, words on stderr. A terminal gets a live line; anything else gets plain lines, one a
//! phase and one every ten seconds. Nothing else in the program prints.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CliExit;
use crate::clock::RunClock;
use crate::env::Redactor;
use crate::judge::LiveStatus;
use crate::model::observation::Phase;
use crate::model::verdict::{CaseResult, Verdict};
use crate::run::ProgressReporter;
use crate::units::HumanDuration;

/// Without a terminal, a line of the run's state at most this often.
const PLAIN_INTERVAL_MS: u64 = 10_000;

/// How much is said on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Errors and the result only (`-q`).
    Quiet,
    /// Phases and the state of the run.
    Normal,
    /// Everything (`-v`).
    Verbose,
}

/// The console of one run.
pub struct Console {
    clock: RunClock,
    redactor: Arc<Redactor>,
    verbosity: Verbosity,
    bar: ProgressBar,
    progress: Mutex<PhaseProgress>,
}

/// Where the run is.
#[derive(Clone, Copy, Default)]
struct PhaseProgress {
    phase: Option<Phase>,
    started_ms: u64,
    budget: HumanDuration,
    last_line_ms: u64,
}

impl Console {
    pub(super) fn new(clock: RunClock, loudness: Verbosity, cover: Arc<Redactor>) -> Self {
        let live = loudness != Verbosity::Quiet && std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if live {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { clock, redactor: cover, verbosity: loudness, bar, progress: Mutex::default() }
    }

    /// Data for programs or for a file, on stdout. A reader that has gone away is no error.
    pub(super) fn print_data(text: &str) -> CliExit {
        // A closed pipe is the reader's choice.
        let _ = std::io::stdout().write_all(text.as_bytes());
        CliExit::Ok
    }

    /// A line for people, on stderr.
    pub(super) fn print_message(text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// An error with its hint, and the exit code that goes with it.
    pub(super) fn print_error(text: &str, hint: Option<&str>, exit: CliExit) -> CliExit {
        Self::print_message(&format!("error: {text}"));
        if let Some(hint) = hint {
            Self::print_message(&format!("  hint: {hint}"));
        }
        exit
    }

    /// What clap has to say: help and version are data, the rest is a usage error.
    pub(super) fn print_clap_error(error: &clap::Error) -> CliExit {
        let _ = error.print();
        if error.use_stderr() { CliExit::Usage } else { CliExit::Ok }
    }

    /// Asks on a terminal whether to go on. `None` without one, or when nothing can be read there.
    pub(super) async fn confirm(question: &str) -> Option<bool> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let _ = write!(std::io::stderr(), "{question} [y/N] ");
        // On a thread of its own, so that a signal is heard while nobody answers.
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = read.await.ok()?.ok()?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// The cases and the verdict, on stdout.
    pub(super) fn print_verdict(verdict: &Verdict) -> CliExit {
        let mut table = new_table(&["case", "result", "why"]);
        for case in &verdict.cases {
            let why = if case.result == CaseResult::Pass { String::new() } else { case.reason.clone() };
            table.add_row([case.name.as_str(), case.result.as_str(), &why]);
        }
        Self::print_data(&strip_control_chars(&format!("{table}\n{}: {}\n", verdict.title(), verdict.reason)))
    }

    /// Ends the live line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn print_above_bar(&self, text: &str) {
        self.bar.suspend(|| Self::print_message(&self.redactor.redact_text(text)));
    }
}

/// Text whose parts come from a cluster or from a bundle, without what would steer a terminal.
pub(super) fn strip_control_chars(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A table for people.
pub(super) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        // A file or a pipeline's log has no width of its own.
        table.set_width(120);
    }
    table.set_header(header.to_vec());
    table
}

impl ProgressReporter for Console {
    fn phase_started(&self, phase: Phase, budget: HumanDuration) {
        let now = self.clock.now_ms();
        if let Ok(mut at) = self.progress.lock() {
            *at = PhaseProgress { phase: Some(phase), started_ms: now, budget, last_line_ms: now };
        }
        let text = format!("{}, at most {budget}", phase.as_str());
        // The live line too: nothing else may be told in this phase, and the words of the one before are over.
        self.bar.set_message(text.clone());
        if self.verbosity != Verbosity::Quiet {
            self.print_above_bar(&format!("[{}] {text}", format_seconds(now)));
        }
    }

    fn message(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.print_above_bar(&format!("[{}]   {text}", format_seconds(self.clock.now_ms())));
        }
    }

    fn waiting(&self, picture: &LiveStatus, waiting: &str) {
        let now = self.clock.now_ms();
        let Ok(mut at) = self.progress.lock() else { return };
        let plain = self.bar.is_hidden() && self.verbosity != Verbosity::Quiet;
        let every = if self.verbosity == Verbosity::Verbose { 1000 } else { PLAIN_INTERVAL_MS };
        let due = plain && now >= at.last_line_ms + every;
        if self.bar.is_hidden() && !due {
            return;
        }
        let name = at.phase.map_or("", Phase::as_str);
        let left = HumanDuration::from_ms((at.started_ms + at.budget.ms()).saturating_sub(now) / 1000 * 1000);
        let (state, waiting) = (format_status(picture), self.redactor.redact_text(waiting));
        self.bar.set_message(format!("{name} ({left} left)  {state}  {waiting}"));
        if due {
            at.last_line_ms = now;
            Self::print_message(&format!("[{}]   {state}  {waiting}", format_seconds(now)));
        }
    }
}

fn format_status(picture: &LiveStatus) -> String {
    let shown = |value: Option<crate::units::Milli>| value.map_or("-".to_owned(), |value| value.to_string());
    let mut text = format!(
        "replicas {}/{}  metric {} of {}",
        picture.ready_replicas,
        picture.spec_replicas,
        shown(picture.metric_value),
        shown(picture.target_value)
    );
    if let Some(why) = &picture.metrics_api_error {
        text = format!("{text} (not readable: {why})");
    }
    if let Some(rate) = picture.good_per_second {
        let ttft = picture.ttft_ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        text = format!("{text}  {rate:.1} req/s  TTFT {ttft}");
    }
    text
}

fn format_seconds(ms: u64) -> String {
    format!("{:>4}s", ms / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_ends_the_words_of_the_one_before() {
        let console = Console::new(RunClock::start(), Verbosity::Quiet, Arc::default());
        console.phase_started(Phase::ScaleDown, HumanDuration::from_secs(60));
        console.phase_started(Phase::Cleanup, HumanDuration::from_secs(300));
        assert_eq!(console.bar.message(), "cleanup, at most 5m");
    }
}
