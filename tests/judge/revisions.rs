//! Bundles that were written under older rules: what does not depend on rules is checked byte for byte, and each case is derived
//! under today's rules.

use std::path::{Path, PathBuf};

use gpuhpa::env::Bundle;
use gpuhpa::evidence::{self, LoadedBundle, OpenError};
use gpuhpa::model::observation::ObservationKind;
use gpuhpa::model::plan::Plan;
use gpuhpa::model::revision::{RULES, RulesRevision};
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::run::{self, BundleReview, Soundness, review_bundle, review_under};
use gpuhpa::{judge, seed::SplitMix64};
use sha2::{Digest, Sha256};

use super::altered::mutate;
use super::bundle::{JudgeTestBundle, sound_bundle};

/// A history in which the rules of today's bundles are one revision old.
const LATER: &[RulesRevision] = &[
    RulesRevision { number: RULES, cases: &[], change: "the rules of the bundle" },
    RulesRevision {
        number: RULES + 1,
        cases: &["ScaleDown/NotEarly"],
        change: "the window begins with the last recommendation",
    },
];

fn review_later(bundle: &JudgeTestBundle) -> Result<BundleReview, OpenError> {
    evidence::open_bundle(&bundle.0).and_then(|loaded| review_under(&loaded, LATER))
}

/// The bundle as a release would have left it whose rules gave one case another result.
fn bundle_with_other_result(name: &str, case: &str, result: CaseResult) -> JudgeTestBundle {
    let bundle = sound_bundle(name, "bundles/rig-healthy");
    let loaded = evidence::open_bundle(&bundle.0).expect("a bundle");
    let (mut verdict, prediction) = (judge::judge(loaded.records()), judge::predict(loaded.records()));
    let stored = verdict.cases.iter_mut().find(|one| one.name == case).expect("the case");
    (stored.result, stored.reason) = (result, "an older rule".to_owned());
    (verdict.result, verdict.reason) = judge::overall_result(&loaded.records(), &verdict.cases);
    evidence::finish(&Bundle::open(&bundle.0), &loaded.finished_run(&verdict, &prediction)).expect("a bundle");
    bundle
}

#[test]
fn the_same_results_under_later_rules_are_sound() {
    let review = review_later(&sound_bundle("older", "bundles/rig-healthy")).expect("a bundle");
    assert_eq!(review.soundness, Soundness::SoundUnderOlderRules, "{review:?}");
    let statement = format!("sound, written under rules {RULES}; today's rules {} give the same results", RULES + 1);
    assert_eq!((review.statement, review.changed_cases), (statement, Vec::new()));
}

#[test]
fn another_result_under_later_rules_is_named_and_is_no_alteration() {
    let bundle = bundle_with_other_result("differs", "ScaleDown/NotEarly", CaseResult::Fail);
    let review = review_later(&bundle).expect("a bundle");
    assert_eq!(review.soundness, Soundness::DifferentUnderTodaysRules, "{review:?}");
    let told = format!(
        "ScaleDown/NotEarly: stored FAIL, derived PASS (rules {}: the window begins with the last recommendation)",
        RULES + 1
    );
    assert!(
        review.statement.contains(&told) && review.statement.contains("gpuhpa 0.1.0 (commit "),
        "{}",
        review.statement
    );
    assert_eq!(review.verdict.result, CaseResult::Pass);
    // Under the rules that it names the same bundle is altered.
    let review = bundle.review().expect("a bundle");
    assert_eq!(review.soundness, Soundness::NotSound);
}

#[test]
fn a_bound_that_changed_is_shown_and_is_no_alteration() {
    let bundle = sound_bundle("bound", "bundles/rig-healthy");
    let plan = bundle.read_text("plan.json");
    let line = plan.lines().find(|line| line.contains("\"maxDurationMs\"")).expect("the bound").to_owned();
    bundle.replace("plan.json", &line, "  \"maxDurationMs\": 2158000,");
    bundle.relist_digests();
    let review = review_later(&bundle).expect("a bundle");
    assert_eq!(review.soundness, Soundness::SoundUnderOlderRules, "{review:?}");
    let plan = review.checks.iter().find(|check| check.name == "plan").expect("the check");
    assert!(plan.changed_by_rules.iter().any(|text| text.contains("maxDurationMs: stored is `2158000`")), "{plan:?}");
    assert_eq!(bundle.review().expect("a bundle").soundness, Soundness::NotSound);
}

#[test]
fn whatever_is_altered_in_an_older_bundle_is_found_by_its_digest() {
    let bundle = sound_bundle("older-altered", "bundles/rig-healthy");
    let names = bundle.file_names();
    let mut seed = SplitMix64::new(7);
    let mut below = move |n: usize| usize::try_from(seed.next_u64() % (n as u64)).expect("a small number");
    for name in names.iter().chain(&names) {
        let before = bundle.read(name);
        let (what, after) = mutate(&before, &mut below);
        bundle.write(name, &after);
        let found = review_later(&bundle).map(|review| review.soundness);
        assert!(
            after == before || !matches!(found, Ok(Soundness::SoundUnderOlderRules)),
            "{name}: {what} was not found"
        );
        bundle.write(name, &before);
    }
    assert_eq!(review_later(&bundle).expect("a bundle").soundness, Soundness::SoundUnderOlderRules);
}

#[test]
fn a_forger_who_lists_new_digests_contradicts_another_record() {
    type Alteration = fn(&JudgeTestBundle);
    let alterations: [(&str, Alteration); 8] = [
        ("junit.xml has other results than verdict.json", |b| {
            let case = "\"name\": \"Hold/Steady\",\n      \"result\": ";
            b.replace("verdict.json", &format!("{case}\"PASS\""), &format!("{case}\"FAIL\""));
        }),
        ("its cases give PASS", |b| b.replace("verdict.json", "\"PASS\"", "\"INCONCLUSIVE\"")),
        ("junit.xml is missing", |b| std::fs::remove_file(b.0.join("junit.xml")).expect("the file")),
        ("results.json has other results than", |b| {
            let failed = b.read_text("results.json").replace("\"Action\":\"pass\"", "\"Action\":\"fail\"");
            b.write("results.json", failed.as_bytes());
        }),
        ("it cites observation 99999", |b| {
            b.replace("verdict.json", "\"citedSeqs\": [", "\"citedSeqs\": [\n        99999,")
        }),
        ("restored: stored is false", |b| b.replace("verdict.json", "\"restored\": true", "\"restored\": false")),
        ("the stamps of verdict.json", |b| b.replace("verdict.json", "\"standIn\": true", "\"standIn\": false")),
        ("rules: verdict.json says", |b| b.replace("verdict.json", "\"rules\": ", "\"rules\": 9")),
    ];
    for (n, (told, alter)) in alterations.iter().enumerate() {
        let bundle = sound_bundle(&format!("older-forged-{n}"), "bundles/rig-healthy");
        alter(&bundle);
        bundle.relist_digests();
        let review = review_later(&bundle).expect("a bundle");
        let differences: Vec<String> = review.checks.into_iter().flat_map(|check| check.differences).collect();
        assert_eq!(review.soundness, Soundness::NotSound, "{told}");
        assert!(differences.iter().any(|text| text.contains(told)), "`{told}` is not in {differences:#?}");
    }
}

#[test]
fn rules_that_are_not_known_are_refused() {
    for rules in [0, RULES + 1] {
        let bundle = sound_bundle(&format!("rules-{rules}"), "bundles/rig-healthy");
        bundle.replace("manifest.json", &format!("\"rules\": {RULES}"), &format!("\"rules\": {rules}"));
        let error = bundle.review().expect_err("no such rules").to_string();
        assert!(
            error.contains(&format!("written under rules {rules}, and this gpuhpa knows rules 1 to {RULES}")),
            "{error}"
        );
    }
}

/// The bundles of a folder, with what each is called.
fn bundles_below(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.is_dir() || path.to_string_lossy().ends_with(".tar.zst"));
    paths.sort();
    let name = |path: &Path| {
        path.file_name().unwrap_or_default().to_string_lossy().split('.').next().unwrap_or_default().to_owned()
    };
    paths.into_iter().map(|path| (name(&path), path)).collect()
}

fn review_path(path: &Path) -> (LoadedBundle, BundleReview) {
    let loaded = evidence::open_bundle(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let review = review_bundle(&loaded).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (loaded, review)
}

/// An honest bundle never reads as altered, whatever rules it was written under.
#[test]
fn the_kept_bundles_of_each_revision_are_sound_or_differ_by_rules_alone() {
    for rules in 1..=RULES {
        let kept = bundles_below(&Path::new("fixtures/bundles").join(format!("rules-{rules}")));
        let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["fail", "inconclusive", "pass"], "`ci/keep-bundles` makes them");
        for (name, path) in &kept {
            let (loaded, review) = review_path(path);
            assert_eq!(loaded.manifest.rules, rules, "{}", path.display());
            assert!(review.soundness.is_unaltered(), "{}: {:#?}", path.display(), review.checks);
            let stored = loaded.verdict.expect("a verdict").result;
            assert_eq!(stored.as_str().to_lowercase(), *name);
        }
    }
}

/// A history in which every bundle of rules 1 is older than today's rules.
const AFTER_RULES_1: &[RulesRevision] = &[
    RulesRevision { number: 1, cases: &[], change: "the rules of the bundle" },
    RulesRevision { number: RULES + 1, cases: &[], change: "texts" },
];

#[test]
fn bundles_of_format_2_are_sound_and_have_todays_scenario() {
    for (name, path) in bundles_below(Path::new("fixtures/bundles/rules-1")) {
        let loaded = evidence::open_bundle(&path).expect("a bundle");
        assert_eq!((loaded.manifest.format, loaded.scenario.load.max_tokens), (2, 64), "{name}");
        let options = loaded.scenario.load.parameters.get("options").expect("options");
        assert_eq!(options.to_string(), r#"{"num_ctx":512,"num_thread":1}"#, "{name}");
        let probes = loaded.timeline.iter().filter_map(|observation| match &observation.kind {
            ObservationKind::Probe(probe) if !probe.pod.is_empty() => Some(probe),
            _ => None,
        });
        let bytes: Vec<_> = probes.map(|probe| (probe.model_bytes.is_some(), probe.model_accelerator_bytes)).collect();
        assert_eq!(bytes, vec![(true, Some(0)); if name == "pass" { 2 } else { bytes.len() }], "{name}");
        let review = review_under(&loaded, AFTER_RULES_1).expect("a bundle");
        // The pods that an accelerator was missing for never became Ready, as Hold/Steady has wanted since rules 3.
        let (expected, changed) = match name.as_str() {
            "inconclusive" => {
                (Soundness::DifferentUnderTodaysRules, "differ in Hold/Steady: stored PASS, derived INCONCLUSIVE")
            }
            _ => (Soundness::SoundUnderOlderRules, "give the same results"),
        };
        assert_eq!((review.format, review.soundness), (2, expected), "{name}: {review:?}");
        assert!(review.statement.contains(changed), "{name}: {}", review.statement);
    }
}

#[test]
fn a_bundle_of_format_2_keeps_its_format_when_its_verdict_is_written_again() {
    let dir = std::env::temp_dir().join(format!("gpuhpa-judge-format-2-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let archive = std::fs::File::open("fixtures/bundles/rules-1/pass.tar.zst").expect("the bundle");
    let files = zstd::decode_all(archive).expect("an archive");
    tar::Archive::new(&files[..]).unpack(&dir).expect("a folder");
    let bundle = JudgeTestBundle(dir);
    let folder = bundle.0.join("pass");
    let before = std::fs::read(folder.join("scenario.yaml")).expect("the scenario");
    let loaded = evidence::open_bundle(&folder).expect("a bundle");
    run::reissue_verdict(&loaded, &Bundle::open(&folder)).expect("the bundle must be writable");
    let (loaded, review) = review_path(&folder);
    assert_eq!((loaded.manifest.format, loaded.manifest.rules), (2, RULES));
    assert_eq!(review.soundness, Soundness::Sound, "{:#?}", review.checks);
    assert_eq!(std::fs::read(folder.join("scenario.yaml")).expect("the scenario"), before);
}

#[test]
fn a_bundle_of_format_2_has_the_keys_of_format_2_alone() {
    let bundle = sound_bundle("format", "bundles/rig-healthy");
    bundle.replace("manifest.json", "\"format\": 3", "\"format\": 2");
    let error = bundle.review().expect_err("the scenario has keys of format 3").to_string();
    assert!(error.contains("load.protocol is unknown in format 2"), "{error}");
    for format in [1, 4] {
        bundle.replace("manifest.json", "\"format\": ", &format!("\"format\": {format}"));
        let error = bundle.review().expect_err("no such format").to_string();
        assert!(error.contains("this gpuhpa reads formats 2 to 3"), "{error}");
    }
}

#[test]
fn the_bundles_of_the_demo_are_sound() {
    let demo = bundles_below(Path::new("reports/demo"));
    assert_eq!(demo.len(), 3);
    for (name, path) in demo {
        let (_, review) = review_path(&path);
        assert!(review.soundness.is_sound(), "{name}: {} {:#?}", review.statement, review.checks);
    }
}

/// Runs on a real card, which nobody can record again without one. Two of them no rules may turn into a PASS: of one the exporter
/// copied the card's value to each pod, in the other another workload used the card.
#[test]
fn the_runs_on_a_real_card_end_as_they_did_and_are_signed() {
    let kept = bundles_below(Path::new("fixtures/bundles/h200"));
    let expected = [
        ("card-values", CaseResult::Inconclusive),
        ("dra", CaseResult::Pass),
        ("fail", CaseResult::Fail),
        ("neighbour", CaseResult::Inconclusive),
        ("pass", CaseResult::Pass),
    ];
    assert_eq!(kept.len(), expected.len());
    for ((name, path), (expected_name, result)) in kept.iter().zip(expected) {
        let (loaded, review) = review_path(path);
        assert_eq!(name, expected_name);
        assert!(review.soundness.is_unaltered(), "{name}: {} {:#?}", review.statement, review.checks);
        let verdict = &review.verdict;
        assert_eq!((verdict.result, verdict.stand_in, verdict.rehearsal), (result, false, false), "{name}");
        let labels = serde_json::to_string(&loaded.records().inventory.node_info).expect("JSON");
        assert!(labels.contains(r#""nvidia.com/gpu.product":"NVIDIA-H200-SHARED""#), "{name}: {labels}");
    }
    for (name, path) in bundles_below(Path::new("reports/h200")) {
        let kept = std::fs::File::open(format!("fixtures/bundles/h200/{name}.tar.zst")).expect("the kept bundle");
        let files = zstd::decode_all(kept).expect("an archive");
        let shown = std::fs::read(path.join("manifest.json")).expect("a manifest");
        assert!(
            files.windows(shown.len()).any(|window| window == shown),
            "{name}: the bundle for readers is another one"
        );
        let (_, review) = review_path(&path);
        assert!(review.soundness.is_unaltered(), "{name}: {} {:#?}", review.statement, review.checks);
    }
}

/// The digest of everything that is derived from each recorded run. A change of it is a change of the rules.
#[test]
fn derived_bytes_change_with_the_rules_alone() {
    let mut lines = vec![format!("rules {RULES}")];
    for (name, _) in bundles_below(Path::new("fixtures/timelines")) {
        let bundle = sound_bundle(&format!("lock-{name}"), &format!("timelines/{name}"));
        let mut digest = Sha256::new();
        for file in evidence::DERIVED_FILES {
            digest.update(bundle.read(file));
        }
        let plan = evidence::open_bundle(&bundle.0).expect("a bundle").plan;
        // The texts of a plan are never compared.
        let compared = Plan { changes: Vec::new(), errors: Vec::new(), warnings: Vec::new(), ..plan };
        digest.update(serde_json::to_vec(&compared).expect("JSON"));
        lines
            .push(format!("{name} {}", digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
    }
    let found = lines.join("\n") + "\n";
    if std::env::var_os("WRITE_LOCK").is_some() {
        std::fs::write("fixtures/bundles/derived.lock", &found).expect("the lock must be writable");
    }
    let locked = std::fs::read_to_string("fixtures/bundles/derived.lock").unwrap_or_default();
    assert_eq!(
        found, locked,
        "what is derived from the recorded runs changed: append a revision to RULES_HISTORY (src/model/revision.rs), and run `ci/keep-bundles`"
    );
}
