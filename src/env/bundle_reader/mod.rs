//! A bundle that somebody handed over: a folder, or a `.tar.zst` or `.tar` of one. Nothing about it is trusted. Names,
//! kinds, count and sizes are checked before anything is read; files are read in streams, so that memory is bounded
//! whatever they hold; nothing is ever written.

mod archive;
mod directory;
mod entry_name;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use archive::TarCompression;

/// Files and folders of one bundle at most.
const MAX_ENTRIES: usize = 4096;
/// Bytes of one file at most.
const MAX_FILE_BYTES: u64 = 2 << 30;
/// Bytes of all files at most, unpacked.
const MAX_TOTAL_BYTES: u64 = 4 << 30;

/// Why a bundle was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum BundleReadError {
    /// It is not there, or may not be read.
    #[error("{path}: could not be read: {why}")]
    Read {
        /// Where.
        path: String,
        /// The system's words.
        why: String,
    },
    /// It is something else.
    #[error("{path} is neither a folder nor a .tar.zst or .tar of one")]
    NotABundle {
        /// Where.
        path: String,
    },
    /// It holds what no bundle holds.
    #[error("{path}: {what}")]
    Invalid {
        /// Where.
        path: String,
        /// What.
        what: String,
    },
}

impl BundleReadError {
    fn read_error(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Read { path: path.display().to_string(), why: why.to_string() }
    }

    fn invalid(path: &Path, what: impl Into<String>) -> Self {
        Self::Invalid { path: path.display().to_string(), what: what.into() }
    }
}

/// A bundle that was looked through, and may be read as often as it takes.
#[derive(Clone, Debug)]
pub struct BundleReader {
    path: PathBuf,
    format: BundleFormat,
    /// What stands before every name in an archive: `` or `folder/`.
    prefix: String,
    files: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug)]
enum BundleFormat {
    Folder,
    Archive(TarCompression),
}

impl BundleReader {
    /// Looks through what lies at `path`. `mark` is the file that tells the root of the bundle within an archive.
    ///
    /// # Errors
    /// It cannot be read, is no folder and no archive, or holds a name, a kind of file, a count or a size that no bundle
    /// has.
    pub fn open(path: &Path, mark: &str) -> Result<Self, BundleReadError> {
        let facts = std::fs::metadata(path).map_err(|e| BundleReadError::read_error(path, e))?;
        let mut seen = FileIndex::default();
        if facts.is_dir() {
            directory::index_files(path, &mut seen)?;
            return Ok(Self {
                path: path.to_owned(),
                format: BundleFormat::Folder,
                prefix: String::new(),
                files: seen.files,
            });
        }
        if !facts.is_file() {
            return Err(BundleReadError::NotABundle { path: path.display().to_string() });
        }
        let packing = archive::detect_compression(path)?;
        archive::walk_files::<BundleReadError>(path, packing, &mut seen, |_, _| Ok(ControlFlow::Continue(())))?;
        let root = seen.find_root(mark);
        let strange = seen.files.keys().find(|name| !name.starts_with(&root));
        if let Some(strange) = strange {
            return Err(BundleReadError::invalid(path, format!("it holds `{strange}` beside the bundle `{root}`")));
        }
        let files = seen.files.into_iter().map(|(name, size)| (name[root.len()..].to_owned(), size)).collect();
        Ok(Self { path: path.to_owned(), format: BundleFormat::Archive(packing), prefix: root, files })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files by their paths within the bundle, with their sizes in bytes.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, u64> {
        &self.files
    }

    /// Reads every file in turn, in no order that means anything, until `take` has had enough.
    ///
    /// # Errors
    /// The bundle cannot be read, or `take` fails.
    pub fn for_each_file<E: From<BundleReadError>>(
        &self,
        mut take: impl FnMut(&str, &mut dyn Read) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        match self.format {
            BundleFormat::Folder => {
                for name in self.files.keys() {
                    let mut file = directory::open_file(&self.path, name)?;
                    if take(name, &mut file)?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
            BundleFormat::Archive(packing) => {
                archive::walk_files(&self.path, packing, &mut FileIndex::default(), |name, file| {
                    match name.strip_prefix(&self.prefix) {
                        Some(name) => take(name, file),
                        None => Ok(ControlFlow::Continue(())),
                    }
                })
            }
        }
    }
}

/// What was found so far, within the bounds.
#[derive(Debug, Default)]
struct FileIndex {
    files: BTreeMap<String, u64>,
    entries: usize,
    bytes: u64,
}

impl FileIndex {
    /// Counts a folder or a file; what is wrong, if it is too much.
    fn count_entry(&mut self, name: &str, size: u64) -> Result<(), String> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > MAX_ENTRIES {
            return Err(format!("it holds more than {MAX_ENTRIES} files and folders"));
        }
        if size > MAX_FILE_BYTES {
            return Err(format!("`{name}` holds {size} bytes; {MAX_FILE_BYTES} is the limit"));
        }
        if self.bytes > MAX_TOTAL_BYTES {
            return Err(format!("its files hold more than {MAX_TOTAL_BYTES} bytes"));
        }
        Ok(())
    }

    /// Notes a file; a name may come once.
    fn add_file(&mut self, name: &str, size: u64) -> Result<(), String> {
        self.count_entry(name, size)?;
        match self.files.insert(name.to_owned(), size) {
            None => Ok(()),
            Some(_) => Err(format!("it holds `{name}` twice")),
        }
    }

    /// What stands before the mark that lies nearest to the top.
    fn find_root(&self, mark: &str) -> String {
        let roots = self.files.keys().filter_map(|name| name.strip_suffix(mark));
        let whole = roots.filter(|root| root.is_empty() || root.ends_with('/'));
        whole.min_by_key(|root| root.matches('/').count()).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests;
