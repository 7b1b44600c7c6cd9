//! Keys of signatures, and what the signature of a bundle says.

use std::path::Path;

use serde::Serialize;

use super::{CliExit, Console};
use crate::env::Bundle;
use crate::evidence::{ArtifactInput, BundleSigner, BundleVerifier, LoadedBundle, SIGNATURE_FILE, sign};
use crate::run::BundleReview;

/// What is known of a bundle's signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum SignatureStatus {
    /// There is none.
    Unsigned,
    /// There is one, and no key was given to check it with.
    Unchecked,
    /// It is of this key.
    #[serde(rename_all = "camelCase")]
    Valid {
        /// The key's id.
        key_id: String,
    },
    /// It does not hold.
    Invalid {
        /// Why.
        reason: String,
    },
}

impl SignatureStatus {
    /// The signature of a bundle, checked where there is a key.
    pub(super) fn check(held: &LoadedBundle, review: &BundleReview, key: Option<&BundleVerifier>) -> Self {
        let wrong = |why: String| Self::Invalid { reason: why };
        let (envelope, key) = match (held.raw_files.get(SIGNATURE_FILE), key) {
            (None, None) => return Self::Unsigned,
            (None, Some(_)) => return wrong(format!("there is no {SIGNATURE_FILE}: the bundle is not signed")),
            (Some(_), None) => return Self::Unchecked,
            (Some(envelope), Some(key)) => (envelope, key),
        };
        let manifest = held.raw_files.get("manifest.json").map(Vec::as_slice).unwrap_or_default();
        let told = match key.verify(manifest, envelope) {
            Ok(statement) => statement.predicate,
            Err(error) => return wrong(error.to_string()),
        };
        let title = review.verdict.title();
        match told.run == review.run && told.verdict == title {
            true => Self::Valid { key_id: key.keyid().to_owned() },
            false => {
                wrong(format!("run {} with {} was signed, this is {} with {title}", told.run, told.verdict, review.run))
            }
        }
    }

    /// In one line.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Unsigned => "unsigned: digests show accidents, not forgery".to_owned(),
            Self::Unchecked => {
                format!("{SIGNATURE_FILE} was not checked: name the signer's public key with --verify-key")
            }
            Self::Valid { key_id } => format!("signed with the key {key_id}; whose it is, the signature does not say"),
            Self::Invalid { reason: why } => format!("the signature does not hold: {why}"),
        }
    }
}

/// Reads the keys that were named; what is wrong with one otherwise.
pub(super) fn read_keys(
    public: Option<&Path>,
    private: Option<&Path>,
) -> Result<(Option<BundleVerifier>, Option<BundleSigner>), String> {
    Ok((public.map(read_verifier).transpose()?, private.map(read_signer).transpose()?))
}

/// Reads the key to sign with; what is wrong with it otherwise.
pub(super) fn read_signer(path: &Path) -> Result<BundleSigner, String> {
    let pem = std::fs::read(path).map_err(|e| format!("{}: the key could not be read: {e}", path.display()))?;
    let hint = "openssl genpkey -algorithm ed25519 makes one";
    BundleSigner::from_pem(&pem).map_err(|e| format!("{}: {e}; {hint}", path.display()))
}

/// Reads the key to check with; what is wrong with it otherwise.
fn read_verifier(path: &Path) -> Result<BundleVerifier, String> {
    let pem = std::fs::read(path).map_err(|e| format!("{}: the key could not be read: {e}", path.display()))?;
    let hint = "openssl pkey -in KEY -pubout gives the signer's";
    BundleVerifier::from_pem(&pem).map_err(|e| format!("{}: {e}; {hint}", path.display()))
}

/// Signs a bundle that was judged, and is sound.
pub(super) fn sign_reviewed(held: &LoadedBundle, review: &BundleReview, signer: &BundleSigner) -> Result<(), CliExit> {
    if !held.path().is_dir() {
        let hint = "sign the folder, and pack it then";
        return Err(Console::print_error("an archive cannot be signed where it lies", Some(hint), CliExit::Usage));
    }
    let facts = ArtifactInput {
        verdict: &review.verdict,
        inventory: &held.inventory,
        run: &review.run,
        scenario: &held.scenario.name,
        extra_marks: &[],
    };
    sign_bundle(&Bundle::open(held.path()), signer, &facts)
}

/// Signs a bundle that is complete, and says so; else says why it could not.
pub(super) fn sign_bundle(bundle: &Bundle, signer: &BundleSigner, facts: &ArtifactInput<'_>) -> Result<(), CliExit> {
    sign(bundle, signer, facts)
        .map_err(|e| Console::print_error(&format!("not signed: {e}"), None, CliExit::Internal))?;
    Console::print_message(&format!(
        "signed with the key {}: {}",
        signer.keyid(),
        bundle.dir().join(SIGNATURE_FILE).display()
    ));
    Ok(())
}
