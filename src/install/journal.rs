//! The journal file: a line before a change is tried, a line after it, each on the disk before anything goes on.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::record::journal::{Change, Entry, Step};
use crate::world::{Bundle, BundleError};

const FILE: &str = "journal.jsonl";

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    bundle: Bundle,
    clock: Clock,
    run: String,
    /// What the run's clock showed when ours was started, milliseconds.
    since_ms: u64,
    entries: Mutex<Vec<Entry>>,
}

impl Journal {
    /// The empty journal of a run.
    #[must_use]
    pub fn new(bundle: Bundle, clock: Clock, run: &str) -> Self {
        Self { bundle, clock, run: run.to_owned(), since_ms: 0, entries: Mutex::default() }
    }

    /// The journal of an interrupted run, to be gone on with.
    #[must_use]
    pub fn resumed(bundle: Bundle, clock: Clock, entries: Vec<Entry>) -> Self {
        let run = entries.first().map(|entry| entry.run.clone()).unwrap_or_default();
        // A clock of another process: it goes on where the run's stood last, unless more is known.
        let since_ms = entries.last().map_or(0, |entry| entry.at_ms);
        Self { bundle, clock, run, since_ms, entries: Mutex::new(entries) }
    }

    /// The same journal, of a run that began then by the wall clock: times go on counting from there.
    #[must_use]
    pub fn of_run_begun(self, started: Timestamp) -> Self {
        let since = self.clock.started().as_millisecond() - started.as_millisecond();
        // A wall clock that was set back since: no line may come before the last.
        Self { since_ms: u64::try_from(since).unwrap_or(0).max(self.since_ms), ..self }
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at all entries so far.
    pub fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down a change that is about to be tried, and gives it a number.
    pub(super) fn intend(&self, change: Change) -> Result<u32, BundleError> {
        let number = self.entries().iter().map(|entry| entry.change + 1).max().unwrap_or(0);
        self.write(number, Step::Intended(change))?;
        Ok(number)
    }

    /// Writes down what became of a change.
    pub(super) fn write(&self, change: u32, step: Step) -> Result<(), BundleError> {
        // Nothing but the words of others is covered: by the names `clean` has to find what was made.
        let step = match step {
            Step::Failed { error } => Step::Failed { error: self.bundle.cover().text(&error) },
            Step::NotUndone { error } => Step::NotUndone { error: self.bundle.cover().text(&error) },
            other => other,
        };
        let entry = Entry { run: self.run.clone(), change, at_ms: self.since_ms + self.clock.now_ms(), step };
        let mut line =
            serde_json::to_vec(&entry).map_err(|e| BundleError { path: FILE.to_owned(), why: e.to_string() })?;
        line.push(b'\n');
        self.bundle.append_synced(FILE, &line)?;
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }

    /// Writes down how a try ended, and hands the result on.
    pub(super) fn close<T, E: std::fmt::Display>(
        &self,
        change: u32,
        result: Result<T, E>,
        uid: impl FnOnce(&T) -> Option<String>,
    ) -> Result<Result<T, E>, BundleError> {
        let step = match &result {
            Ok(made) => Step::Done { uid: uid(made) },
            Err(error) => Step::Failed { error: error.to_string() },
        };
        self.write(change, step)?;
        Ok(result)
    }
}

/// The journal of a bundle on disk. A last line that was cut by a crash is left out: what it spoke of was not tried.
///
/// # Errors
/// The file cannot be read, or a line before the last is no journal entry.
pub fn read_journal(dir: &Path) -> Result<Vec<Entry>, BundleError> {
    let path = dir.join(FILE);
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
    use crate::record::journal::ReleaseRef;

    #[tokio::test(start_paused = true)]
    async fn a_journal_reads_back_and_a_cut_last_line_is_left_out() {
        let dir = std::env::temp_dir().join(format!("gpuhpa-journal-{}", std::process::id()));
        let bundle = Bundle::create(&dir).unwrap();
        let journal = Journal::new(bundle.clone(), Clock::start(), "1");
        let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
        let change = journal.intend(Change::HelmInstall(release.into())).unwrap();
        let failed: Result<(), String> = Err("no route".to_owned());
        assert!(journal.close(change, failed, |()| None).unwrap().is_err());
        bundle.append("journal.jsonl", b"{\"change\":1,\"at").unwrap();
        let read = read_journal(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(read, journal.entries());
        assert_eq!(read[1].step, Step::Failed { error: "no route".to_owned() });
    }
}
