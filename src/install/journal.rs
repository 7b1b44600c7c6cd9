//! The journal file: a line before a change is tried, a line after it, each on the disk before anything goes on.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::RunClock;
use crate::env::{Bundle, BundleError};
use crate::model::journal::{ChangeState, JournalEntry, RunChange};

const JOURNAL_FILE: &str = "journal.jsonl";

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    bundle: Bundle,
    clock: RunClock,
    run: String,
    /// What the run's clock showed when ours was started, milliseconds.
    offset_ms: u64,
    entries: Mutex<Vec<JournalEntry>>,
}

impl Journal {
    /// The empty journal of a run.
    #[must_use]
    pub fn new(bundle: Bundle, clock: RunClock, run: &str) -> Self {
        Self { bundle, clock, run: run.to_owned(), offset_ms: 0, entries: Mutex::default() }
    }

    /// The journal of an interrupted run, to be gone on with.
    #[must_use]
    pub fn from_entries(bundle: Bundle, clock: RunClock, entries: Vec<JournalEntry>) -> Self {
        let run = entries.first().map(|entry| entry.run.clone()).unwrap_or_default();
        // A clock of another process: it goes on where the run's stood last, unless more is known.
        let since_ms = entries.last().map_or(0, |entry| entry.at_ms);
        Self { bundle, clock, run, offset_ms: since_ms, entries: Mutex::new(entries) }
    }

    /// The same journal, of a run that began then by the wall clock: times go on counting from there.
    #[must_use]
    pub fn with_run_start(self, started: Timestamp) -> Self {
        let since = self.clock.wall_start().as_millisecond() - started.as_millisecond();
        // A wall clock that was set back since: no line may come before the last.
        Self { offset_ms: u64::try_from(since).unwrap_or(0).max(self.offset_ms), ..self }
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at all entries so far.
    pub fn read<T>(&self, look: impl FnOnce(&[JournalEntry]) -> T) -> T {
        look(&self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down a change that is about to be tried, and gives it a number.
    pub(super) fn record_intent(&self, change: RunChange) -> Result<u32, BundleError> {
        let number = self.entries().iter().map(|entry| entry.change + 1).max().unwrap_or(0);
        self.record_step(number, ChangeState::Intended(change))?;
        Ok(number)
    }

    /// Writes down what became of a change.
    pub(super) fn record_step(&self, change: u32, step: ChangeState) -> Result<(), BundleError> {
        // Nothing but the words of others is covered: by the names `clean` has to find what was made.
        let step = match step {
            ChangeState::Failed { error } => ChangeState::Failed { error: self.bundle.redactor().redact_text(&error) },
            ChangeState::UndoFailed { error } => {
                ChangeState::UndoFailed { error: self.bundle.redactor().redact_text(&error) }
            }
            other => other,
        };
        let entry =
            JournalEntry { run: self.run.clone(), change, at_ms: self.offset_ms + self.clock.now_ms(), state: step };
        let mut line = serde_json::to_vec(&entry)
            .map_err(|e| BundleError { path: JOURNAL_FILE.to_owned(), why: e.to_string() })?;
        line.push(b'\n');
        self.bundle.append_synced(JOURNAL_FILE, &line)?;
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }

    /// Writes down how a try ended, and hands the result on.
    pub(super) fn record_result<T, E: std::fmt::Display>(
        &self,
        change: u32,
        result: Result<T, E>,
        uid: impl FnOnce(&T) -> Option<String>,
    ) -> Result<Result<T, E>, BundleError> {
        let step = match &result {
            Ok(made) => ChangeState::Done { uid: uid(made) },
            Err(error) => ChangeState::Failed { error: error.to_string() },
        };
        self.record_step(change, step)?;
        Ok(result)
    }
}

/// The journal of a bundle on disk. A last line that was cut by a crash is left out: what it spoke of was not tried.
///
/// # Errors
/// The file cannot be read, or a line before the last is no journal entry.
pub fn read_journal(dir: &Path) -> Result<Vec<JournalEntry>, BundleError> {
    let path = dir.join(JOURNAL_FILE);
    let wrong = |why: String| BundleError { path: path.display().to_string(), why };
    let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let entry =
        |(n, line): (usize, &str)| serde_json::from_str(line).map_err(|e| wrong(format!("line {}: {e}", n + 1)));
    whole.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::ReleaseRef;

    #[tokio::test(start_paused = true)]
    async fn a_journal_reads_back_and_a_cut_last_line_is_left_out() {
        let dir = std::env::temp_dir().join(format!("gpuhpa-journal-{}", std::process::id()));
        let bundle = Bundle::create(&dir).unwrap();
        let journal = Journal::new(bundle.clone(), RunClock::start(), "1");
        let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
        let change = journal.record_intent(RunChange::HelmInstall(release.into())).unwrap();
        let failed: Result<(), String> = Err("no route".to_owned());
        assert!(journal.record_result(change, failed, |()| None).unwrap().is_err());
        bundle.append("journal.jsonl", b"{\"change\":1,\"at").unwrap();
        let read = read_journal(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(read, journal.entries());
        assert_eq!(read[1].state, ChangeState::Failed { error: "no route".to_owned() });
    }
}
