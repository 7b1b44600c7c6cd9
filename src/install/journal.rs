//! The journal file: a line before each change, a line after it, each synced to disk before the run continues.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::journal_limits::check_entries;
use crate::clock::RunClock;
use crate::env::{Bundle, BundleError, read_bounded_text};
use crate::model::journal::{ChangeState, JournalEntry, RunChange};
use crate::model::record_numbers::RecordNumbers;

const JOURNAL_FILE: &str = "journal.jsonl";

/// Largest journal that is read. A run writes some dozens of lines.
const MAX_JOURNAL_BYTES: u64 = 4 << 20;

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    bundle: Bundle,
    clock: RunClock,
    run: String,
    /// The run's clock when this process's clock started, milliseconds.
    offset_ms: u64,
    entries: Mutex<Vec<JournalEntry>>,
    is_from_file: bool,
}

impl Journal {
    /// The empty journal of a run.
    #[must_use]
    pub(crate) fn new(bundle: Bundle, clock: RunClock, run: &str) -> Self {
        Self { bundle, clock, run: run.to_owned(), offset_ms: 0, entries: Mutex::default(), is_from_file: false }
    }

    /// The journal of an interrupted run, to be continued.
    #[must_use]
    pub fn from_entries(bundle: Bundle, clock: RunClock, entries: Vec<JournalEntry>) -> Self {
        let run = entries.first().map(|entry| entry.run.clone()).unwrap_or_default();
        // This process has its own clock: it continues from the run's last entry, unless the run's start is known.
        let offset_ms = entries.last().map_or(0, |entry| entry.at_ms);
        Self { bundle, clock, run, offset_ms, entries: Mutex::new(entries), is_from_file: true }
    }

    /// The same journal, with times counted from the run's start by the wall clock.
    #[must_use]
    pub(crate) fn with_run_start(self, started: Timestamp) -> Self {
        let elapsed_ms = self.clock.wall_start().as_millisecond() - started.as_millisecond();
        // At least the last entry's time, in case the wall clock was set back.
        Self { offset_ms: u64::try_from(elapsed_ms).unwrap_or(0).max(self.offset_ms), ..self }
    }

    /// Whether another process wrote the first entries: they may be a stranger's, and are held against the cluster.
    pub(super) fn is_from_file(&self) -> bool {
        self.is_from_file
    }

    /// All entries so far.
    #[must_use]
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `f` with all entries so far.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&[JournalEntry]) -> T) -> T {
        f(&self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records the intent of a change, and returns the change's number.
    pub(super) fn record_intent(&self, change: RunChange) -> Result<u32, BundleError> {
        let number = self.entries().iter().map(|entry| entry.change + 1).max().unwrap_or(0);
        self.record_step(number, ChangeState::Intended(change))?;
        Ok(number)
    }

    /// Records the next state of a change.
    pub(super) fn record_step(&self, change: u32, state: ChangeState) -> Result<(), BundleError> {
        // Only error messages are redacted: `clean` finds objects by their names.
        let state = match state {
            ChangeState::Failed { error } => ChangeState::Failed { error: self.bundle.redactor().redact_text(&error) },
            ChangeState::UndoFailed { error } => {
                ChangeState::UndoFailed { error: self.bundle.redactor().redact_text(&error) }
            }
            other => other,
        };
        let entry = JournalEntry { run: self.run.clone(), change, at_ms: self.offset_ms + self.clock.now_ms(), state };
        let mut line = serde_json::to_vec(&entry)
            .map_err(|e| BundleError { path: JOURNAL_FILE.to_owned(), why: e.to_string() })?;
        line.push(b'\n');
        self.bundle.append_synced(JOURNAL_FILE, &line)?;
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }

    /// Records the result of a change, and returns it.
    pub(super) fn record_result<T, E: std::fmt::Display>(
        &self,
        change: u32,
        result: Result<T, E>,
        uid: impl FnOnce(&T) -> Option<String>,
    ) -> Result<Result<T, E>, BundleError> {
        let state = match &result {
            Ok(object) => ChangeState::Done { uid: uid(object) },
            Err(error) => ChangeState::Failed { error: error.to_string() },
        };
        self.record_step(change, state)?;
        Ok(result)
    }
}

/// Reads the journal of a bundle on disk. A last line that a crash truncated is left out: its change was not attempted.
///
/// # Errors
/// The file cannot be read, a line before the last is no journal entry, or no run writes such a journal.
pub fn read_journal(dir: &Path) -> Result<Vec<JournalEntry>, BundleError> {
    let path = dir.join(JOURNAL_FILE);
    let read_error = |why: String| BundleError { path: path.display().to_string(), why };
    let text = read_bounded_text(&path, MAX_JOURNAL_BYTES).map_err(read_error)?;
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let numbers = RecordNumbers::of_file(JOURNAL_FILE);
    let entry = |(n, line): (usize, &str)| {
        let parsed = numbers.check(line.as_bytes()).and_then(|()| serde_json::from_str(line));
        parsed.map_err(|e| read_error(format!("line {}: {e}", n + 1)))
    };
    let lines = complete.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let entries = lines.map(entry).collect::<Result<Vec<_>, _>>()?;
    check_entries(&entries).map_err(read_error)?;
    Ok(entries)
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
