//! Signing a bundle and checking its signature, as it is typed; and openssl as a second reader of keys and signature.

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::bundle::{JudgeTestBundle, sound_bundle};

// The keys of RFC 8410, section 10, and another public one.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
const OTHER_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

/// A bundle, and a folder of keys beside it.
struct SigningFixture {
    bundle: JudgeTestBundle,
    keys: JudgeTestBundle,
}

impl SigningFixture {
    fn new(name: &str) -> Self {
        let bundle = sound_bundle(name, "bundles/rig-healthy");
        let keys = JudgeTestBundle(bundle.0.with_extension("keys"));
        std::fs::create_dir_all(&keys.0).expect("a folder");
        for (name, pem) in [("key.pem", PRIVATE_KEY), ("pub.pem", PUBLIC_KEY), ("other.pem", OTHER_PUBLIC_KEY)] {
            keys.write(name, pem.as_bytes());
        }
        Self { bundle, keys }
    }

    /// Exit code, and all that was said.
    fn judge(&self, args: &[&str]) -> (i32, String) {
        self.run(env!("CARGO_BIN_EXE_gpuhpa"), &[&["judge"], args, &[&self.bundle.0.display().to_string()]].concat())
            .expect("the program must start")
    }

    /// `None` where there is no such program.
    #[expect(clippy::disallowed_methods, reason = "the test starts the program")]
    fn run(&self, program: &str, args: &[&str]) -> Option<(i32, String)> {
        let Output { status, stdout, stderr } =
            Command::new(program).args(args).current_dir(&self.keys.0).output().ok()?;
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Some((status.code().unwrap_or(-1), said))
    }

    fn envelope(&self) -> serde_json::Value {
        serde_json::from_str(&self.bundle.read_text("manifest.sig")).expect("an envelope")
    }
}

#[test]
fn a_signed_bundle_is_sound_and_its_signature_holds_for_the_key() {
    let desk = SigningFixture::new("signed");
    let (code, said) = desk.judge(&["--verify-key", "pub.pem"]);
    assert!(code == 6 && said.contains("the bundle is not signed"), "{code} {said}");
    let (code, said) = desk.judge(&["--sign", "key.pem"]);
    assert!(code == 0 && said.contains("\nsigned with the key ") && !said.contains("unsigned"), "{code} {said}");
    let (code, said) = desk.judge(&[]);
    assert!(code == 0 && said.contains("manifest.sig was not checked") && !said.contains("unsigned"), "{code} {said}");
    let (code, said) = desk.judge(&["--verify-key", "pub.pem"]);
    assert!(code == 0 && said.contains("signed with the key "), "{code} {said}");
    let (code, said) = desk.judge(&["--verify-key", "pub.pem", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &told["signature"]["state"], &told["soundness"]), (0, &"valid".into(), &"sound".into()));
    let (code, said) = desk.judge(&["--verify-key", "other.pem"]);
    assert!(code == 6 && said.contains("has no valid signature by this key"), "{code} {said}");
}

#[test]
fn the_statement_names_the_manifest_the_run_and_the_verdict() {
    let desk = SigningFixture::new("statement");
    assert_eq!(desk.judge(&["--sign", "key.pem"]).0, 0);
    let envelope = desk.envelope();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let payload = STANDARD.decode(envelope["payload"].as_str().expect("a payload")).expect("base64");
    let statement: serde_json::Value = serde_json::from_slice(&payload).expect("a statement");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["subject"][0]["name"], "manifest.json");
    assert_eq!(statement["predicate"]["verdict"], "PASS (STAND-IN)");
    assert_eq!(statement["predicate"]["kubernetes"], "v1.37.2");
    let id = desk.bundle.read_text("manifest.json");
    assert!(id.contains(statement["predicate"]["run"].as_str().expect("a run")));
}

#[test]
fn a_forger_who_lists_new_digests_breaks_the_signature() {
    let desk = SigningFixture::new("forged");
    assert_eq!(desk.judge(&["--sign", "key.pem"]).0, 0);
    let load = desk.bundle.read_text("inventory.json");
    assert!(load.contains("v4."), "the inventory names helm's version");
    desk.bundle.replace("inventory.json", "\"helmVersion\": \"v4.", "\"helmVersion\": \"v5.");
    let signature = desk.bundle.read("manifest.sig");
    std::fs::remove_file(desk.bundle.0.join("manifest.sig")).expect("the file");
    desk.bundle.seal();
    desk.bundle.write("manifest.sig", &signature);
    // Nothing but the signature tells, with a key or without one.
    let (code, said) = desk.judge(&[]);
    assert!(code == 6 && said.contains("signs another manifest.json") && said.contains("NOT SOUND"), "{code} {said}");
    std::fs::remove_file(desk.bundle.0.join("manifest.sig")).expect("the file");
    assert_eq!(desk.judge(&[]).0, 0);
    desk.bundle.write("manifest.sig", &signature);
    let (code, said) = desk.judge(&["--verify-key", "pub.pem"]);
    assert!(code == 6 && said.contains("signs another manifest.json"), "{code} {said}");
}

#[test]
fn what_is_not_sound_is_not_signed_and_a_wrong_key_is_a_slip() {
    let desk = SigningFixture::new("unsound");
    desk.bundle.replace("timeline.jsonl", "\"inFlight\":6", "\"inFlight\":5");
    let (code, said) = desk.judge(&["--sign", "key.pem"]);
    assert!(code == 6 && !desk.bundle.0.join("manifest.sig").exists(), "{code} {said}");
    for (args, what) in [
        (["--sign", "pub.pem"], "not a PEM unencrypted Ed25519 private key"),
        (["--sign", "none.pem"], "could not be read"),
        (["--verify-key", "key.pem"], "not a PEM Ed25519 public key"),
    ] {
        let (code, said) = desk.judge(&args);
        assert!(code == 2 && said.contains(what) && said.contains(args[1]), "{args:?} {code} {said}");
    }
}

#[test]
fn verify_signs_what_it_leaves_and_wants_its_key_before_it_begins() {
    let desk = SigningFixture::new("verify");
    desk.keys.write("config", b"clusters: 7");
    let verify = |key: &str, dir: &str| {
        let args = ["verify", "--yes", "--kubeconfig", "config", "--report-dir", dir, "--sign", key];
        desk.run(env!("CARGO_BIN_EXE_gpuhpa"), &args).expect("the program must start")
    };
    let (code, said) = verify("none.pem", "a");
    assert!(code == 2 && said.contains("none.pem: the key could not be read"), "{code} {said}");
    assert!(!desk.keys.0.join("a").exists());
    let (code, said) = verify("key.pem", "b");
    assert!(code == 2 && said.contains("signed with the key "), "{code} {said}");
    let judge = ["judge", "--verify-key", "pub.pem", "b"];
    let (code, said) = desk.run(env!("CARGO_BIN_EXE_gpuhpa"), &judge).expect("the program must start");
    assert!(code == 3 && said.contains("signed with the key "), "{code} {said}");
}

#[test]
fn a_signature_that_is_damaged_is_found_without_a_key() {
    let desk = SigningFixture::new("damaged");
    assert_eq!(desk.judge(&["--sign", "key.pem"]).0, 0);
    let whole = desk.bundle.read("manifest.sig");
    let text = String::from_utf8(whole.clone()).expect("JSON");
    let unsigned = text.replacen("\"sig\": \"", "\"sig\": \"AAAA", 1);
    for damaged in [&whole[..whole.len() / 2], b"", b"{}", b"\xff", unsigned.as_bytes()] {
        desk.bundle.write("manifest.sig", damaged);
        for args in [&[][..], &["-o", "json"][..]] {
            let (code, said) = desk.judge(args);
            assert!(code == 6 && said.contains("manifest.sig is not a DSSE envelope"), "{code} {said}");
        }
        let told: serde_json::Value = {
            let (_, said) = desk.judge(&["-o", "json"]);
            let end = said.rfind('}').expect("JSON");
            serde_json::from_str(&said[..=end]).expect("JSON")
        };
        assert_eq!((&told["signature"]["state"], &told["soundness"]), (&"invalid".into(), &"notSound".into()));
    }
    desk.bundle.write("manifest.sig", &whole);
    assert_eq!(desk.judge(&[]).0, 0);
}

/// openssl makes the keys, and says of the signature what we say. Where there is none, the vectors have to do.
#[test]
fn openssl_makes_the_keys_and_finds_the_signature_right() {
    let desk = SigningFixture::new("openssl");
    let Some((code, said)) = desk.run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]) else {
        return;
    };
    assert_eq!(code, 0, "{said}");
    let public = ["pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem"];
    assert_eq!(desk.run("openssl", &public).map(|(code, _)| code), Some(0));
    assert_eq!(desk.judge(&["--sign", "key.pem"]).0, 0);
    assert_eq!(desk.judge(&["--verify-key", "pub.pem"]).0, 0);
    let envelope = desk.envelope();
    let decoded = |value: &serde_json::Value| STANDARD.decode(value.as_str().expect("text")).expect("base64");
    let (payload, signature) = (decoded(&envelope["payload"]), decoded(&envelope["signatures"][0]["sig"]));
    let head = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len());
    desk.keys.write("signed", &[head.as_bytes(), &payload].concat());
    desk.keys.write("sig", &signature);
    let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-rawin", "-in", "signed", "-sigfile", "sig"];
    let (code, said) = desk.run("openssl", &verify).expect("openssl was there");
    assert_eq!(code, 0, "{said}");
    desk.keys.write("signed", b"another text");
    assert_ne!(desk.run("openssl", &verify).map(|(code, _)| code), Some(0));
    assert!(!Path::new("key.pem").exists(), "the key stays in its folder");
}

#[test]
fn the_keys_beside_the_runs_on_a_real_card_signed_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let desk = SigningFixture::new("h200");
    let of_the_first = ["pass", "fail", "card-values", "neighbour"].map(|name| (name, "key.pub", "e5a25a7e"));
    for (name, key, id) in of_the_first.into_iter().chain([("dra", "dra.key.pub", "b21bda58")]) {
        let key = folder.join("reports/h200").join(key).display().to_string();
        let signed = format!("\nsigned with the key {id}");
        let bundle = folder.join(format!("fixtures/bundles/h200/{name}.tar.zst")).display().to_string();
        let judge = |key: &str| {
            desk.run(env!("CARGO_BIN_EXE_gpuhpa"), &["judge", "--verify-key", key, &bundle])
                .expect("the program must start")
        };
        let (_, said) = judge(&key);
        assert!(said.contains(&signed), "{name}: {said}");
        let (code, said) = judge("other.pem");
        assert!(code == 6 && !said.contains(&signed), "{name}: {code} {said}");
    }
}
