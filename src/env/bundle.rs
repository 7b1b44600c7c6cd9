//! Writes the bundle: the directory with the evidence of a run. Files are appended to during the run, so that a crash
//! leaves a readable bundle.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::redactor::Redactor;

/// Evidence that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write evidence to {path}: {why}")]
pub struct BundleError {
    /// The file.
    pub path: String,
    /// The error message of the system.
    pub(crate) why: String,
}

/// A bundle on disk. Clones share its files.
#[derive(Clone, Debug)]
pub struct Bundle {
    dir: Arc<PathBuf>,
    open_files: Arc<Mutex<BTreeMap<String, File>>>,
    redactor: Arc<Redactor>,
    durability: WriteDurability,
    /// Bytes that may still be written: tests and simulated runs use it as a full disk.
    bytes_left: Arc<AtomicU64>,
}

/// Durability of written files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteDurability {
    /// Files that must survive a crash of the machine are synced to disk before the run continues.
    Synced,
    /// Files are written without sync.
    Unsynced,
    /// Nothing is written.
    Discarded,
}

impl Bundle {
    /// Creates the directory. Fails if it exists and is not empty, so that two runs never share one.
    pub fn create(dir: &Path) -> Result<Self, BundleError> {
        let wrong = |why: String| BundleError { path: dir.display().to_string(), why };
        std::fs::create_dir_all(dir).map_err(|e| wrong(e.to_string()))?;
        if std::fs::read_dir(dir).map_err(|e| wrong(e.to_string()))?.next().is_some() {
            return Err(wrong("the directory is not empty; choose another with --report-dir".to_owned()));
        }
        Ok(Self::open(dir))
    }

    /// An existing directory: `clean` adds to the bundle of an interrupted run.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self {
            dir: Arc::new(dir.to_owned()),
            open_files: Arc::default(),
            redactor: Arc::default(),
            durability: WriteDurability::Synced,
            bytes_left: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// A bundle that writes nothing, for runs whose evidence is not needed.
    #[must_use]
    pub(crate) fn discarding() -> Self {
        Self { durability: WriteDurability::Discarded, ..Self::open(Path::new("")) }
    }

    /// The same bundle, with this redactor.
    #[must_use]
    pub fn with_redactor(self, redactor: Redactor) -> Self {
        Self { redactor: Arc::new(redactor), ..self }
    }

    /// The same bundle, without sync: for evidence that can be produced again at any time.
    #[must_use]
    pub fn without_sync(self) -> Self {
        Self { durability: WriteDurability::Unsynced, ..self }
    }

    /// The same bundle on a disk that has space for `bytes` bytes.
    #[must_use]
    pub(crate) fn with_byte_limit(self, bytes: u64) -> Self {
        Self { bytes_left: Arc::new(AtomicU64::new(bytes)), ..self }
    }

    /// The redactor, to be applied to all data before it is judged and written.
    #[must_use]
    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// The directory.
    #[must_use]
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether this folder of the bundle has a file. A write that failed can leave folders alone, which no manifest lists.
    #[must_use]
    pub(crate) fn has_files_in(&self, folder: &str) -> bool {
        fn has_file(path: &Path) -> bool {
            let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
            entries.map(|entry| entry.path()).any(|path| !path.is_dir() || has_file(&path))
        }
        has_file(&self.dir.join(folder))
    }

    /// Name of a file while it is written.
    #[must_use]
    pub(crate) fn new_file_name(name: &str) -> String {
        format!(".{name}.new")
    }

    /// Writes a file atomically: a reader sees the old content or the new one.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        if self.durability == WriteDurability::Discarded {
            return Ok(());
        }
        let path = self.dir.join(name);
        let write = || {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let new = path.with_file_name(Self::new_file_name(&path.file_name().unwrap_or_default().to_string_lossy()));
            let mut file = File::create(&new)?;
            let written = self
                .write_within_limit(&mut file, bytes)
                .and_then(|()| if self.durability == WriteDurability::Synced { file.sync_all() } else { Ok(()) });
            written.and_then(|()| std::fs::rename(&new, &path)).inspect_err(|_| {
                // Half a file, on a full disk, is useless. If removing it fails too, the first error is reported.
                let _ = std::fs::remove_file(&new);
            })
        };
        write().map_err(|e| self.write_error(name, &e))
    }

    /// Appends bytes to a file.
    pub(crate) fn append(&self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.append_atomically(name, bytes, false)
    }

    /// Appends bytes and syncs them to disk: for records that must survive a crash.
    pub(crate) fn append_synced(&self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.append_atomically(name, bytes, self.durability == WriteDurability::Synced)
    }

    /// Appends all bytes or none: half a line, left by a full disk, would corrupt the lines after it.
    fn append_atomically(&self, name: &str, bytes: &[u8], sync: bool) -> Result<(), BundleError> {
        if self.durability == WriteDurability::Discarded {
            return Ok(());
        }
        let mut open = self.open_files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let file = OpenOptions::new().create(true).append(true).open(self.dir.join(name));
                entry.insert(file.map_err(|e| self.write_error(name, &e))?)
            }
        };
        let length = file.metadata().map_err(|e| self.write_error(name, &e))?.len();
        let written = self.write_within_limit(file, bytes).and_then(|()| if sync { file.sync_data() } else { Ok(()) });
        written.map_err(|e| {
            // If this fails too, the first error is reported.
            let _ = file.set_len(length);
            self.write_error(name, &e)
        })
    }

    /// Writes as many bytes as the limit allows; bytes that do not fit completely do not count.
    fn write_within_limit(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let whole = |bytes_left: u64| bytes_left.checked_sub(bytes.len() as u64);
        match self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, whole) {
            Ok(_) => file.write_all(bytes),
            Err(bytes_left) => {
                file.write_all(&bytes[..usize::try_from(bytes_left).unwrap_or(bytes.len())])?;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    fn write_error(&self, name: &str, why: &io::Error) -> BundleError {
        BundleError { path: self.dir.join(name).display().to_string(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_write_is_rolled_back() {
        let dir = std::env::temp_dir().join(format!("gpuhpa-bundle-{}", std::process::id()));
        let bundle = Bundle::create(&dir).unwrap().with_byte_limit(10);
        bundle.append("journal.jsonl", b"one\n").unwrap();
        let failed = bundle.append("journal.jsonl", b"a longer line\n").unwrap_err();
        assert!(failed.to_string().starts_with("could not write evidence to"), "{failed}");
        bundle.append_synced("journal.jsonl", b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("journal.jsonl")).unwrap(), "one\nthree\n");
        bundle.write_file("verdict.json", b"{}").unwrap_err();
        assert!(!dir.join("verdict.json").exists() && !dir.join(".verdict.json.new").exists());
        let bundle = bundle.with_byte_limit(100);
        // A directory of that name makes the rename fail.
        std::fs::create_dir(dir.join("verdict.json")).unwrap();
        bundle.write_file("verdict.json", b"{}").unwrap_err();
        assert!(!dir.join(".verdict.json.new").exists());
        // A folder without a file.
        bundle.write_file("diagnostics/a/b", &[0; 1000]).unwrap_err();
        assert!(dir.join("diagnostics/a").is_dir() && !bundle.has_files_in("diagnostics"));
        bundle.write_file("diagnostics/a/b", b"log").unwrap();
        assert!(bundle.has_files_in("diagnostics"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
