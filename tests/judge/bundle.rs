//! A bundle of one test: the recorded one, with the files that follow from it.

use std::path::{Path, PathBuf};

use gpuhpa::env::Bundle;
use gpuhpa::evidence::{self, OpenError};
use gpuhpa::model::inventory::Inventory;
use gpuhpa::model::scenario::Scenario;
use gpuhpa::run::{BundleReview, review_bundle, run_id};
use gpuhpa::{judge, plan};

/// Files of a recording that the run writes as things happen.
const APPENDED_FILES: [&str; 3] = ["journal.jsonl", "timeline.jsonl", "requests.jsonl.zst"];

/// A bundle on disk, removed at its end.
pub(crate) struct JudgeTestBundle(pub(crate) PathBuf);

impl Drop for JudgeTestBundle {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A recording made whole, as `verify` would have left it.
pub(crate) fn sound_bundle(name: &str, recording: &str) -> JudgeTestBundle {
    let dir = std::env::temp_dir().join(format!("gpuhpa-judge-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let folder = JudgeTestBundle(dir);
    let from = Path::new("fixtures").join(recording);
    let text = |name: &str| std::fs::read_to_string(from.join(name)).expect("the recording must be readable");
    let scenario: Scenario = serde_saphyr::from_str(&text("scenario.yaml")).expect("a scenario");
    let inventory: Inventory = serde_json::from_str(&text("inventory.json")).expect("an inventory");
    let made = plan::plan(&scenario, &inventory, &run_id(inventory.started));
    let bundle = Bundle::create(&folder.0).expect("a folder");
    evidence::begin(&bundle, &scenario, &inventory, &made).expect("a bundle");
    for name in APPENDED_FILES {
        if let Ok(bytes) = std::fs::read(from.join(name)) {
            folder.write(name, &bytes);
        }
    }
    if let Ok(bytes) = std::fs::read(from.join("load.json")) {
        folder.write("load.json", &bytes);
    }
    folder.seal();
    folder
}

impl JudgeTestBundle {
    /// Derives what follows from the records, and seals the bundle, as at the end of a run.
    pub(crate) fn seal(&self) {
        let held = evidence::open_bundle(&self.0).expect("what was written must be readable");
        let (verdict, prediction) = (judge::judge(held.records()), judge::predict(held.records()));
        evidence::finish(&Bundle::open(&self.0), &held.finished_run(&verdict, &prediction))
            .expect("the bundle must be writable");
    }

    /// Lists the digests of the files as they stand now, as a forger would.
    pub(crate) fn relist_digests(&self) {
        let mut manifest: serde_json::Value = serde_json::from_slice(&self.read("manifest.json")).expect("a manifest");
        let held = evidence::open_bundle(&self.0).expect("what was altered must be readable");
        manifest["files"] = serde_json::to_value(&held.digests).expect("digests");
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest") + "\n";
        self.write("manifest.json", text.as_bytes());
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).expect("the bundle must be writable");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("the bundle must be readable")
    }

    pub(crate) fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    /// Replaces the first place of a text in a file.
    pub(crate) fn replace(&self, name: &str, old: &str, new: &str) {
        let text = self.read_text(name);
        assert!(text.contains(old), "{name} does not hold `{old}`");
        self.write(name, text.replacen(old, new, 1).as_bytes());
    }

    /// The files of the bundle.
    pub(crate) fn file_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the bundle must be readable");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn review(&self) -> Result<BundleReview, OpenError> {
        evidence::open_bundle(&self.0).and_then(|held| review_bundle(&held))
    }

    /// Everything that is said to differ, with the name of its check.
    pub(crate) fn differences(&self) -> Vec<String> {
        match self.review() {
            Ok(review) => {
                let named = |check: gpuhpa::run::BundleCheck| {
                    let name = check.name;
                    check.differences.into_iter().map(move |difference| format!("{name}: {difference}"))
                };
                review.checks.into_iter().flat_map(named).collect()
            }
            Err(error) => vec![error.to_string()],
        }
    }
}
