//! Checks of the files in the requirement's directory, whether cited or not.

use std::path::Path;

use super::super::{COPIED_FILES, FORCED_MARK, PLACEHOLDER, REQUIREMENT_DIR};
use super::SubmissionValidator;
use crate::env::read_named_file;
use crate::model::manifest::{MANIFEST_FILE, Manifest, sha256_hex};

/// Largest file, bytes. An artifact of a whole upstream suite has a few megabytes.
const MAX_FILE: u64 = 256 << 20;

impl SubmissionValidator<'_> {
    /// Compares the files copied from the bundle with its manifest, if the submission has one.
    pub(super) fn check_manifest(&mut self) {
        let name = |name: &str| format!("{REQUIREMENT_DIR}/{name}");
        let Ok(text) = read_bytes(self.dir, &name(MANIFEST_FILE)) else { return };
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(error) => {
                return self.add_finding_in(name(MANIFEST_FILE), "manifest", error.to_string());
            }
        };
        for copied in COPIED_FILES {
            let actual = read_bytes(self.dir, &name(copied)).map(|bytes| sha256_hex(&bytes));
            if let (Ok(actual), Some(listed)) = (actual, manifest.files.get(copied))
                && actual != *listed
            {
                let message = format!("its sha256 is {actual}, but the bundle's manifest has {listed}");
                self.add_finding_in(name(copied), "altered", message);
            }
        }
    }

    /// Finds forced exports, and placeholders that the submitter has to replace.
    pub(super) fn check_folder(&mut self) {
        let Ok(entries) = std::fs::read_dir(self.dir.join(REQUIREMENT_DIR)) else { return };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| format!("{REQUIREMENT_DIR}/{}", entry.file_name().to_string_lossy()))
            .collect();
        names.push("PRODUCT.yaml".to_owned());
        names.sort();
        for name in names {
            let Ok(bytes) = read_bytes(self.dir, &name) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if text.contains(FORCED_MARK) {
                self.add_finding_in(name.clone(), "forced", "it was exported with --force");
            }
            let count = text.matches(PLACEHOLDER).count();
            if count > 0 {
                self.report.notes.push(format!("{name}: {count} placeholders left to replace: {PLACEHOLDER}"));
            }
        }
    }
}

/// Reads a file in the product's directory.
pub(super) fn read_bytes(dir: &Path, name: &str) -> Result<Vec<u8>, String> {
    read_named_file(&dir.join(name), MAX_FILE).map_err(|e| format!("could not read {name}: {e}"))
}
