//! A bundle as a folder. Links and special files are refused: a link may lead anywhere.

use std::fs::{DirEntry, File};
use std::path::Path;

use super::{IntakeError, Seen, name};

/// Notes every file below the folder.
pub(super) fn list(root: &Path, seen: &mut Seen) -> Result<(), IntakeError> {
    let mut left = vec![String::new()];
    while let Some(prefix) = left.pop() {
        let dir = root.join(&prefix);
        for entry in std::fs::read_dir(&dir).map_err(|e| IntakeError::read(&dir, e))? {
            let entry = entry.map_err(|e| IntakeError::read(&dir, e))?;
            note(root, &prefix, &entry, seen, &mut left)?;
        }
    }
    Ok(())
}

fn note(
    root: &Path,
    prefix: &str,
    entry: &DirEntry,
    seen: &mut Seen,
    left: &mut Vec<String>,
) -> Result<(), IntakeError> {
    let raw = entry.file_name();
    let path = [prefix.as_bytes(), raw.as_encoded_bytes()].concat();
    let name = name::checked(&path).map_err(|what| IntakeError::refused(root, what))?;
    // Of the entry itself, not of what a link leads to.
    let facts = entry.metadata().map_err(|e| IntakeError::read(&entry.path(), e))?;
    let noted = if facts.is_dir() {
        left.push(format!("{name}/"));
        seen.count(name, 0)
    } else if facts.is_file() {
        seen.file(name, facts.len())
    } else {
        Err(format!("`{name}` is a link or a special file"))
    };
    noted.map_err(|what| IntakeError::refused(root, what))
}

/// A file to be read; what has become of it since it was listed is checked once more.
pub(super) fn open(root: &Path, name: &str) -> Result<File, IntakeError> {
    let path = root.join(name);
    let facts = std::fs::symlink_metadata(&path).map_err(|e| IntakeError::read(&path, e))?;
    if !facts.is_file() {
        return Err(IntakeError::refused(root, format!("`{name}` is a link or a special file")));
    }
    File::open(&path).map_err(|e| IntakeError::read(&path, e))
}
