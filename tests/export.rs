//! `gpuhpa export` as whoever submits meets it: what it writes, what it refuses, and its exit codes. The bundle is a
//! recorded run on stand-ins.

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

/// A bundle and a clone of the programme's repository, of one test.
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
        let desk = Self(std::env::temp_dir().join(format!("gpuhpa-export-{name}-{}", std::process::id())));
        let _ = std::fs::remove_dir_all(&desk.0);
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
        let bundle = Bundle::create(&desk.0.join("bundle")).expect("a temporary folder");
        begin(&bundle, &scenario, &inventory, &plan).expect("a bundle");
        for name in ["journal.jsonl", "timeline.jsonl"] {
            bundle.write_file(name, read_recording(name).as_bytes()).expect("a file of the bundle");
        }
        let ending = FinishedRun {
            scenario: &scenario,
            inventory: &inventory,
            plan: &plan,
            journal: &journal,
            timeline: &timeline,
            load: None,
            verdict: &verdict,
            prediction: &judge::predict(records),
        };
        finish(&bundle, &ending).expect("a bundle");
        desk
    }

    /// Exit code and what was said.
    fn run_gpuhpa(&self, args: &[&str]) -> (i32, String) {
        #[expect(clippy::disallowed_methods, reason = "the test starts the program")]
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
            .args(args)
            .current_dir(&self.0)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the program must start");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    fn replace_text(&self, name: &str, from: &str, to: &str) {
        let path = self.0.join(name);
        let text = std::fs::read_to_string(&path).expect("the file must be there");
        assert!(text.contains(from), "{name} does not hold {from}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("the file must be writable");
    }
}

const EXPORT: [&str; 4] = ["export", "bundle", "--dir", "v1.37/acme"];
const FORCE: [&str; 5] = ["export", "bundle", "--dir", "v1.37/acme", "--force"];

#[test]
fn a_stand_in_is_refused_and_forced_with_a_mark_in_every_file() {
    let desk = ExportFixture::new("stand-in");
    let (code, said) = desk.run_gpuhpa(&EXPORT);
    assert!(code == 2 && said.contains("STAND-IN") && said.contains("--force"), "{code} {said}");
    assert!(!desk.0.join("v1.37").exists());
    let (code, said) = desk.run_gpuhpa(&FORCE);
    assert!(code == 0 && said.contains("only the programme's own merge certifies"), "{code} {said}");
    let names = ["junit.xml", "results.json", "e2e.log", "README.md", "scenario.yaml", "product-fragment.yaml"];
    for name in names {
        let path = desk.0.join("v1.37/acme/pod_autoscaling").join(name);
        let text = std::fs::read_to_string(path).expect("the file must be there");
        assert!(text.contains("FORCED EXPORT: STAND-IN"), "{name}");
    }
    // The validator has nothing to say; the marks are found.
    let (code, said) = desk.run_gpuhpa(&["export", "--check", "v1.37/acme"]);
    assert!(code == 6 && said.contains("0 that the validator refuses, 6 that it does not see"), "{code} {said}");
    assert!(said.contains("not checked here: whether URLs answer"), "{said}");
}

#[test]
fn what_is_there_is_not_written_over_without_a_word() {
    let desk = ExportFixture::new("overwrite");
    assert_eq!(desk.run_gpuhpa(&FORCE).0, 0);
    assert_eq!(desk.run_gpuhpa(&FORCE).0, 0, "the same files again are no change");
    let readme = "v1.37/acme/pod_autoscaling/README.md";
    desk.replace_text(readme, "[to be stated by the submitter]", "the platform");
    let (code, said) = desk.run_gpuhpa(&FORCE);
    assert!(code == 2 && said.contains("README.md") && said.contains("--overwrite"), "{code} {said}");
    let kept = std::fs::read_to_string(desk.0.join(readme)).expect("the file must be there");
    assert!(kept.contains("the platform"));
    assert_eq!(desk.run_gpuhpa(&[&FORCE[..], &["--overwrite"]].concat()).0, 0);
}

#[test]
fn an_altered_bundle_and_a_rehearsal_are_refused_whatever_is_forced() {
    let altered = |name: &str, file: &str, from: &str, to: &str| {
        let desk = ExportFixture::new(name);
        desk.replace_text(&format!("bundle/{file}"), from, to);
        let (code, said) = desk.run_gpuhpa(&FORCE);
        assert!(!desk.0.join("v1.37").exists(), "{name}");
        (code, said)
    };
    let (code, said) = altered("timeline", "timeline.jsonl", "\"atMs\":", "\"atMs\": ");
    assert!(code == 6 && said.contains("timeline.jsonl"), "{code} {said}");
    let (code, said) = altered("verdict", "verdict.json", "\"standIn\": true", "\"standIn\": false");
    assert!(code == 6 && said.contains("altered"), "{code} {said}");
    let (code, said) = altered("rehearsal", "manifest.json", "STAND-IN", "REHEARSAL");
    assert!([2, 6].contains(&code) && !said.contains("--force writes"), "{code} {said}");
}

#[test]
fn a_bundle_that_was_cut_short_is_forced_only() {
    let desk = ExportFixture::new("cut");
    desk.replace_text("bundle/manifest.json", "\"complete\": true", "\"complete\": false");
    let (code, said) = desk.run_gpuhpa(&EXPORT);
    assert!(code == 2 && said.contains("INCOMPLETE"), "{code} {said}");
    assert_eq!(desk.run_gpuhpa(&FORCE).0, 0);
}

#[test]
fn usage_errors_say_what_to_name() {
    let desk = ExportFixture::new("usage");
    for (args, what) in [
        (vec!["export"], "required"),
        (vec!["export", "bundle"], "--dir"),
        (vec!["export", "bundle", "--dir", "acme"], "vX.Y/<dir>"),
        (vec!["export", "nowhere", "--dir", "v1.37/acme"], "reports/RUN-ID"),
        (vec!["export", "--check", "nowhere"], "vX.Y/<dir>"),
        (vec!["export", "--check", "v1.37/acme", "--force"], "--force"),
    ] {
        let (code, said) = desk.run_gpuhpa(&args);
        assert!(code == 2 && said.contains(what), "{args:?}: {code} {said}");
    }
}
