//! manifest.sig: a DSSE envelope around an in-toto Statement whose subject is manifest.json, signed with Ed25519. The
//! manifest names the digest of every other file, so this one signature covers the whole bundle.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};

use super::test_tree::ArtifactInput;
use crate::env::{Bundle, BundleError};
use crate::model::manifest::{MANIFEST_FILE, Manifest, SIGNATURE_FILE, sha256_hex};

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of the statement's predicate.
const PREDICATE_TYPE: &str = "https://gpuhpa.dev/attestation/run/v1";
/// Length of an Ed25519 signature (RFC 8032).
const ED25519_BYTES: usize = 64;
/// Prefix of an Ed25519 public key as SubjectPublicKeyInfo (RFC 8410), before its 32 bytes.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a bundle could not be signed, or why its signature is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignatureError {
    /// The key cannot be used.
    #[error("the key is not a PEM {kind}: {why}")]
    Key {
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The envelope cannot be read.
    #[error("{SIGNATURE_FILE} is not a DSSE envelope around an in-toto statement: {0}")]
    Envelope(String),
    /// No signature in it was made with this key.
    #[error("{SIGNATURE_FILE} has no valid signature by this key (key id {keyid})")]
    WrongKey {
        /// The id of the key that was given.
        keyid: String,
    },
    /// The statement is about another manifest.
    #[error("{SIGNATURE_FILE} signs another manifest.json: its sha256 is {found}, and {signed} was signed")]
    ManifestMismatch {
        /// Digest of the manifest that is there.
        found: String,
        /// Digest that was signed.
        signed: String,
    },
}

/// A DSSE envelope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DsseEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<DsseSignature>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DsseSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// The signed statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InTotoStatement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<StatementSubject>,
    predicate_type: String,
    /// The run.
    pub(crate) predicate: RunPredicate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StatementSubject {
    name: String,
    digest: DigestSet,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DigestSet {
    sha256: String,
}

/// The run, in the statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunPredicate {
    /// Id of the run.
    pub(crate) run: String,
    /// The verdict as every output prints it.
    pub(crate) verdict: String,
    /// Name of the scenario.
    pub(crate) scenario: String,
    /// Kubernetes version.
    pub(crate) kubernetes: String,
    /// gpuhpa's version.
    pub(crate) gpuhpa: String,
    /// The commit that it was built from.
    pub(crate) commit: String,
    /// Rules under which the verdict was derived.
    pub(crate) rules: u32,
}

/// A key to sign with.
#[derive(Debug)]
pub(crate) struct BundleSigner(Ed25519KeyPair);

impl BundleSigner {
    /// Reads a private key as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// It is not an unencrypted Ed25519 key in PKCS#8 and PEM.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, SignatureError> {
        let wrong = |why: String| SignatureError::Key { kind: "unencrypted Ed25519 private key (PKCS#8)", why };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|e| wrong(e.to_string()))?;
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|e| wrong(e.to_string()))?;
        Ok(Self(pair))
    }

    /// The text of manifest.sig for a manifest of the run that the input describes.
    ///
    /// # Errors
    /// The writer fails.
    pub(crate) fn sign_bundle(&self, manifest: &[u8], facts: &ArtifactInput<'_>) -> Result<String, SignatureError> {
        let wrong = |e: serde_json::Error| SignatureError::Envelope(e.to_string());
        let statement = InTotoStatement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![StatementSubject {
                name: MANIFEST_FILE.to_owned(),
                digest: DigestSet { sha256: sha256_hex(manifest) },
            }],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: RunPredicate {
                run: facts.run.to_owned(),
                verdict: facts.verdict.title(),
                scenario: facts.scenario.to_owned(),
                kubernetes: facts.inventory.kubernetes_version.clone(),
                gpuhpa: facts.inventory.gpuhpa_version.clone(),
                commit: facts.inventory.gpuhpa_commit.clone(),
                rules: facts.verdict.rules,
            },
        };
        let payload = serde_json::to_vec(&statement).map_err(wrong)?;
        let signature = self.0.sign(&pre_auth_encoding(PAYLOAD_TYPE, &payload));
        let envelope = DsseEnvelope {
            payload: STANDARD.encode(&payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![DsseSignature { keyid: self.keyid(), sig: STANDARD.encode(signature) }],
        };
        Ok(serde_json::to_string_pretty(&envelope).map_err(wrong)? + "\n")
    }

    /// sha256 of the public key as SubjectPublicKeyInfo, hexadecimal.
    #[must_use]
    pub(crate) fn keyid(&self) -> String {
        sha256_hex(&[&SPKI_PREFIX[..], self.0.public_key().as_ref()].concat())
    }
}

/// Signs a bundle on disk: writes manifest.sig beside its manifest.
///
/// # Errors
/// The manifest cannot be read or is marked incomplete, or the signature cannot be written.
pub(crate) fn sign(bundle: &Bundle, signer: &BundleSigner, facts: &ArtifactInput<'_>) -> Result<(), BundleError> {
    let wrong = |why: String| BundleError { path: bundle.dir().join(SIGNATURE_FILE).display().to_string(), why };
    let text = std::fs::read(bundle.dir().join(MANIFEST_FILE)).map_err(|e| wrong(format!("{MANIFEST_FILE}: {e}")))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| wrong(format!("{MANIFEST_FILE}: {e}")))?;
    if !manifest.complete {
        return Err(wrong("the bundle is incomplete, and its manifest names no digests to sign".to_owned()));
    }
    let envelope = signer.sign_bundle(&text, facts).map_err(|e| wrong(e.to_string()))?;
    bundle.write_file(SIGNATURE_FILE, envelope.as_bytes())
}

/// Removes the signature of a bundle whose manifest changes. False where there is none.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove_signature(bundle: &Bundle) -> Result<bool, BundleError> {
    let path = bundle.dir().join(SIGNATURE_FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(BundleError { path: path.display().to_string(), why: error.to_string() }),
    }
}

/// A key to check with.
#[derive(Debug)]
pub(crate) struct BundleVerifier {
    key: UnparsedPublicKey<[u8; 32]>,
    keyid: String,
}

impl BundleVerifier {
    /// Reads a public key as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// It is not an Ed25519 public key in PEM.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, SignatureError> {
        let wrong = |why: String| SignatureError::Key { kind: "Ed25519 public key", why };
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|e| wrong(e.to_string()))?;
        let key = der.as_ref().strip_prefix(&SPKI_PREFIX).and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.ok_or_else(|| wrong("it has another algorithm or length".to_owned()))?;
        Ok(Self { key: UnparsedPublicKey::new(&ED25519, key), keyid: sha256_hex(der.as_ref()) })
    }

    /// The statement that this key signed of a manifest. A signature does not identify the owner of the key.
    ///
    /// # Errors
    /// The envelope cannot be parsed, has no signature of this key, or is about another manifest.
    pub(crate) fn verify(&self, manifest: &[u8], envelope: &[u8]) -> Result<InTotoStatement, SignatureError> {
        let (envelope, payload) = parse_envelope(envelope)?;
        let signed = pre_auth_encoding(&envelope.payload_type, &payload);
        // A key id is only a hint: each signature is tried.
        let holds = envelope
            .signatures
            .iter()
            .any(|one| STANDARD.decode(&one.sig).is_ok_and(|signature| self.key.verify(&signed, &signature).is_ok()));
        if !holds {
            return Err(SignatureError::WrongKey { keyid: self.keyid.clone() });
        }
        parse_statement(manifest, &envelope.payload_type, &payload)
    }

    /// sha256 of the public key as SubjectPublicKeyInfo, hexadecimal.
    #[must_use]
    pub(crate) fn keyid(&self) -> &str {
        &self.keyid
    }
}

/// The statement of an envelope about a manifest, without a key: whether anyone signed it is not checked. It detects a manifest.sig
/// that is damaged, or that was made for another manifest.
///
/// # Errors
/// The envelope cannot be parsed, has no signature, or is about another manifest.
pub(crate) fn read_unverified(manifest: &[u8], envelope: &[u8]) -> Result<InTotoStatement, SignatureError> {
    let (envelope, payload) = parse_envelope(envelope)?;
    let is_signature = |one: &DsseSignature| STANDARD.decode(&one.sig).is_ok_and(|bytes| bytes.len() == ED25519_BYTES);
    if !envelope.signatures.iter().any(is_signature) {
        return Err(SignatureError::Envelope("it has no Ed25519 signature".to_owned()));
    }
    parse_statement(manifest, &envelope.payload_type, &payload)
}

/// The envelope, and its payload decoded.
fn parse_envelope(text: &[u8]) -> Result<(DsseEnvelope, Vec<u8>), SignatureError> {
    let wrong = |why: String| SignatureError::Envelope(why);
    let envelope: DsseEnvelope = serde_json::from_slice(text).map_err(|e| wrong(e.to_string()))?;
    let payload = STANDARD.decode(&envelope.payload).map_err(|e| wrong(format!("payload: {e}")))?;
    Ok((envelope, payload))
}

/// The statement of a payload, if it is about this manifest.
fn parse_statement(manifest: &[u8], payload_type: &str, payload: &[u8]) -> Result<InTotoStatement, SignatureError> {
    let wrong = |why: String| SignatureError::Envelope(why);
    if payload_type != PAYLOAD_TYPE {
        return Err(wrong(format!("payloadType is {payload_type}")));
    }
    let statement: InTotoStatement = serde_json::from_slice(payload).map_err(|e| wrong(e.to_string()))?;
    if statement.kind != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
        return Err(wrong(format!("a statement of {} on {}", statement.kind, statement.predicate_type)));
    }
    let found = sha256_hex(manifest);
    match statement.subject.as_slice() {
        [one] if one.name == MANIFEST_FILE && one.digest.sha256 == found => Ok(statement),
        all => {
            let signed: Vec<&str> = all.iter().map(|one| one.digest.sha256.as_str()).collect();
            Err(SignatureError::ManifestMismatch { found, signed: signed.join(", ") })
        }
    }
}

/// The pre-authentication encoding of DSSE: type and body with their lengths, so that their border is unambiguous.
fn pre_auth_encoding(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len());
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::super::test_tree::tests::{mixed_verdict, with_input};
    use super::*;

    // The keys of RFC 8410, section 10.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    // Another one, of RFC 8032, section 7.1, test 1.
    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    fn signed(manifest: &[u8]) -> String {
        let verdict = mixed_verdict();
        with_input(&verdict, |facts| BundleSigner::from_pem(PRIVATE.as_bytes()).unwrap().sign_bundle(manifest, facts))
            .unwrap()
    }

    fn verify_statement(manifest: &[u8], envelope: &str) -> Result<InTotoStatement, SignatureError> {
        BundleVerifier::from_pem(PUBLIC.as_bytes()).unwrap().verify(manifest, envelope.as_bytes())
    }

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        assert_eq!(
            pre_auth_encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pre_auth_encoding("", b""), b"DSSEv1 0  0 ");
        assert_eq!(pre_auth_encoding("\u{e9}", "\u{e9}\n".as_bytes()), "DSSEv1 2 \u{e9} 3 \u{e9}\n".as_bytes());
    }

    #[test]
    fn a_signature_holds_for_its_manifest_and_its_key_alone() {
        let envelope = signed(b"manifest");
        let statement = verify_statement(b"manifest", &envelope).unwrap();
        assert_eq!(statement.predicate.run, "20261124-101500-042");
        assert_eq!(statement.predicate.verdict, "FAIL (STAND-IN)");
        assert_eq!(signed(b"manifest"), envelope, "Ed25519 signs the same bytes alike");
        let other = BundleVerifier::from_pem(OTHER.as_bytes()).unwrap().verify(b"manifest", envelope.as_bytes());
        assert!(matches!(other, Err(SignatureError::WrongKey { .. })), "{other:?}");
        let moved = verify_statement(b"manifesu", &envelope);
        assert!(matches!(moved, Err(SignatureError::ManifestMismatch { .. })), "{moved:?}");
        assert_eq!(
            BundleSigner::from_pem(PRIVATE.as_bytes()).unwrap().keyid(),
            BundleVerifier::from_pem(PUBLIC.as_bytes()).unwrap().keyid()
        );
    }

    #[test]
    fn whatever_is_altered_in_an_envelope_is_found() {
        let envelope = signed(b"manifest");
        let parsed: DsseEnvelope = serde_json::from_str(&envelope).unwrap();
        let with = |change: &dyn Fn(&mut DsseEnvelope)| {
            let mut altered: DsseEnvelope = serde_json::from_str(&envelope).unwrap();
            change(&mut altered);
            verify_statement(b"manifest", &serde_json::to_string(&altered).unwrap())
        };
        let payload = String::from_utf8(STANDARD.decode(&parsed.payload).unwrap()).unwrap();
        let forged = STANDARD.encode(payload.replace("FAIL (STAND-IN)", "PASS"));
        assert_ne!(forged, parsed.payload);
        assert!(matches!(with(&|e| e.payload.clone_from(&forged)), Err(SignatureError::WrongKey { .. })));
        assert!(matches!(with(&|e| e.payload_type = "text/plain".to_owned()), Err(SignatureError::WrongKey { .. })));
        assert!(matches!(with(&|e| e.signatures.clear()), Err(SignatureError::WrongKey { .. })));
        assert!(matches!(with(&|e| e.signatures[0].sig = "AAAA".to_owned()), Err(SignatureError::WrongKey { .. })));
        assert!(matches!(with(&|e| e.payload = "%".to_owned()), Err(SignatureError::Envelope(_))));
        // The id of a key is a hint and no more.
        assert!(with(&|e| e.signatures[0].keyid = "x".to_owned()).is_ok());
        assert!(with(&|e| e.signatures.insert(0, DsseSignature { keyid: String::new(), sig: "%".to_owned() })).is_ok());
        assert!(matches!(verify_statement(b"manifest", "[]"), Err(SignatureError::Envelope(_))));
    }

    #[test]
    fn what_is_signed_and_no_statement_of_ours_is_refused() {
        let pair = BundleSigner::from_pem(PRIVATE.as_bytes()).unwrap();
        let envelope = |kind: &str, payload: &[u8]| {
            let sig = STANDARD.encode(pair.0.sign(&pre_auth_encoding(kind, payload)));
            let signatures = vec![DsseSignature { keyid: String::new(), sig }];
            let envelope =
                DsseEnvelope { payload: STANDARD.encode(payload), payload_type: kind.to_owned(), signatures };
            verify_statement(b"manifest", &serde_json::to_string(&envelope).unwrap()).unwrap_err().to_string()
        };
        assert!(envelope("text/plain", b"{}").contains("payloadType is text/plain"));
        assert!(envelope(PAYLOAD_TYPE, b"{}").contains("not a DSSE envelope around an in-toto statement"));
    }

    #[test]
    fn a_key_that_is_none_is_named_as_such() {
        for wrong in ["", "x", PUBLIC, &PRIVATE.replace("K2Vw", "K2Vu")] {
            let error = BundleSigner::from_pem(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the key is not a PEM unencrypted Ed25519 private key"), "{error}");
        }
        let rsa = PUBLIC.replace("K2Vw", "K2Vu");
        for wrong in ["", PRIVATE, rsa.as_str()] {
            let error = BundleVerifier::from_pem(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the key is not a PEM Ed25519 public key"), "{error}");
        }
    }
}
