//! A bundle as a folder. Links and special files are refused: a link may lead anywhere.

use std::fs::{DirEntry, File};
use std::path::Path;

use super::{BundleReadError, FileIndex, entry_name};

/// Notes every file below the folder.
pub(super) fn index_files(root: &Path, seen: &mut FileIndex) -> Result<(), BundleReadError> {
    let mut left = vec![String::new()];
    while let Some(prefix) = left.pop() {
        let dir = root.join(&prefix);
        for entry in std::fs::read_dir(&dir).map_err(|e| BundleReadError::read_error(&dir, e))? {
            let entry = entry.map_err(|e| BundleReadError::read_error(&dir, e))?;
            index_entry(root, &prefix, &entry, seen, &mut left)?;
        }
    }
    Ok(())
}

fn index_entry(
    root: &Path,
    prefix: &str,
    entry: &DirEntry,
    seen: &mut FileIndex,
    left: &mut Vec<String>,
) -> Result<(), BundleReadError> {
    let raw = entry.file_name();
    let path = [prefix.as_bytes(), raw.as_encoded_bytes()].concat();
    let name = entry_name::validate_name(&path).map_err(|what| BundleReadError::invalid(root, what))?;
    // Of the entry itself, not of what a link leads to.
    let facts = entry.metadata().map_err(|e| BundleReadError::read_error(&entry.path(), e))?;
    let noted = if facts.is_dir() {
        left.push(format!("{name}/"));
        seen.count_entry(name, 0)
    } else if facts.is_file() {
        seen.add_file(name, facts.len())
    } else {
        Err(format!("`{name}` is a link or a special file"))
    };
    noted.map_err(|what| BundleReadError::invalid(root, what))
}

/// A file to be read; what has become of it since it was listed is checked once more.
pub(super) fn open_file(root: &Path, name: &str) -> Result<File, BundleReadError> {
    let path = root.join(name);
    let facts = std::fs::symlink_metadata(&path).map_err(|e| BundleReadError::read_error(&path, e))?;
    if !facts.is_file() {
        return Err(BundleReadError::invalid(root, format!("`{name}` is a link or a special file")));
    }
    File::open(&path).map_err(|e| BundleReadError::read_error(&path, e))
}
