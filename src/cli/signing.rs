//! Signs bundles, and checks their signatures.

use std::path::Path;

use serde::Serialize;

use super::{CliExit, Console, hints};
use crate::env::{Bundle, read_named_file};
use crate::evidence::{
    ArtifactInput, BundleSigner, BundleVerifier, LoadedBundle, SIGNATURE_FILE, read_unverified, sign,
};
use crate::run::BundleReview;

/// The state of a bundle's signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum SignatureStatus {
    /// The bundle has no signature.
    Unsigned,
    /// The bundle has a signature of its manifest, and no key to check it was given.
    Unchecked,
    /// The signature is valid.
    #[serde(rename_all = "camelCase")]
    Valid {
        /// The key's id.
        key_id: String,
    },
    /// The signature is missing or not valid.
    Invalid {
        /// The reason.
        reason: String,
    },
}

impl SignatureStatus {
    /// Checks the signature of a bundle, if a key is given.
    pub(super) fn check(loaded: &LoadedBundle, review: &BundleReview, key: Option<&BundleVerifier>) -> Self {
        let invalid = |reason: String| Self::Invalid { reason };
        let manifest = loaded.raw_files.get("manifest.json").map(Vec::as_slice).unwrap_or_default();
        let (envelope, key) = match (loaded.raw_files.get(SIGNATURE_FILE), key) {
            (None, None) => return Self::Unsigned,
            (None, Some(_)) => return invalid(format!("no {SIGNATURE_FILE}: the bundle is not signed")),
            (Some(envelope), None) => {
                return match read_unverified(manifest, envelope) {
                    Ok(statement) if statement.predicate.run == review.run => Self::Unchecked,
                    Ok(statement) => {
                        invalid(format!("run {} was signed, this is {}", statement.predicate.run, review.run))
                    }
                    Err(error) => invalid(error.to_string()),
                };
            }
            (Some(envelope), Some(key)) => (envelope, key),
        };
        let predicate = match key.verify(manifest, envelope) {
            Ok(statement) => statement.predicate,
            Err(error) => return invalid(error.to_string()),
        };
        let title = review.verdict.title();
        // Up to rules 2 the title has `not restored` in small letters.
        match predicate.run == review.run && predicate.verdict.eq_ignore_ascii_case(&title) {
            true => Self::Valid { key_id: key.keyid().to_owned() },
            false => invalid(format!(
                "run {} with {} was signed, this is {} with {title}",
                predicate.run, predicate.verdict, review.run
            )),
        }
    }

    /// The state in one line.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Unsigned => "unsigned: digests detect corruption, not forgery".to_owned(),
            Self::Unchecked => {
                format!("{SIGNATURE_FILE} was not checked: name the signer's public key with --verify-key")
            }
            Self::Valid { key_id } => {
                format!("signed with the key {key_id}; the signature does not identify its owner")
            }
            Self::Invalid { reason } => format!("the signature is not valid: {reason}"),
        }
    }
}

/// A key that cannot be used.
pub(super) struct KeyError {
    /// The file, and what is wrong with it.
    pub(super) what: String,
    /// What to do next.
    pub(super) hint: &'static str,
}

/// Reads both keys.
pub(super) fn read_keys(
    public: Option<&Path>,
    private: Option<&Path>,
) -> Result<(Option<BundleVerifier>, Option<BundleSigner>), KeyError> {
    Ok((public.map(read_verifier).transpose()?, private.map(read_signer).transpose()?))
}

/// Reads a file of a key up to a size that no key has.
fn read_key_file(path: &Path, hint: &'static str) -> Result<Vec<u8>, KeyError> {
    const MAX_KEY_BYTES: u64 = 64 * 1024;
    read_named_file(path, MAX_KEY_BYTES).map_err(|why| {
        let hint = hints::unreadable(&why).filter(|_| !why.contains("No such file")).unwrap_or(hint);
        KeyError { what: format!("{}: the key could not be read: {why}", path.display()), hint }
    })
}

/// Reads the private key.
pub(super) fn read_signer(path: &Path) -> Result<BundleSigner, KeyError> {
    let hint = "--sign names a private key: openssl genpkey -algorithm ed25519 -out KEY creates one";
    let pem = read_key_file(path, hint)?;
    BundleSigner::from_pem(&pem).map_err(|e| KeyError { what: format!("{}: {e}", path.display()), hint })
}

/// Reads the public key.
fn read_verifier(path: &Path) -> Result<BundleVerifier, KeyError> {
    let hint = "--verify-key names the signer's public key: openssl pkey -in KEY -pubout prints it to its owner";
    let pem = read_key_file(path, hint)?;
    BundleVerifier::from_pem(&pem).map_err(|e| KeyError { what: format!("{}: {e}", path.display()), hint })
}

/// Signs a bundle whose review found it sound.
pub(super) fn sign_reviewed(
    loaded: &LoadedBundle,
    review: &BundleReview,
    signer: &BundleSigner,
) -> Result<(), CliExit> {
    if !loaded.path().is_dir() {
        let hint = "sign the folder, then pack it";
        return Err(Console::print_error("an archive cannot be signed in place", Some(hint), CliExit::Usage));
    }
    let input = ArtifactInput {
        verdict: &review.verdict,
        inventory: &loaded.inventory,
        run: &review.run,
        scenario: &loaded.scenario.name,
        extra_marks: &[],
    };
    sign_bundle(&Bundle::open(loaded.path()), signer, &input)
}

/// Signs a complete bundle, and prints the result.
pub(super) fn sign_bundle(bundle: &Bundle, signer: &BundleSigner, input: &ArtifactInput<'_>) -> Result<(), CliExit> {
    sign(bundle, signer, input).map_err(|e| {
        let hint = Some("the bundle is complete without it: gpuhpa judge --sign KEY BUNDLE signs it later");
        Console::print_error(&format!("not signed: {e}"), hint, CliExit::Internal)
    })?;
    Console::print_message(&format!(
        "signed with the key {}: {}",
        signer.keyid(),
        bundle.dir().join(SIGNATURE_FILE).display()
    ));
    Ok(())
}
