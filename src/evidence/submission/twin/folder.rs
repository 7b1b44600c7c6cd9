//! What lies in the folder of the requirement, besides what the entry cites.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::{FOLDER, FORCED, MANIFEST, OPEN, TAKEN};
use super::{By, Twin};
use crate::evidence::manifest::hexadecimal;
use crate::record::manifest::Manifest;

/// Bytes of a file at most: an artifact of a whole upstream suite has some megabytes.
const MAX_FILE: u64 = 256 << 20;

impl Twin<'_> {
    /// What was taken over from the bundle is as its manifest has it, where that was handed in too.
    pub(super) fn seal(&mut self) {
        let name = |name: &str| format!("{FOLDER}/{name}");
        let Ok(text) = bytes_of(self.dir, &name(MANIFEST)) else { return };
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(error) => return self.find_in(name(MANIFEST), By::Reviewer, "manifest", error.to_string()),
        };
        for taken in TAKEN {
            let there = bytes_of(self.dir, &name(taken)).map(|bytes| hexadecimal(&Sha256::digest(bytes)));
            if let (Ok(there), Some(listed)) = (there, manifest.files.get(taken))
                && there != *listed
            {
                let what = format!(
                    "it is not what the bundle's manifest names: its sha256 is {there}, and {listed} is listed"
                );
                self.find_in(name(taken), By::Reviewer, "altered", what);
            }
        }
    }

    /// What stands in the files themselves: a forced export, and what is left to state.
    pub(super) fn folder(&mut self) {
        let Ok(entries) = std::fs::read_dir(self.dir.join(FOLDER)) else { return };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| format!("{FOLDER}/{}", entry.file_name().to_string_lossy()))
            .collect();
        names.push("PRODUCT.yaml".to_owned());
        names.sort();
        for name in names {
            let Ok(bytes) = bytes_of(self.dir, &name) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if text.contains(FORCED) {
                self.find_in(name.clone(), By::Reviewer, "forced", "it was exported in spite of what it says there");
            }
            let open = text.matches(OPEN).count();
            if open > 0 {
                self.report.notes.push(format!("{name}: {open} places are left to state: {OPEN}"));
            }
        }
    }
}

/// A file within the product's folder.
pub(super) fn bytes_of(dir: &Path, name: &str) -> Result<Vec<u8>, String> {
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
pub(super) fn text_of(dir: &Path, name: &str) -> Result<String, String> {
    let bytes = bytes_of(dir, name).map_err(|what| format!("{}: {what}", dir.display()))?;
    String::from_utf8(bytes).map_err(|e| format!("{}: {name} is not UTF-8: {e}", dir.display()))
}
