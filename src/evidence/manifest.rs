//! manifest.json: the sha256 of every other file of the bundle.

use std::collections::BTreeMap;
use std::path::Path;

use super::json_file::{pretty_json, put_redacted_json};
use crate::env::{Bundle, BundleError};
use crate::model::manifest::{MANIFEST_FILE, Manifest, SIGNATURE_FILE, sha256_hex};
use crate::model::revision::RULES;
use crate::model::stamp::RunStamp;

/// State of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ManifestState {
    /// The run has started: files still grow, so there are no digests.
    Incomplete,
    /// Every file is written.
    Complete,
}

/// Writes the manifest of a bundle whose records have this format.
pub(super) fn write(
    bundle: &Bundle,
    format: u32,
    run: &str,
    stamps: &[RunStamp],
    written: ManifestState,
) -> Result<(), BundleError> {
    let mut files = BTreeMap::new();
    if written == ManifestState::Complete {
        collect_digests(bundle.dir(), "", &mut files)
            .map_err(|e| BundleError { path: bundle.dir().display().to_string(), why: e.to_string() })?;
    }
    let manifest = Manifest {
        format,
        rules: RULES,
        run: run.to_owned(),
        complete: written == ManifestState::Complete,
        stamps: stamps.iter().map(|stamp| stamp.as_str().to_owned()).collect(),
        files,
    };
    put_redacted_json(bundle, MANIFEST_FILE, &manifest).map(|_| ())
}

/// Adds the digest of each file of a folder, by its path in the bundle.
fn collect_digests(dir: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect_digests(&entry.path(), &format!("{name}/"), files)?;
        } else if name != MANIFEST_FILE && name != SIGNATURE_FILE {
            files.insert(name, sha256_hex(&std::fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// manifest.json, byte for byte.
///
/// # Errors
/// The manifest cannot be serialized.
pub(crate) fn manifest_json(manifest: &Manifest) -> Result<String, String> {
    pretty_json(manifest).map_err(|e| e.to_string())
}
