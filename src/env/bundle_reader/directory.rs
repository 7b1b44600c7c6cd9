//! Reads a bundle as a directory. Links and special files are rejected: a link may point outside the bundle.

use std::fs::{DirEntry, File};
use std::path::Path;

use super::{BundleReadError, FileIndex, entry_name};

/// Adds every file below the directory to the index.
pub(super) fn index_files(root: &Path, index: &mut FileIndex) -> Result<(), BundleReadError> {
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let dir = root.join(&prefix);
        for entry in std::fs::read_dir(&dir).map_err(|e| BundleReadError::read_error(&dir, e))? {
            let entry = entry.map_err(|e| BundleReadError::read_error(&dir, e))?;
            index_entry(root, &prefix, &entry, index, &mut pending)?;
        }
    }
    Ok(())
}

fn index_entry(
    root: &Path,
    prefix: &str,
    entry: &DirEntry,
    index: &mut FileIndex,
    pending: &mut Vec<String>,
) -> Result<(), BundleReadError> {
    let file_name = entry.file_name();
    let path = [prefix.as_bytes(), file_name.as_encoded_bytes()].concat();
    let name = entry_name::validate_name(&path).map_err(|reason| BundleReadError::invalid(root, reason))?;
    // Of the entry itself, not of the target of a link.
    let metadata = entry.metadata().map_err(|e| BundleReadError::read_error(&entry.path(), e))?;
    let added = if metadata.is_dir() {
        pending.push(format!("{name}/"));
        index.count_entry(name, 0)
    } else if metadata.is_file() {
        index.add_file(name, metadata.len())
    } else {
        Err(format!("`{name}` is not a regular file or directory"))
    };
    added.map_err(|reason| BundleReadError::invalid(root, reason))
}

/// Opens a file; checks again that it is a regular file, because it may have changed since it was listed.
pub(super) fn open_file(root: &Path, name: &str) -> Result<File, BundleReadError> {
    let path = root.join(name);
    let metadata = std::fs::symlink_metadata(&path).map_err(|e| BundleReadError::read_error(&path, e))?;
    if !metadata.is_file() {
        return Err(BundleReadError::invalid(root, format!("`{name}` is not a regular file or directory")));
    }
    File::open(&path).map_err(|e| BundleReadError::read_error(&path, e))
}
