//! The manifest of a bundle: its files and their digests. Digests detect corruption, not forgery.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file that makes a folder a bundle.
pub(crate) const MANIFEST_FILE: &str = "manifest.json";
/// The file beside the manifest. The manifest does not name it: it is written after it.
pub(crate) const SIGNATURE_FILE: &str = "manifest.sig";
/// The folder for what was collected before the clean-up of a run that did not pass.
pub(crate) const DIAGNOSTICS_DIR: &str = "diagnostics";

/// manifest.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Format of the records ([`FORMAT`](super::revision::FORMAT)).
    pub format: u32,
    /// Rules under which the verdict was derived ([`RULES`](super::revision::RULES)).
    #[serde(default)]
    pub rules: u32,
    /// Run id.
    pub run: String,
    /// True once the run has ended and every file is written.
    pub complete: bool,
    /// Stamps of the run: `STAND-IN`, `REHEARSAL`.
    pub stamps: Vec<String>,
    /// sha256 (hexadecimal) of each file, by its path in the bundle.
    pub files: BTreeMap<String, String>,
}

/// A digest as text, in lower-case hexadecimal digits.
#[must_use]
pub(crate) fn to_hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// sha256 of these bytes, in lower-case hexadecimal digits.
#[must_use]
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}
