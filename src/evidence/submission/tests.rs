use std::path::PathBuf;

use super::*;
use crate::env::Bundle;
use crate::evidence::test_tree::tests::case;
use crate::evidence::{FinishedRun, begin, finish, open_bundle};
use crate::model::figures::RunFigures;
use crate::model::inventory::Inventory;
use crate::model::plan::Plan;
use crate::model::prediction::RunPrediction;
use crate::model::revision::RULES;
use crate::model::scenario::{Accelerator, Scenario};
use crate::model::verdict::CaseResult;

/// A bundle, and a clone of the programme's repository, for one test.
struct SubmissionFixture(PathBuf);

impl Drop for SubmissionFixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn passed_verdict() -> Verdict {
    Verdict {
        rules: RULES,
        suite: "TestPodAutoscaling".to_owned(),
        result: CaseResult::Pass,
        reason: "every case passed".to_owned(),
        stand_in: false,
        rehearsal: false,
        restored: true,
        cases: vec![
            case("ScaleUp/ReplicasRise", CaseResult::Pass, "2 replicas"),
            case("Cleanup/Restored", CaseResult::Pass, "all <is> `gone` | a\nb"),
        ],
        duration_ms: 61_000,
        min_duration_ms: 1,
        figures: RunFigures::default(),
    }
}

impl SubmissionFixture {
    /// A bundle with this verdict, on real accelerators unless the verdict is a stand-in's.
    fn new(name: &str, verdict: &Verdict) -> Self {
        let fixture = Self(std::env::temp_dir().join(format!("gpuhpa-submission-{name}-{}", std::process::id())));
        let _ = std::fs::remove_dir_all(&fixture.0);
        let accelerator = if verdict.stand_in { Accelerator::StandIn } else { Accelerator::Auto };
        let scenario = Scenario { accelerator, ..Scenario::default() };
        let inventory = Inventory { kubernetes_version: "v1.37.2".to_owned(), ..Inventory::default() };
        let plan = Plan { run: "20261124-101500-042".to_owned(), ..Plan::default() };
        let bundle = Bundle::create(&fixture.0.join("bundle")).unwrap();
        begin(&bundle, &scenario, &inventory, &plan).unwrap();
        let (scenario, inventory, plan) = (&scenario, &inventory, &plan);
        let prediction = &RunPrediction::default();
        let (journal, timeline, load) = (&[], &[], None);
        let ending = FinishedRun { scenario, inventory, plan, journal, timeline, load, verdict, prediction };
        finish(&bundle, &ending).unwrap();
        fixture
    }

    fn product_dir(&self, version: &str) -> PathBuf {
        self.0.join(version).join("acme")
    }

    /// Exports into the product's directory of a version, and overrides every blocker.
    fn export(&self, version: &str) -> Vec<(String, String)> {
        let bundle = open_bundle(&self.0.join("bundle")).unwrap();
        let verdict = bundle.verdict.clone().unwrap();
        let program = ProgramVersion::from_product_dir(&self.product_dir(version)).unwrap();
        let overridden = find_blockers(&bundle, &verdict, &program);
        let files = Submission { bundle: &bundle, verdict: &verdict, version: &program, overridden: &overridden }
            .files()
            .unwrap();
        let directory = Bundle::open(&self.product_dir(version).join(REQUIREMENT_DIR));
        files.iter().for_each(|(name, text)| directory.write_file(name, text.as_bytes()).unwrap());
        files
    }

    fn remove_manifest(&self) {
        std::fs::remove_file(self.product_dir("v1.37").join(REQUIREMENT_DIR).join(MANIFEST_FILE)).unwrap();
    }

    fn bundle_file(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join("bundle").join(name)).unwrap()
    }

    /// The findings while a file in the product's directory is changed.
    fn findings_after(&self, name: &str, from: &str, to: &str) -> Vec<(&'static str, RuleOrigin)> {
        let path = self.product_dir("v1.37").join(name);
        let old = std::fs::read_to_string(&path).unwrap();
        assert!(old.contains(from), "{name} does not contain {from}:\n{old}");
        std::fs::write(&path, old.replace(from, to)).unwrap();
        let findings = self.findings();
        std::fs::write(&path, old).unwrap();
        findings
    }

    fn findings(&self) -> Vec<(&'static str, RuleOrigin)> {
        let report = check(&self.product_dir("v1.37")).unwrap();
        report.findings.iter().map(|finding| (finding.rule, finding.origin)).collect()
    }
}

const ENTRY: &str = "pod_autoscaling/product-fragment.yaml";

#[test]
fn a_pass_is_exported_without_marks_and_with_the_artifacts_of_the_bundle() {
    let fixture = SubmissionFixture::new("pass", &passed_verdict());
    let files = fixture.export("v1.37");
    for name in COPIED_FILES.into_iter().chain([MANIFEST_FILE]) {
        let (_, text) = files.iter().find(|(one, _)| one == name).unwrap();
        assert_eq!(*text, fixture.bundle_file(name), "{name}");
    }
    assert!(files.iter().all(|(name, text)| !text.contains(FORCED_MARK) && name != "PRODUCT.yaml"), "{files:?}");
    let report = check(&fixture.product_dir("v1.37")).unwrap();
    assert_eq!(report.findings, []);
    assert!(
        report.notes.iter().any(|note| note.contains("left to replace")) && report.unchecked.len() == 2,
        "{report:?}"
    );
    let readme = &files.iter().find(|(name, _)| name == "README.md").unwrap().1;
    assert!(readme.contains("| Cleanup/Restored | PASS | all &lt;is> \\`gone\\` \\| a b |"), "{readme}");
    assert!(readme.contains("## How to reproduce") && readme.contains(DISCLAIMER), "{readme}");
}

/// The texts that were stored under older rules follow from nothing that can be checked, so a forger could have written them.
#[test]
fn of_older_rules_no_stored_text_is_exported() {
    let fixture = SubmissionFixture::new("older-rules", &passed_verdict());
    let path = fixture.0.join("bundle/junit.xml");
    std::fs::write(&path, fixture.bundle_file("junit.xml").replace("every case passed", "a forged sentence")).unwrap();
    let bundle = open_bundle(&fixture.0.join("bundle")).unwrap();
    let verdict = Verdict { rules: RULES + 1, ..passed_verdict() };
    let version = ProgramVersion::from_product_dir(&fixture.product_dir("v1.37")).unwrap();
    let submission = Submission { bundle: &bundle, verdict: &verdict, version: &version, overridden: &[] };
    let files = submission.files().unwrap();
    let text = |name: &str| files.iter().find(|(one, _)| one == name).map(|(_, text)| text.as_str());
    assert!(files.iter().all(|(_, text)| !text.contains("forged")), "{files:?}");
    assert!(text("junit.xml").unwrap().contains("every case passed") && text(MANIFEST_FILE).is_none());
    let told = format!("recorded under rules {RULES}. Results and texts in this folder are derived");
    assert!(text("README.md").unwrap().contains(&told));
}

#[test]
fn the_entry_has_the_requirement_verbatim() {
    let fixture = SubmissionFixture::new("entry", &passed_verdict());
    fixture.export("v1.37");
    let text = std::fs::read_to_string(fixture.product_dir("v1.37").join(ENTRY)).unwrap();
    let yaml: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let entry = &yaml["spec"]["schedulingOrchestration"][0];
    assert_eq!((entry["id"].as_str(), entry["level"].as_str()), (Some("pod_autoscaling"), Some("MUST")));
    assert_eq!(
        entry["description"],
        "If the platform supports the HorizontalPodAutoscaler, it must function correctly for pods utilizing accelerators. This includes the ability to scale these Pods based on custom metrics relevant to AI/ML workloads."
    );
    assert_eq!(entry["status"], "Implemented");
    assert_eq!(entry["evidence"][0], "file://pod_autoscaling/junit.xml#TestPodAutoscaling");
    assert!(entry["notes"].as_str().unwrap().contains("2 of 2 cases passed."), "{text}");
}

#[test]
fn an_older_version_gets_markdown_and_text_that_the_validator_does_not_parse() {
    let fixture = SubmissionFixture::new("older", &passed_verdict());
    let files = fixture.export("v1.36");
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["e2e-results.txt", "README.md", "scenario.yaml", "product-fragment.yaml"]);
    assert!(files[3].1.contains("- \"pod_autoscaling/README.md\"\n        - \"pod_autoscaling/e2e-results.txt\""));
    // The run was on 1.37, so the export is forced, and each file says so.
    assert!(files.iter().all(|(_, text)| text.contains("FORCED EXPORT: VERSION MISMATCH: the run was on v1.37.2")));
    let report = check(&fixture.product_dir("v1.36")).unwrap();
    assert!(report.findings.len() == 4 && report.findings.iter().all(|finding| finding.rule == "forced"), "{report:?}");
}

#[test]
fn each_blocker_is_reported_and_marks_every_forced_file() {
    let blockers_of = |name: &str, verdict: &Verdict| {
        let fixture = SubmissionFixture::new(name, verdict);
        let files = fixture.export("v1.37");
        assert!(files.len() == 6 && files.iter().all(|(_, text)| text.contains(FORCED_MARK)), "{name}");
        let bundle = open_bundle(&fixture.0.join("bundle")).unwrap();
        let version = ProgramVersion::from_product_dir(&fixture.product_dir("v1.37")).unwrap();
        find_blockers(&bundle, verdict, &version)
    };
    let all = [
        ("stand-in", Verdict { stand_in: true, ..passed_verdict() }, "STAND-IN"),
        ("left", Verdict { restored: false, ..passed_verdict() }, "NOT RESTORED"),
        ("fail", Verdict { result: CaseResult::Fail, ..passed_verdict() }, "the verdict is FAIL"),
        ("unclear", Verdict { result: CaseResult::Inconclusive, ..passed_verdict() }, "the verdict is INCONCLUSIVE"),
    ];
    for (name, verdict, message) in all {
        let found = blockers_of(name, &verdict);
        assert!(found.len() == 1 && found[0].can_force && found[0].message.starts_with(message), "{found:?}");
    }
}

#[test]
fn a_rehearsal_cannot_be_forced_and_an_incomplete_bundle_is_a_blocker() {
    let fixture = SubmissionFixture::new("rehearsal", &passed_verdict());
    let mut bundle = open_bundle(&fixture.0.join("bundle")).unwrap();
    let version = ProgramVersion::from_product_dir(&fixture.product_dir("v1.37")).unwrap();
    assert_eq!(find_blockers(&bundle, &passed_verdict(), &version), []);
    bundle.manifest.stamps = vec!["REHEARSAL".to_owned()];
    bundle.manifest.complete = false;
    let found = find_blockers(&bundle, &passed_verdict(), &version);
    let found: Vec<(&str, bool)> = found.iter().map(|blocker| (&blocker.message[..10], blocker.can_force)).collect();
    assert_eq!(found, [("REHEARSAL:", false), ("INCOMPLETE", true)]);
}

/// Each rule of the validator, violated by one change of a valid submission.
#[test]
fn our_validator_finds_what_the_programs_validator_rejects() {
    use RuleOrigin::Validator;
    let fixture = SubmissionFixture::new("validator", &passed_verdict());
    fixture.export("v1.37");
    assert_eq!(fixture.findings(), []);
    let status = "status: \"Implemented\"";
    let junit = "file://pod_autoscaling/junit.xml#TestPodAutoscaling";
    assert_eq!(
        fixture.findings_after("pod_autoscaling/manifest.json", "\"format\"", "\"form\""),
        [("manifest", RuleOrigin::Reviewer)]
    );
    for (from, to, expected) in [
        ("spec:", "spec: [", "yaml-syntax"),
        ("spec:", "spec: 5", "yaml-syntax"),
        (status, "status: [Implemented]", "yaml-type"),
        ("spec:", "speck:", "spec-section-missing"),
        ("  schedulingOrchestration:", "  scheduling:", "category-missing"),
        ("- id: pod_autoscaling", "- id: pod-autoscaling", "requirement-missing"),
        (status, "status: \"Not Implemented\"", "must-unmet"),
        (status, "status: Partially Implemented", "must-unmet"),
        (junit, "../other/junit.xml", "evidence-outside"),
        (junit, "file://v1.36/acme/junit.xml", "evidence-foreign"),
        (junit, "pod_autoscaling/junit2.xml", "evidence-absent"),
        (junit, "file://pod_autoscaling/junit.xml#TestOther", "test-absent"),
    ] {
        assert_eq!(fixture.findings_after(ENTRY, from, to), [(expected, Validator)], "{from} -> {to}");
    }
    assert_eq!(
        fixture.findings_after(ENTRY, status, "status: Done"),
        [("status-unknown", Validator), ("must-unmet", Validator)]
    );
    let notes = |text: &str| {
        let at = text.find("notes: ").unwrap();
        text[at..].trim_end().to_owned()
    };
    let old = std::fs::read_to_string(fixture.product_dir("v1.37").join(ENTRY)).unwrap();
    let without = format!("{status}\n      notes: \"\"");
    assert_eq!(fixture.findings_after(ENTRY, &notes(&old), "notes: \"\""), []);
    let na = old.replace(&notes(&old), "").replace(status, &without.replace("Implemented", "N/A"));
    assert_eq!(fixture.findings_after(ENTRY, &old, &na), [("must-unmet", Validator), ("notes-missing", Validator)]);
    // Other notations of the same file.
    for entry in [
        "pod_autoscaling/junit.xml",
        "pod_autoscaling/junit.xml#TestPodAutoscaling/Cleanup",
        "file:///v1.37/acme/pod_autoscaling/junit.xml",
    ] {
        assert_eq!(fixture.findings_after(ENTRY, junit, entry), [], "{entry}");
    }
}

#[test]
fn our_validator_finds_artifacts_that_the_programs_validator_rejects() {
    use RuleOrigin::{Reviewer, Validator};
    let fixture = SubmissionFixture::new("artifacts", &passed_verdict());
    fixture.export("v1.37");
    let log = "pod_autoscaling/e2e.log";
    // The bundle's manifest reveals any edit after the export.
    assert_eq!(
        fixture.findings_after(log, "TestPodAutoscaling (1.50s)", "TestPodAutoscaling (9.50s)"),
        [("altered", Reviewer)]
    );
    assert_eq!(fixture.findings_after("pod_autoscaling/scenario.yaml", "name:", "name: "), [("altered", Reviewer)]);
    fixture.remove_manifest();
    assert_eq!(fixture.findings_after("pod_autoscaling/junit.xml", "</testsuites>", ""), [("xml-invalid", Validator)]);
    assert_eq!(
        fixture.findings_after("pod_autoscaling/results.json", "{\"Time\"", "x{\"Time\""),
        [("json-invalid", Validator)]
    );
    assert_eq!(fixture.findings_after(log, "--- ", "-- "), [("log-no-test", Validator)]);
    // One failing test: the validator rejects the file, and the other two artifacts disagree with it.
    let failed = fixture.findings_after(
        log,
        "--- PASS: TestPodAutoscaling/ScaleUp/ReplicasRise",
        "--- FAIL: TestPodAutoscaling/ScaleUp/ReplicasRise",
    );
    assert_eq!(failed, [("tests-failing", Validator), ("agreement", Reviewer), ("agreement", Reviewer)]);
    let root = fixture.findings_after(log, "--- PASS: TestPodAutoscaling (", "--- SKIP: TestPodAutoscaling (");
    assert_eq!(root, [("test-skipped", Validator), ("agreement", Reviewer), ("agreement", Reviewer)]);
}

#[test]
fn our_validator_finds_what_the_programs_validator_overlooks() {
    use RuleOrigin::{Reviewer, Validator};
    let fixture = SubmissionFixture::new("overlooked", &passed_verdict());
    fixture.export("v1.37");
    fixture.remove_manifest();
    let log = "pod_autoscaling/e2e.log";
    let agreement = ("agreement", Reviewer);
    assert_eq!(
        fixture.findings_after(log, "TestPodAutoscaling/ScaleUp/ReplicasRise", "TestPodAutoscaling/ScaleUp/Other"),
        [agreement; 2]
    );
    // Artifacts without parent tests still agree.
    assert_eq!(fixture.findings_after(log, "--- PASS: TestPodAutoscaling/ScaleUp (", "PASS ("), []);
    assert_eq!(fixture.findings_after(ENTRY, "must function correctly", "should function"), [("unedited", Reviewer)]);
    assert_eq!(fixture.findings_after(ENTRY, "level: MUST", "level: SHOULD"), [("unedited", Reviewer)]);
    assert_eq!(
        fixture.findings_after(ENTRY, "evidence:\n        - ", "evidence: []\n      more:\n        - "),
        [("evidence", Reviewer)]
    );
    assert_eq!(
        fixture.findings_after(ENTRY, "evidence:\n        - ", "evidence: [null, \"\"]\n      more:\n        - "),
        [("evidence", Reviewer)]
    );
    let duplicate = "  schedulingOrchestration:\n    - {id: pod_autoscaling, status: N/A}\n";
    assert_eq!(fixture.findings_after(ENTRY, "  schedulingOrchestration:\n", duplicate), [("duplicate", Reviewer)]);
    assert_eq!(
        fixture.findings_after("pod_autoscaling/README.md", "# pod_autoscaling", "FORCED EXPORT"),
        [("forced", Reviewer)]
    );
    // Without a fragment the validator accepts a run that skipped everything.
    let log_only = fixture.findings_after(ENTRY, "#TestPodAutoscaling", "");
    assert_eq!(log_only, []);
    for name in ["junit.xml", "results.json"] {
        std::fs::remove_file(fixture.product_dir("v1.37").join("pod_autoscaling").join(name)).unwrap();
    }
    assert_eq!(
        fixture.findings_after(log, "--- PASS", "--- SKIP"),
        [
            ("evidence-absent", Validator),
            ("evidence-absent", Validator),
            ("test-skipped", Validator),
            ("skipped", Reviewer)
        ]
    );
}

const OTHER_CATEGORIES: &str = "  accelerators:
    - {id: driver_runtime_management}
    - {id: gpu_sharing}
    - {id: virtualized_accelerator}
  networking:
    - {id: ai_inference, status: Implemented, evidence: [PRODUCT.yaml]}
    - {id: advanced_inference_ingress}
    - {id: high_performance_networking}
    - {id: disaggregated_inference}
  observability:
    - {id: accelerator_metrics, status: Implemented}
    - {id: ai_service_metrics, status: Implemented}
  security:
    - {id: secure_accelerator_access, status: Implemented}
    - {id: workload_sandboxing}
  operator:
    - {id: robust_controller, status: Implemented}
  schedulingOrchestration:
    - {id: gang_scheduling, status: Implemented}
    - {id: cluster_autoscaling, status: N/A, notes: no node autoscaler}
";

const METADATA: &str = "metadata:
  kubernetesVersion: v1.37
  platformName: Acme
  platform_version: \"2.0\"
  vendorName: Acme
  websiteUrl: https://acme.example
  documentationUrl: https://acme.example/docs
  productLogoUrl: https://acme.example/logo.svg
  description: A platform.
  contactEmailAddress: ai@acme.example
  k8sConformanceUrl: https://github.com/cncf/k8s-conformance/tree/master/v1.37/acme
";

#[test]
fn the_whole_product_yaml_is_checked_if_it_exists_and_urls_are_not_fetched() {
    let fixture = SubmissionFixture::new("product", &passed_verdict());
    fixture.export("v1.37");
    let dir = fixture.product_dir("v1.37");
    let entry = std::fs::read_to_string(dir.join(ENTRY)).unwrap();
    let more = "        - \"https://docs.example/hpa\"\n      notes:";
    let entry = entry.replace("      notes:", more);
    let (_, ours) = entry.split_once("schedulingOrchestration:\n").unwrap();
    std::fs::write(dir.join("PRODUCT.yaml"), format!("{METADATA}spec:\n{OTHER_CATEGORIES}{ours}")).unwrap();
    let report = check(&dir).unwrap();
    assert_eq!(report.findings, []);
    let warnings: Vec<String> = report.warnings.iter().map(|one| format!("{} {}", one.rule, one.subject)).collect();
    let wanted = [
        "na-to-review cluster_autoscaling",
        "artifact-recommended gang_scheduling",
        "artifact-recommended secure_accelerator_access",
    ];
    assert!(warnings.len() == wanted.len() && wanted.iter().all(|one| warnings.contains(&(*one).to_owned())));
    assert!(report.unchecked.iter().any(|item| item.contains("member of the foundation")), "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("https://docs.example/hpa")), "{report:?}");
    assert!(report.notes.iter().all(|note| !note.contains("no PRODUCT.yaml")), "{report:?}");
    let changed = |from: &str, to: &str| fixture.findings_after("PRODUCT.yaml", from, to);
    let refused = |rule: &'static str| [(rule, RuleOrigin::Validator)];
    assert_eq!(changed("platformName: Acme", "platformName: \"[Acme]\""), refused("metadata-placeholder"));
    assert_eq!(changed("\"2.0\"", "2.0"), refused("metadata-no-text"));
    assert_eq!(changed("{id: gang_scheduling,", "{id: gang,"), refused("requirement-missing"));
    assert_eq!(changed("notes: no node autoscaler", ""), refused("notes-missing"));
    assert!(check(&fixture.product_dir("v1.35")).unwrap_err().contains("could not read"));
    assert!(check(&fixture.0).unwrap_err().contains("vX.Y/<dir>"));
}

/// A clone's checklist may be newer than this release, or lack a version that this release knows.
#[test]
fn the_checklist_is_the_clones_own_if_it_has_any() {
    let fixture = SubmissionFixture::new("checklist", &passed_verdict());
    fixture.export("v1.37");
    assert_eq!(fixture.findings(), []);
    let docs = fixture.0.join("docs");
    std::fs::create_dir_all(&docs).unwrap();
    let write = |version: &str, level: &str| {
        let text = format!("spec:\n  schedulingOrchestration:\n    - {{id: pod_autoscaling, level: {level}}}\n");
        std::fs::write(docs.join(format!("AIConformance-{version}.yaml")), text).unwrap();
    };
    write("1.36", "MUST");
    assert_eq!(fixture.findings(), [("checklist-absent", RuleOrigin::Validator)]);
    write("1.37", "SHOULD");
    let status = ("status: \"Implemented\"", "status: Not Implemented");
    assert_eq!(fixture.findings_after(ENTRY, status.0, status.1), []);
    write("1.37", "MUST");
    assert_eq!(fixture.findings_after(ENTRY, status.0, status.1), [("must-unmet", RuleOrigin::Validator)]);
    write("1.37", "[MUST]");
    assert_eq!(fixture.findings(), [("checklist-unreadable", RuleOrigin::Validator)]);
}

/// From submissions of v1.35: Ginkgo's log under a canonical name, and a file name with a number.
#[test]
fn an_artifact_rule_says_that_it_is_newer_than_an_older_submission() {
    let fixture = SubmissionFixture::new("ginkgo", &passed_verdict());
    let dir = fixture.product_dir("v1.35");
    std::fs::create_dir_all(dir.join(REQUIREMENT_DIR)).unwrap();
    std::fs::write(dir.join("e2e.log"), "SSSSS\nRan 11 of 7144 Specs in 3 seconds\n").unwrap();
    std::fs::write(dir.join("junit_01.xml"), "<testsuites/>").unwrap();
    let folded = "If the platform supports the HorizontalPodAutoscaler, it must function correctly for pods\n        utilizing \
        accelerators. This includes the ability to scale these Pods based on custom metrics\n        relevant to AI/ML \
        workloads.";
    let entry = format!(
        "spec:\n  schedulingOrchestration:\n    - id: pod_autoscaling\n      description: {folded}\n      level: MUST\n      \
         status: Implemented\n      evidence: [e2e.log, junit_01.xml]\n"
    );
    std::fs::write(dir.join(ENTRY), entry).unwrap();
    let report = check(&dir).unwrap();
    let [finding] = report.findings.as_slice() else { panic!("{report:?}") };
    assert!(finding.rule == "log-no-test" && finding.file == "e2e.log", "{report:?}");
    assert!(finding.message.contains("Ginkgo") && finding.message.contains("came with v1.37"), "{report:?}");
    assert!(report.notes.iter().any(|note| note.starts_with("junit_01.xml is not read")), "{report:?}");
}
