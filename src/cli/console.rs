//! The console: data on stdout, words on stderr. A terminal gets a live line; anything else gets plain lines, one a
//! phase and one every ten seconds. Nothing else in the program prints.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Exit;
use crate::clock::Clock;
use crate::judge::Picture;
use crate::record::observation::Phase;
use crate::record::verdict::{CaseResult, Verdict};
use crate::run::Progress;
use crate::units::Span;
use crate::world::Cover;

/// Without a terminal, a line of the run's state at most this often.
const PLAIN_EVERY_MS: u64 = 10_000;

/// How much is said on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loudness {
    /// Errors and the result only (`-q`).
    Quiet,
    /// Phases and the state of the run.
    Normal,
    /// Everything (`-v`).
    Verbose,
}

/// The console of one run.
pub struct Console {
    clock: Clock,
    cover: Arc<Cover>,
    loudness: Loudness,
    bar: ProgressBar,
    at: Mutex<At>,
}

/// Where the run is.
#[derive(Clone, Copy, Default)]
struct At {
    phase: Option<Phase>,
    began_ms: u64,
    budget: Span,
    told_ms: u64,
}

impl Console {
    pub(super) fn new(clock: Clock, loudness: Loudness, cover: Arc<Cover>) -> Self {
        let live = loudness != Loudness::Quiet && std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if live {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { clock, cover, loudness, bar, at: Mutex::default() }
    }

    /// Data for programs or for a file, on stdout. A reader that has gone away is no error.
    pub(super) fn data(text: &str) -> Exit {
        // A closed pipe is the reader's choice.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Exit::Ok
    }

    /// A line for people, on stderr.
    pub(super) fn say(text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// An error with its hint, and the exit code that goes with it.
    pub(super) fn error(text: &str, hint: Option<&str>, exit: Exit) -> Exit {
        Self::say(&format!("error: {text}"));
        if let Some(hint) = hint {
            Self::say(&format!("  hint: {hint}"));
        }
        exit
    }

    /// What clap has to say: help and version are data, the rest is a usage error.
    pub(super) fn usage(error: &clap::Error) -> Exit {
        let _ = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Ok }
    }

    /// Asks on a terminal whether to go on. `None` without one, or when nothing can be read there.
    pub(super) async fn ask(question: &str) -> Option<bool> {
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
    pub(super) fn verdict(verdict: &Verdict) -> Exit {
        let mut table = table(&["case", "result", "why"]);
        for case in &verdict.cases {
            let why = if case.result == CaseResult::Pass { String::new() } else { case.reason.clone() };
            table.add_row([case.name.as_str(), case.result.word(), &why]);
        }
        Self::data(&plain(&format!("{table}\n{}: {}\n", verdict.title(), verdict.reason)))
    }

    /// Ends the live line.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self, text: &str) {
        self.bar.suspend(|| Self::say(&self.cover.text(text)));
    }
}

/// Text whose parts come from a cluster or from a bundle, without what would steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A table for people.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        // A file or a pipeline's log has no width of its own.
        table.set_width(120);
    }
    table.set_header(header.to_vec());
    table
}

impl Progress for Console {
    fn phase(&self, phase: Phase, budget: Span) {
        let now = self.clock.now_ms();
        if let Ok(mut at) = self.at.lock() {
            *at = At { phase: Some(phase), began_ms: now, budget, told_ms: now };
        }
        let text = format!("{}, at most {budget}", phase.name());
        // The live line too: nothing else may be told in this phase, and the words of the one before are over.
        self.bar.set_message(text.clone());
        if self.loudness != Loudness::Quiet {
            self.tell(&format!("[{}] {text}", seconds(now)));
        }
    }

    fn line(&self, text: &str) {
        if self.loudness != Loudness::Quiet {
            self.tell(&format!("[{}]   {text}", seconds(self.clock.now_ms())));
        }
    }

    fn live(&self, picture: &Picture, waiting: &str) {
        let now = self.clock.now_ms();
        let Ok(mut at) = self.at.lock() else { return };
        let plain = self.bar.is_hidden() && self.loudness != Loudness::Quiet;
        let every = if self.loudness == Loudness::Verbose { 1000 } else { PLAIN_EVERY_MS };
        let due = plain && now >= at.told_ms + every;
        if self.bar.is_hidden() && !due {
            return;
        }
        let name = at.phase.map_or("", Phase::name);
        let left = Span::from_ms((at.began_ms + at.budget.ms()).saturating_sub(now) / 1000 * 1000);
        let (state, waiting) = (state(picture), self.cover.text(waiting));
        self.bar.set_message(format!("{name} ({left} left)  {state}  {waiting}"));
        if due {
            at.told_ms = now;
            Self::say(&format!("[{}]   {state}  {waiting}", seconds(now)));
        }
    }
}

fn state(picture: &Picture) -> String {
    let shown = |value: Option<crate::units::Milli>| value.map_or("-".to_owned(), |value| value.to_string());
    let mut text = format!(
        "replicas {}/{}  metric {} of {}",
        picture.ready,
        picture.desired,
        shown(picture.metric),
        shown(picture.target)
    );
    if let Some(why) = &picture.unreadable {
        text = format!("{text} (not readable: {why})");
    }
    if let Some(rate) = picture.rate {
        let ttft = picture.ttft_ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        text = format!("{text}  {rate:.1} req/s  TTFT {ttft}");
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{:>4}s", ms / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_ends_the_words_of_the_one_before() {
        let console = Console::new(Clock::start(), Loudness::Quiet, Arc::default());
        console.phase(Phase::Fall, Span::from_secs(60));
        console.phase(Phase::Cleanup, Span::from_secs(300));
        assert_eq!(console.bar.message(), "cleanup, at most 5m");
    }
}
