//! `gpuhpa export` as a submitter runs it: the files that it writes, the bundles that it rejects, and its exit codes. The
//! bundle is of a recorded run on stand-ins.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::path::{Path, PathBuf};

use gpuhpa::env::Bundle;
use gpuhpa::evidence::{FinishedRun, begin, finish};
use gpuhpa::judge;
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::journal::JournalEntry;
use gpuhpa::model::observation::Observation;
use gpuhpa::model::run_records::RunRecords;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::plan::plan;
use gpuhpa::run::run_id;

/// A bundle, and a clone of the programme's repository, for one test.
struct ExportFixture(PathBuf);

impl Drop for ExportFixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read_recording(name: &str) -> String {
    let path = Path::new("fixtures/timelines/rig-healthy").join(name);
    std::fs::read_to_string(path).expect("the recorded run must be readable")
}

fn parse_lines<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line must parse")).collect()
}

impl ExportFixture {
    fn new(name: &str) -> Self {
        let fixture = Self(std::env::temp_dir().join(format!("gpuhpa-export-{name}-{}", std::process::id())));
        let _ = std::fs::remove_dir_all(&fixture.0);
        let scenario: Scenario =
            serde_saphyr::from_str(&read_recording("scenario.yaml")).expect("the scenario must parse");
        let inventory: Inventory =
            serde_json::from_str(&read_recording("inventory.json")).expect("the inventory must parse");
        let journal: Vec<JournalEntry> = parse_lines(&read_recording("journal.jsonl"));
        let timeline: Vec<Observation> = parse_lines(&read_recording("timeline.jsonl"));
        let plan = plan(&scenario, &inventory, &run_id(inventory.started));
        let records = RunRecords {
            scenario: &scenario,
            inventory: &inventory,
            journal: &journal,
            timeline: &timeline,
            client_bound: None,
        };
        let verdict = judge::judge(records);
        let bundle = Bundle::create(&fixture.0.join("bundle")).expect("a temporary folder");
        begin(&bundle, &scenario, &inventory, &plan).expect("a bundle");
        for name in ["journal.jsonl", "timeline.jsonl"] {
            bundle.write_file(name, read_recording(name).as_bytes()).expect("a file of the bundle");
        }
        let run = FinishedRun {
            scenario: &scenario,
            inventory: &inventory,
            plan: &plan,
            journal: &journal,
            timeline: &timeline,
            load: None,
            verdict: &verdict,
            prediction: &judge::predict(records),
        };
        finish(&bundle, &run).expect("a bundle");
        fixture
    }

    /// Exit code, stdout and stderr.
    fn run_gpuhpa(&self, args: &[&str]) -> (i32, String) {
        #[expect(clippy::disallowed_methods, reason = "the test starts the program")]
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
            .args(args)
            .current_dir(&self.0)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the program must start");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    fn replace_text(&self, name: &str, from: &str, to: &str) {
        let path = self.0.join(name);
        let text = std::fs::read_to_string(&path).expect("the file must exist");
        assert!(text.contains(from), "{name} does not contain {from}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("the file must be writable");
    }
}

const EXPORT: [&str; 4] = ["export", "bundle", "--dir", "v1.37/acme"];
const FORCE: [&str; 5] = ["export", "bundle", "--dir", "v1.37/acme", "--force"];

#[test]
fn a_stand_in_is_rejected_and_if_forced_marked_in_every_file() {
    let fixture = ExportFixture::new("stand-in");
    let (code, output) = fixture.run_gpuhpa(&EXPORT);
    assert!(code == 2 && output.contains("STAND-IN") && output.contains("--force"), "{code} {output}");
    assert!(!fixture.0.join("v1.37").exists());
    let (code, output) = fixture.run_gpuhpa(&FORCE);
    assert!(code == 0 && output.contains("only the programme's review certifies"), "{code} {output}");
    let names = ["junit.xml", "results.json", "e2e.log", "README.md", "scenario.yaml", "product-fragment.yaml"];
    for name in names {
        let path = fixture.0.join("v1.37/acme/pod_autoscaling").join(name);
        let text = std::fs::read_to_string(path).expect("the file must exist");
        assert!(text.contains("FORCED EXPORT: STAND-IN"), "{name}");
    }
    // The validator rejects nothing; our own rules find the marks.
    let (code, output) = fixture.run_gpuhpa(&["export", "--check", "v1.37/acme"]);
    assert!(code == 6 && output.contains("0 rejected by the validator, 6 not detected by it"), "{code} {output}");
    assert!(output.contains("not checked here: whether URLs are reachable"), "{output}");
}

#[test]
fn existing_files_are_overwritten_only_on_request() {
    let fixture = ExportFixture::new("overwrite");
    assert_eq!(fixture.run_gpuhpa(&FORCE).0, 0);
    assert_eq!(fixture.run_gpuhpa(&FORCE).0, 0, "writing the same files again is allowed");
    let readme = "v1.37/acme/pod_autoscaling/README.md";
    fixture.replace_text(readme, "[to be stated by the submitter]", "the platform");
    let (code, output) = fixture.run_gpuhpa(&FORCE);
    assert!(code == 2 && output.contains("README.md") && output.contains("--overwrite"), "{code} {output}");
    let kept = std::fs::read_to_string(fixture.0.join(readme)).expect("the file must exist");
    assert!(kept.contains("the platform"));
    assert_eq!(fixture.run_gpuhpa(&[&FORCE[..], &["--overwrite"]].concat()).0, 0);
}

#[test]
fn an_altered_bundle_and_a_rehearsal_are_rejected_even_with_force() {
    let altered = |name: &str, file: &str, from: &str, to: &str| {
        let fixture = ExportFixture::new(name);
        fixture.replace_text(&format!("bundle/{file}"), from, to);
        let (code, output) = fixture.run_gpuhpa(&FORCE);
        assert!(!fixture.0.join("v1.37").exists(), "{name}");
        (code, output)
    };
    let (code, output) = altered("timeline", "timeline.jsonl", "\"atMs\":", "\"atMs\": ");
    assert!(code == 6 && output.contains("timeline.jsonl"), "{code} {output}");
    let (code, output) = altered("verdict", "verdict.json", "\"standIn\": true", "\"standIn\": false");
    assert!(code == 6 && output.contains("altered"), "{code} {output}");
    let (code, output) = altered("rehearsal", "manifest.json", "STAND-IN", "REHEARSAL");
    assert!([2, 6].contains(&code) && !output.contains("--force writes"), "{code} {output}");
}

#[test]
fn an_incomplete_bundle_needs_force() {
    let fixture = ExportFixture::new("cut");
    fixture.replace_text("bundle/manifest.json", "\"complete\": true", "\"complete\": false");
    let (code, output) = fixture.run_gpuhpa(&EXPORT);
    assert!(code == 2 && output.contains("INCOMPLETE"), "{code} {output}");
    assert_eq!(fixture.run_gpuhpa(&FORCE).0, 0);
}

/// A clone that somebody else prepared could have a link out of itself in any part of the product's path.
#[test]
fn a_link_in_the_products_path_is_never_followed() {
    for link in ["v1.37", "v1.37/acme", "v1.37/acme/pod_autoscaling"] {
        let fixture = ExportFixture::new(&format!("link-{}", link.len()));
        let (path, outside) = (fixture.0.join(link), fixture.0.join("outside"));
        std::fs::create_dir_all(&outside).expect("a folder");
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::os::unix::fs::symlink(&outside, &path).expect("a link");
        let (code, output) = fixture.run_gpuhpa(&FORCE);
        assert!(code == 2 && output.contains("is a link"), "{link}: {code} {output}");
        assert_eq!(std::fs::read_dir(&outside).expect("the folder").count(), 0, "{link}");
    }
    for name in ["junit.xml", ".README.md.new"] {
        let fixture = ExportFixture::new(&format!("link-file-{}", name.len()));
        let (folder, outside) = (fixture.0.join("v1.37/acme/pod_autoscaling"), fixture.0.join("outside.txt"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(&outside, "as before").expect("a file");
        std::os::unix::fs::symlink(&outside, folder.join(name)).expect("a link");
        let (code, output) = fixture.run_gpuhpa(&[&FORCE[..], &["--overwrite"]].concat());
        assert!(code == 2 && output.contains("is a link"), "{name}: {code} {output}");
        assert_eq!(std::fs::read_to_string(&outside).expect("the file"), "as before", "{name}");
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_a_usage_error() {
    let fixture = ExportFixture::new("file-as-folder");
    std::fs::create_dir_all(fixture.0.join("v1.37")).expect("a folder");
    std::fs::write(fixture.0.join("v1.37/acme"), "x").expect("a file");
    let (code, output) = fixture.run_gpuhpa(&FORCE);
    assert!(code == 2 && output.contains("is not a folder"), "{code} {output}");
    let long = format!("v1.37/{}", "x".repeat(300));
    let (code, output) = fixture.run_gpuhpa(&["export", "bundle", "--dir", &long, "--force"]);
    assert!(code == 2 && output.contains("could not create"), "{code} {output}");
}

#[test]
fn usage_errors_say_which_argument_is_expected() {
    let fixture = ExportFixture::new("usage");
    for (args, message) in [
        (vec!["export"], "required"),
        (vec!["export", "bundle"], "--dir"),
        (vec!["export", "bundle", "--dir", "acme"], "vX.Y/<dir>"),
        (vec!["export", "nowhere", "--dir", "v1.37/acme"], "reports/RUN-ID"),
        (vec!["export", "--check", "nowhere"], "vX.Y/<dir>"),
        (vec!["export", "--check", "v1.37/acme", "--force"], "--force"),
    ] {
        let (code, output) = fixture.run_gpuhpa(&args);
        assert!(code == 2 && output.contains(message), "{args:?}: {code} {output}");
    }
}

#[test]
fn the_signature_of_a_bundle_stays_behind_and_export_says_so() {
    let fixture = ExportFixture::new("signature");
    let signed = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/h200/pass").display().to_string();
    let (code, text) = fixture.run_gpuhpa(&["export", &signed, "--dir", "v1.37/acme"]);
    assert!(code == 0 && text.contains("the bundle's signature (manifest.sig) is not exported"), "{code} {text}");
    assert!(!fixture.0.join("v1.37/acme/pod_autoscaling/manifest.sig").exists());
    let (_, text) = fixture.run_gpuhpa(&["export", "bundle", "--dir", "v1.37/other", "--force"]);
    assert!(text.contains("next: add the entry") && !text.contains("signature"), "an unsigned one: {text}");
}
