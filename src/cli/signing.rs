//! Keys of signatures, and what the signature of a bundle says.

use std::path::Path;

use serde::Serialize;

use super::{Console, Exit};
use crate::evidence::{Facts, Held, SIGNATURE, Signer, Verifier, sign};
use crate::run::Review;
use crate::world::Bundle;

/// What is known of a bundle's signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum Signed {
    /// There is none.
    Unsigned,
    /// There is one, and no key was given to check it with.
    Unchecked,
    /// It is of this key.
    #[serde(rename_all = "camelCase")]
    By {
        /// The key's id.
        key_id: String,
    },
    /// It does not hold.
    Wrong {
        /// Why.
        why: String,
    },
}

impl Signed {
    /// The signature of a bundle, checked where there is a key.
    pub(super) fn of(held: &Held, review: &Review, key: Option<&Verifier>) -> Self {
        let wrong = |why: String| Self::Wrong { why };
        let (envelope, key) = match (held.texts.get(SIGNATURE), key) {
            (None, None) => return Self::Unsigned,
            (None, Some(_)) => return wrong(format!("there is no {SIGNATURE}: the bundle is not signed")),
            (Some(_), None) => return Self::Unchecked,
            (Some(envelope), Some(key)) => (envelope, key),
        };
        let manifest = held.texts.get("manifest.json").map(Vec::as_slice).unwrap_or_default();
        let told = match key.verify(manifest, envelope) {
            Ok(statement) => statement.predicate,
            Err(error) => return wrong(error.to_string()),
        };
        let title = review.verdict.title();
        match told.run == review.run && told.verdict == title {
            true => Self::By { key_id: key.keyid().to_owned() },
            false => {
                wrong(format!("run {} with {} was signed, this is {} with {title}", told.run, told.verdict, review.run))
            }
        }
    }

    /// In one line.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unsigned => "unsigned: digests show accidents, not forgery".to_owned(),
            Self::Unchecked => format!("{SIGNATURE} was not checked: name the signer's public key with --verify-key"),
            Self::By { key_id } => format!("signed with the key {key_id}; whose it is, the signature does not say"),
            Self::Wrong { why } => format!("the signature does not hold: {why}"),
        }
    }
}

/// Reads the keys that were named; what is wrong with one otherwise.
pub(super) fn keys(
    public: Option<&Path>,
    private: Option<&Path>,
) -> Result<(Option<Verifier>, Option<Signer>), String> {
    Ok((public.map(verifier).transpose()?, private.map(signer).transpose()?))
}

/// Reads the key to sign with; what is wrong with it otherwise.
pub(super) fn signer(path: &Path) -> Result<Signer, String> {
    let pem = std::fs::read(path).map_err(|e| format!("{}: the key could not be read: {e}", path.display()))?;
    let hint = "openssl genpkey -algorithm ed25519 makes one";
    Signer::of(&pem).map_err(|e| format!("{}: {e}; {hint}", path.display()))
}

/// Reads the key to check with; what is wrong with it otherwise.
fn verifier(path: &Path) -> Result<Verifier, String> {
    let pem = std::fs::read(path).map_err(|e| format!("{}: the key could not be read: {e}", path.display()))?;
    let hint = "openssl pkey -in KEY -pubout gives the signer's";
    Verifier::of(&pem).map_err(|e| format!("{}: {e}; {hint}", path.display()))
}

/// Signs a bundle that was judged, and is sound.
pub(super) fn judged(held: &Held, review: &Review, signer: &Signer) -> Result<(), Exit> {
    if !held.path().is_dir() {
        let hint = "sign the folder, and pack it then";
        return Err(Console::error("an archive cannot be signed where it lies", Some(hint), Exit::Usage));
    }
    let facts = Facts {
        verdict: &review.verdict,
        inventory: &held.inventory,
        run: &review.run,
        scenario: &held.scenario.name,
        marks: &[],
    };
    put(&Bundle::open(held.path()), signer, &facts)
}

/// Signs a bundle that is complete, and says so; else says why it could not.
pub(super) fn put(bundle: &Bundle, signer: &Signer, facts: &Facts<'_>) -> Result<(), Exit> {
    sign(bundle, signer, facts).map_err(|e| Console::error(&format!("not signed: {e}"), None, Exit::Internal))?;
    Console::say(&format!("signed with the key {}: {}", signer.keyid(), bundle.dir().join(SIGNATURE).display()));
    Ok(())
}
