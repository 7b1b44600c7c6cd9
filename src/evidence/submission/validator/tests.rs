//! Compares the check with answers of the programme's own script. `fixtures/validator/README.md` says where they are from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::*;

/// Number of mismatches that are printed in full.
const MAX_PRINTED: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidatorVector {
    id: String,
    about: String,
    version: String,
    files: BTreeMap<String, VectorFile>,
    accepted: bool,
    refusals: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VectorFile {
    Text(String),
    Bytes { base64: String },
    Folder { dir: bool },
    Link { link: String },
}

impl ValidatorVector {
    /// Lays the files out in a clone of their own, and returns the product's directory.
    fn lay_out(&self, clone: &Path) -> PathBuf {
        let dir = clone.join(&self.version).join("acme");
        fs::create_dir_all(&dir).unwrap();
        for (name, file) in &self.files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match file {
                VectorFile::Text(text) => fs::write(path, text).unwrap(),
                VectorFile::Bytes { base64 } => fs::write(path, STANDARD.decode(base64).unwrap()).unwrap(),
                VectorFile::Folder { dir } => assert!(*dir && fs::create_dir_all(path).is_ok()),
                VectorFile::Link { link } => symlink(link, path).unwrap(),
            }
        }
        dir
    }

    fn mismatch(&self, clone: &Path, members: &BTreeSet<String>) -> Option<String> {
        let report = check_with_members(&self.lay_out(clone), Some(members)).unwrap_or_default();
        let texts = |findings: &[ValidationFinding]| {
            let findings = findings.iter().filter(|finding| finding.origin == RuleOrigin::Validator);
            let text = |finding: &ValidationFinding| match finding.subject.is_empty() {
                true => finding.rule.to_owned(),
                false => format!("{} {}", finding.rule, finding.subject),
            };
            let mut texts: Vec<String> = findings.map(text).collect();
            texts.sort();
            texts
        };
        let (refusals, warnings) = (texts(&report.findings), texts(&report.warnings));
        let is_same = refusals == self.refusals && warnings == self.warnings && refusals.is_empty() == self.accepted;
        let expected = (&self.refusals, &self.warnings);
        (!is_same).then(|| {
            format!("{}: {}\n  expected {expected:?}\n  actual   {:?}\n", self.id, self.about, (refusals, warnings))
        })
    }
}

#[test]
fn the_check_answers_as_the_programs_validator() {
    let dir = match std::env::var_os("VALIDATOR_VECTORS") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/validator"),
    };
    let text = fs::read_to_string(dir.join("cases.ndjson")).unwrap();
    let vectors: Vec<ValidatorVector> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!vectors.is_empty());
    let root = std::env::temp_dir().join(format!("gpuhpa-validator-{}", std::process::id()));
    let members = BTreeSet::from(["Acme".to_owned()]);
    let mut mismatches = Vec::new();
    for vector in &vectors {
        mismatches.extend(vector.mismatch(&root, &members));
        fs::remove_dir_all(&root).unwrap();
    }
    let printed: String = mismatches.iter().take(MAX_PRINTED).map(String::as_str).collect();
    assert!(mismatches.is_empty(), "{} of {} differ, the first:\n{printed}", mismatches.len(), vectors.len());
}
