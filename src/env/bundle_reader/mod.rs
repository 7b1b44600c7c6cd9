//! Reads a bundle from an untrusted source: a directory, or a `.tar.zst` or `.tar` archive of one. Checks names, file
//! types, count and sizes before it reads a file; streams files, so that memory is bounded; never writes anything.

mod archive;
mod directory;
mod entry_name;
mod stdin;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::TarCompression;
use stdin::SpooledArchive;

/// The path that means an archive from stdin.
const STDIN: &str = "-";

/// Most files and directories of a bundle.
const MAX_ENTRIES: usize = 4096;
/// Most bytes of one file.
const MAX_FILE_BYTES: u64 = 2 << 30;
/// Most bytes of all files, decompressed.
const MAX_TOTAL_BYTES: u64 = 4 << 30;

/// Why a bundle was rejected.
#[derive(Debug, thiserror::Error)]
pub enum BundleReadError {
    /// It does not exist, or cannot be read.
    #[error("{path}: could not be read: {reason}")]
    Read {
        /// Path of the bundle.
        path: String,
        /// The error message of the system.
        reason: String,
    },
    /// It is neither a directory nor an archive.
    #[error("{path} is neither a directory nor a .tar or .tar.zst archive")]
    NotABundle {
        /// Path of the bundle.
        path: String,
    },
    /// It contains something that no bundle contains.
    #[error("{path}: {reason}")]
    Invalid {
        /// Path of the bundle.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl BundleReadError {
    fn read_error(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Read { path: path.display().to_string(), reason: reason.to_string() }
    }

    fn invalid(path: &Path, reason: impl Into<String>) -> Self {
        Self::Invalid { path: path.display().to_string(), reason: reason.into() }
    }
}

/// A bundle whose entries have been checked. Its files can be read repeatedly.
#[derive(Clone, Debug)]
pub(crate) struct BundleReader {
    path: PathBuf,
    format: BundleFormat,
    /// Prefix of every name in an archive: empty, or `directory/`.
    prefix: String,
    files: BTreeMap<String, u64>,
    /// Keeps the copy of an archive from stdin.
    _spooled: Option<Arc<SpooledArchive>>,
}

#[derive(Clone, Copy, Debug)]
enum BundleFormat {
    Directory,
    Archive(TarCompression),
}

impl BundleReader {
    /// Checks the bundle at `path`, or the archive from stdin if that is `-`. `marker` is the file that marks the root of the bundle within an archive.
    ///
    /// # Errors
    /// It cannot be read, is neither a directory nor an archive, or has a name, file type, count or size that no bundle
    /// has.
    pub(crate) fn open(path: &Path, marker: &str) -> Result<Self, BundleReadError> {
        if path.as_os_str() == STDIN {
            let spooled = SpooledArchive::copy_from(std::io::stdin().lock())?;
            let reader = Self::open_path(spooled.path(), marker)?;
            return Ok(Self { _spooled: Some(Arc::new(spooled)), ..reader });
        }
        Self::open_path(path, marker)
    }

    fn open_path(path: &Path, marker: &str) -> Result<Self, BundleReadError> {
        let metadata = std::fs::metadata(path).map_err(|e| BundleReadError::read_error(path, e))?;
        let mut index = FileIndex::default();
        if metadata.is_dir() {
            directory::index_files(path, &mut index)?;
            return Ok(Self {
                path: path.to_owned(),
                format: BundleFormat::Directory,
                prefix: String::new(),
                files: index.files,
                _spooled: None,
            });
        }
        if !metadata.is_file() {
            return Err(BundleReadError::NotABundle { path: path.display().to_string() });
        }
        let compression = archive::detect_compression(path)?;
        archive::walk_files::<BundleReadError>(path, compression, &mut index, |_, _| Ok(ControlFlow::Continue(())))?;
        let root = index.find_root(marker);
        let outside = index.files.keys().find(|name| !name.starts_with(&root));
        if let Some(outside) = outside {
            return Err(BundleReadError::invalid(
                path,
                format!("contains `{outside}` outside the bundle directory `{root}`"),
            ));
        }
        let files = index.files.into_iter().map(|(name, size)| (name[root.len()..].to_owned(), size)).collect();
        let format = BundleFormat::Archive(compression);
        Ok(Self { path: path.to_owned(), format, prefix: root, files, _spooled: None })
    }

    /// True for an archive, false for a directory.
    #[must_use]
    pub(crate) fn is_archive(&self) -> bool {
        matches!(self.format, BundleFormat::Archive(_))
    }

    /// Path of the bundle.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Paths of its files within the bundle, with their sizes in bytes.
    #[must_use]
    pub(crate) fn files(&self) -> &BTreeMap<String, u64> {
        &self.files
    }

    /// Calls `read_file` with every file, in no particular order, until it breaks.
    ///
    /// # Errors
    /// The bundle cannot be read, or `read_file` fails.
    pub(crate) fn for_each_file<E: From<BundleReadError>>(
        &self,
        mut read_file: impl FnMut(&str, &mut dyn Read) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        match self.format {
            BundleFormat::Directory => {
                for name in self.files.keys() {
                    let mut file = directory::open_file(&self.path, name)?;
                    if read_file(name, &mut file)?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
            BundleFormat::Archive(compression) => {
                archive::walk_files(&self.path, compression, &mut FileIndex::default(), |name, file| {
                    match name.strip_prefix(&self.prefix) {
                        Some(name) => read_file(name, file),
                        None => Ok(ControlFlow::Continue(())),
                    }
                })
            }
        }
    }
}

/// The entries so far, within the limits.
#[derive(Debug, Default)]
struct FileIndex {
    files: BTreeMap<String, u64>,
    entries: usize,
    bytes: u64,
}

impl FileIndex {
    /// Counts a directory or a file. Fails if a limit is exceeded.
    fn count_entry(&mut self, name: &str, size: u64) -> Result<(), String> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > MAX_ENTRIES {
            return Err(format!("contains more than {MAX_ENTRIES} files and directories"));
        }
        if size > MAX_FILE_BYTES {
            return Err(format!("`{name}` has {size} bytes; the limit is {MAX_FILE_BYTES}"));
        }
        if self.bytes > MAX_TOTAL_BYTES {
            return Err(format!("contains more than {MAX_TOTAL_BYTES} bytes"));
        }
        Ok(())
    }

    /// Adds a file. Fails if its name occurs twice.
    fn add_file(&mut self, name: &str, size: u64) -> Result<(), String> {
        self.count_entry(name, size)?;
        match self.files.insert(name.to_owned(), size) {
            None => Ok(()),
            Some(_) => Err(format!("contains `{name}` twice")),
        }
    }

    /// The directory of the topmost marker file.
    fn find_root(&self, marker: &str) -> String {
        let roots = self.files.keys().filter_map(|name| name.strip_suffix(marker));
        let directories = roots.filter(|root| root.is_empty() || root.ends_with('/'));
        directories.min_by_key(|root| root.matches('/').count()).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests;
