//! What lies in the folder of the requirement, besides what the entry cites.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::{COPIED_FILES, FORCED_MARK, MANIFEST_FILE, PLACEHOLDER, REQUIREMENT_DIR};
use super::{RuleOrigin, SubmissionValidator};
use crate::evidence::manifest::hexadecimal;
use crate::model::manifest::Manifest;

/// Bytes of a file at most: an artifact of a whole upstream suite has some megabytes.
const MAX_FILE: u64 = 256 << 20;

impl SubmissionValidator<'_> {
    /// What was taken over from the bundle is as its manifest has it, where that was handed in too.
    pub(super) fn check_manifest(&mut self) {
        let name = |name: &str| format!("{REQUIREMENT_DIR}/{name}");
        let Ok(text) = read_bytes(self.dir, &name(MANIFEST_FILE)) else { return };
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(error) => {
                return self.add_finding_in(name(MANIFEST_FILE), RuleOrigin::Reviewer, "manifest", error.to_string());
            }
        };
        for taken in COPIED_FILES {
            let there = read_bytes(self.dir, &name(taken)).map(|bytes| hexadecimal(&Sha256::digest(bytes)));
            if let (Ok(there), Some(listed)) = (there, manifest.files.get(taken))
                && there != *listed
            {
                let what = format!(
                    "it is not what the bundle's manifest names: its sha256 is {there}, and {listed} is listed"
                );
                self.add_finding_in(name(taken), RuleOrigin::Reviewer, "altered", what);
            }
        }
    }

    /// What stands in the files themselves: a forced export, and what is left to state.
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
                self.add_finding_in(
                    name.clone(),
                    RuleOrigin::Reviewer,
                    "forced",
                    "it was exported in spite of what it says there",
                );
            }
            let open = text.matches(PLACEHOLDER).count();
            if open > 0 {
                self.report.notes.push(format!("{name}: {open} places are left to state: {PLACEHOLDER}"));
            }
        }
    }
}

/// A file within the product's folder.
pub(super) fn read_bytes(dir: &Path, name: &str) -> Result<Vec<u8>, String> {
    let wrong = |e: std::io::Error| format!("{name} could not be read: {e}");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(dir.join(name)).map_err(wrong)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(wrong)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(format!("{name} holds more than {MAX_FILE} bytes")),
        false => Ok(bytes),
    }
}

/// The same as text.
pub(super) fn read_text(dir: &Path, name: &str) -> Result<String, String> {
    let bytes = read_bytes(dir, name).map_err(|what| format!("{}: {what}", dir.display()))?;
    String::from_utf8(bytes).map_err(|e| format!("{}: {name} is not UTF-8: {e}", dir.display()))
}
