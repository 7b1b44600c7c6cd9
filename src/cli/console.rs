//! The console: data on stdout, messages on stderr. A terminal gets a live line below the lines of what changed; anything else
//! gets these lines and a heartbeat. Nothing else in the program prints.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CliExit;
use super::progress::ProgressLines;
use super::text::{shorten, single_line, wrap, wrap_indented};
use crate::clock::RunClock;
use crate::env::Redactor;
use crate::hidden_chars::{escape_hidden_in_json, replace_hidden};
use crate::judge::{LiveStatus, ProgressEvent, WaitingReason};
use crate::model::observation::Phase;
use crate::model::verdict::{CaseResult, Verdict};
use crate::run::ProgressReporter;
use crate::units::HumanDuration;

/// Width of lines and tables where there is no terminal: a file or a pipeline's log has none.
const PLAIN_WIDTH: u16 = 120;

/// Characters before the text of a line: its time, and an indentation.
const PREFIX: usize = 10;

/// Characters of a table of cases besides the reasons: names, results, borders.
const CASE_COLUMNS: usize = 54;

/// Lines of a PASS in the table of cases.
const PASS_LINES: usize = 2;

/// How much progress is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Errors and the result only (`-q`).
    Quiet,
    /// Phases and the run's status.
    Normal,
    /// Each evaluation, with every reason in full (`-v`).
    Verbose,
}

/// True once data for stdout was lost. One flag for the process, so that no command can forget it: a command prints data in
/// several places and ends with the exit code of something else.
static DATA_LOST: AtomicBool = AtomicBool::new(false);

/// The console of one run.
pub(crate) struct Console {
    clock: RunClock,
    redactor: Arc<Redactor>,
    verbosity: Verbosity,
    bar: ProgressBar,
    lines: Mutex<ProgressLines>,
}

impl Console {
    pub(super) fn new(clock: RunClock, verbosity: Verbosity, redactor: Arc<Redactor>) -> Self {
        let live = verbosity != Verbosity::Quiet && io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if live {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { clock, redactor, verbosity, bar, lines: Mutex::new(ProgressLines::new(verbosity, live)) }
    }

    /// Prints data for people on stdout, without hidden characters: a text of the cluster or of a bundle may have any.
    pub(super) fn print_data(text: &str) -> CliExit {
        Self::print_verbatim(&replace_hidden(text, &['\n']))
    }

    /// Prints a value as JSON on stdout, with hidden characters as escapes.
    pub(super) fn print_json(value: &impl serde::Serialize) -> CliExit {
        match serde_json::to_string_pretty(value) {
            Ok(text) => Self::print_verbatim(&format!("{}\n", escape_hidden_in_json(&text))),
            Err(error) => Self::print_error(&error.to_string(), None, CliExit::Internal),
        }
    }

    /// Prints YAML on stdout: as it is for programs, without hidden characters on a terminal.
    pub(super) fn print_yaml(text: &str) -> CliExit {
        if io::stdout().is_terminal() { Self::print_data(text) } else { Self::print_verbatim(text) }
    }

    /// Prints a text of gpuhpa itself on stdout, or data for programs of which every character counts. A closed pipe is no
    /// error; any other write error is reported, and changes the exit code of the process (see [`Self::exit_code`]).
    pub(super) fn print_verbatim(text: &str) -> CliExit {
        let mut stdout = io::stdout().lock();
        Self::note_written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
        CliExit::Ok
    }

    /// Notes the result of a write to stdout. Only the first error is printed: the same one follows it.
    fn note_written(written: io::Result<()>) {
        let Some(error) = written.err().filter(|error| error.kind() != ErrorKind::BrokenPipe) else { return };
        if !DATA_LOST.swap(true, Ordering::Relaxed) {
            let hint = "free disk space, or redirect stdout to another file";
            Self::print_error(&format!("could not write to stdout: {error}"), Some(hint), CliExit::Internal);
        }
    }

    /// The exit code of the process for a command that ended with `exit`: a script must not take truncated data for whole.
    pub(super) fn exit_code(exit: CliExit) -> CliExit {
        if DATA_LOST.load(Ordering::Relaxed) { exit.with_lost_output() } else { exit }
    }

    /// Prints a message on stderr, without hidden characters.
    pub(super) fn print_message(text: &str) {
        let _ = writeln!(io::stderr(), "{}", replace_hidden(text, &['\n']));
    }

    /// Lines for stderr: wrapped where no terminal does it.
    pub(super) fn fit_lines(text: &str) -> String {
        let fitted = |line: &str| wrap_indented(line, usize::from(PLAIN_WIDTH));
        if io::stderr().is_terminal() {
            text.to_owned()
        } else {
            text.lines().map(fitted).collect::<Vec<_>>().join("\n")
        }
    }

    /// Prints an error with its hint, and returns its exit code.
    pub(super) fn print_error(text: &str, hint: Option<&str>, exit: CliExit) -> CliExit {
        Self::print_message(&format!("error: {text}"));
        if let Some(hint) = hint {
            Self::print_message(&format!("  hint: {hint}"));
        }
        exit
    }

    /// Prints clap's output: help and version are data, the rest is a usage error.
    pub(super) fn print_clap_error(error: &clap::Error) -> CliExit {
        let printed = error.print();
        if !error.use_stderr() {
            Self::note_written(printed.and_then(|()| io::stdout().flush()));
        }
        if error.use_stderr() { CliExit::Usage } else { CliExit::Ok }
    }

    /// Asks for confirmation on a terminal. `None` without one, or if it cannot be read.
    pub(super) async fn confirm(question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        // On its own thread, so that signals are handled during the prompt.
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = read.await.ok()?.ok()?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Prints the cases and the verdict on stdout. Of a PASS the reason is what was seen, in short.
    pub(super) fn print_verdict(verdict: &Verdict) -> CliExit {
        let mut table = new_table(&["case", "result", "reason"]);
        let width = usize::from(table.width().unwrap_or(PLAIN_WIDTH)).saturating_sub(CASE_COLUMNS);
        for case in &verdict.cases {
            let is_pass = case.result == CaseResult::Pass;
            let reason = if is_pass { shorten(&case.reason, width, PASS_LINES) } else { case.reason.clone() };
            table.add_row([case.name.as_str(), case.result_label(), &reason]);
        }
        let result = single_line(&format!("{}: {}", verdict.title(), verdict.reason));
        let lines = verdict.sharing_findings().map(single_line).chain([result]);
        let fitted = lines.map(|line| match io::stdout().is_terminal() {
            true => line,
            false => wrap_indented(&line, usize::from(PLAIN_WIDTH)),
        });
        let text = fitted.collect::<Vec<_>>().join("\n");
        Self::print_data(&format!("{table}\n{text}\n"))
    }

    fn set_live_line(&self, text: &str) {
        self.bar.set_message(replace_hidden(&self.redactor.redact_text(text), &[]));
    }

    /// Ends the live line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line of the run above the live line. Texts from the cluster may have several lines, and secrets.
    fn print_line(&self, at_ms: u64, indentation: &str, text: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        let text = self.redactor.redact_text(text);
        let is_wrapped = self.bar.is_hidden() && self.verbosity == Verbosity::Normal;
        let width = if is_wrapped { usize::from(PLAIN_WIDTH) - PREFIX } else { usize::MAX };
        let lines = wrap(&text, width).join(&format!("\n{:PREFIX$}  ", ""));
        self.bar.suspend(|| Self::print_message(&format!("[{:>4}s] {indentation}{lines}", at_ms / 1000)));
    }

    /// Prints what happened within a phase.
    fn print_event(&self, text: &str) {
        let now = self.clock.now_ms();
        if let Ok(mut lines) = self.lines.lock() {
            lines.printed(now);
        }
        self.print_line(now, "  ", text);
    }
}

/// A table with this header.
pub(super) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_width(PLAIN_WIDTH);
    }
    table.set_header(header.to_vec());
    table
}

impl ProgressReporter for Console {
    fn phase_started(&self, phase: Phase, budget: HumanDuration) {
        let now = self.clock.now_ms();
        let Ok(mut lines) = self.lines.lock() else { return };
        let text = lines.begin_phase(now, phase, budget);
        // The live line too: this phase may have no status, and the status of the phase before is out of date.
        self.set_live_line(&text);
        self.print_line(now, "", &text);
    }

    fn message(&self, text: &str) {
        self.print_event(text);
    }

    fn step(&self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.print_event(text);
        }
        if let Ok(mut lines) = self.lines.lock() {
            lines.step(text);
        }
        self.set_live_line(text);
    }

    fn changed(&self, event: &ProgressEvent) {
        self.print_event(&event.to_string());
    }

    fn waiting(&self, status: &LiveStatus, reason: &WaitingReason) {
        let now = self.clock.now_ms();
        let Ok(mut lines) = self.lines.lock() else { return };
        self.set_live_line(&lines.live_line(now, status, reason));
        for line in lines.waiting(now, status, reason) {
            self.print_line(now, "  ", &line);
        }
    }

    fn tick(&self) {
        let now = self.clock.now_ms();
        let line = self.lines.lock().ok().and_then(|mut lines| lines.tick(now));
        line.into_iter().for_each(|line| self.print_line(now, "  ", &line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_replaces_the_live_line_of_the_one_before() {
        let console = Console::new(RunClock::start(), Verbosity::Quiet, Arc::default());
        console.phase_started(Phase::ScaleDown, HumanDuration::from_secs(60));
        console.phase_started(Phase::Cleanup, HumanDuration::from_secs(300));
        assert_eq!(console.bar.message(), "cleanup, at most 5m");
    }
}
