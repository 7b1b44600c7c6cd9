//! The manifest of a bundle: what files it holds, and their digests. Digests show accidents, not forgery.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// manifest.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Version of the bundle's format.
    pub format: u32,
    /// Run id.
    pub run: String,
    /// False until the run has ended and every file is written.
    pub complete: bool,
    /// Marks that every reader must see: `STAND-IN`, `REHEARSAL`.
    pub stamps: Vec<String>,
    /// File path within the bundle → sha256, hexadecimal.
    pub files: BTreeMap<String, String>,
}
