//! Each comparison holds for the kept bundles of today's rules, and fails for an altered record.

use std::collections::BTreeSet;
use std::path::Path;

use gpuhpa::evidence;
use gpuhpa::judge::Check;
use gpuhpa::model::observation::{ObservationKind, ProbeRecord};
use gpuhpa::model::reading::{MetricReading, ReadingResult};
use gpuhpa::model::revision::RULES;
use gpuhpa::model::verdict::CaseResult;

use super::cases::{ExpectedOutcome, RigCase, rows};
use super::rig_run::RigRun;
use super::{Findings, compare_run};

/// A kept bundle, as if a run had just written it.
fn kept_run(name: &str) -> RigRun {
    let path = format!("{}/fixtures/bundles/rules-{RULES}/{name}.tar.zst", env!("CARGO_MANIFEST_DIR"));
    let bundle = evidence::open_bundle(Path::new(&path)).unwrap();
    let junit = String::from_utf8(bundle.raw_files["junit.xml"].clone()).unwrap();
    RigRun {
        bundle: Some(bundle),
        junit_files: vec![("--junit".to_owned(), junit.clone()), ("junit.xml".to_owned(), junit)],
        output: String::new(),
        container_logs: Vec::new(),
    }
}

fn compare(run: &RigRun, case: &str, exit_code: i32) -> Findings {
    compare_run(run, &RigCase::load(case).unwrap(), exit_code)
}

/// The differences of a run that passed, after an alteration.
fn altered(alter: impl FnOnce(&mut RigRun)) -> Vec<String> {
    let mut run = kept_run("pass");
    alter(&mut run);
    compare(&run, "healthy", 0).differences
}

fn assert_found(differences: &[String], text: &str) {
    assert!(differences.iter().any(|difference| difference.contains(text)), "`{text}` is not in {differences:#?}");
}

fn kinds(run: &mut RigRun) -> impl Iterator<Item = &mut ObservationKind> {
    run.bundle.as_mut().unwrap().timeline.iter_mut().map(|observation| &mut observation.kind)
}

#[test]
fn the_kept_bundles_are_as_their_rows_say() {
    for (name, case, exit_code) in
        [("pass", "healthy", 0), ("fail", "hpa-controller-off", 1), ("inconclusive", "one-gpu", 3)]
    {
        let findings = compare(&kept_run(name), case, exit_code);
        assert!(findings.differences.is_empty(), "{name}: {:#?}", findings.differences);
        assert_eq!(findings.notes.is_empty(), name != "pass");
    }
}

#[test]
fn each_row_names_files_a_variant_and_cases_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci");
    let text = std::fs::read_to_string(root.join("cases")).unwrap();
    let rows = rows(&text);
    assert!(rows.len() > 40, "{}", rows.len());
    let mut used = Vec::new();
    for row in &rows {
        let case = RigCase::load(row[0]).unwrap();
        assert!((1..=case.outcomes.len()).contains(&case.exit_codes.len()), "{}", row[0]);
        let variant = root.join("rig/variants").join(format!("{}.sh", row[1]));
        assert!(row[1] == "-" || variant.exists(), "{}: there is no {}", row[0], variant.display());
        for (n, path) in case.scenarios.iter().enumerate() {
            let text = std::fs::read_to_string(path).unwrap();
            assert_eq!(text.contains("extends:"), n == 0, "{}: {}", row[0], path.display());
            used.push(path.file_name().unwrap().to_owned());
        }
    }
    for entry in std::fs::read_dir(root.join("rig/scenarios")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(used.contains(&name), "no row uses {}", name.display());
    }
    assert!(RigCase::load("no-such-case").unwrap_err().contains("no row"));
}

#[test]
fn another_end_than_the_rows_is_found() {
    let pass = kept_run("pass");
    assert_found(
        &compare(&pass, "healthy", 3).differences,
        "exit code 3; expected is exit 0: Cleanup/Restored PASS undone",
    );
    let decided = compare(&pass, "hpa-controller-off", 1).differences;
    assert_found(&decided, "ended with Cleanup/Restored PASS");
    assert_found(&compare(&pass, "oci", 0).differences, "scenario ollama-gpu-utilization-rig; the row has ");
    let mut fail = kept_run("fail");
    let verdict = |run: &mut RigRun| run.bundle.as_mut().unwrap().verdict.take().unwrap();
    let mut other = verdict(&mut fail);
    let deciding = other.cases.iter_mut().find(|case| case.name == Check::AutoscalerActive.name()).unwrap();
    deciding.reason = "another reason".to_owned();
    fail.bundle.as_mut().unwrap().verdict = Some(other);
    assert_found(&compare(&fail, "hpa-controller-off", 1).differences, "another reason; expected is");
    // Each case of a PASS decides, and `any` is none of them.
    let verdict_of_pass = pass.bundle.as_ref().and_then(|bundle| bundle.verdict.as_ref()).unwrap();
    let decides = |text: &str| ExpectedOutcome::parse(text).unwrap().is_met_by(verdict_of_pass);
    assert!(decides("ScaleUp/NewPodsRunOnAccelerators PASS 2 of 2 new pods"));
    assert!(!decides("ScaleUp/NewPodsRunOnAccelerators PASS on 2 nodes") && !decides("any PASS"));
    // Either of two outcomes is correct.
    assert!(compare(&pass, "adapter-away", 0).differences.is_empty());
    assert_found(&altered(|run| drop(verdict(run))), "no verdict.json");
    assert_found(
        &altered(|run| run.bundle.as_mut().unwrap().verdict.as_mut().unwrap().restored = false),
        "the clean-up did not remove",
    );
    let without_case = altered(|run| drop(run.bundle.as_mut().unwrap().verdict.as_mut().unwrap().cases.remove(3)));
    assert_found(&without_case, "verdict.json has the cases Setup/");
}

#[test]
fn a_refused_run_says_why_and_changes_nothing() {
    let refused = |output: &str| RigRun {
        bundle: None,
        junit_files: vec![kept_run("pass").junit_files.remove(0)],
        output: output.to_owned(),
        container_logs: Vec::new(),
    };
    let run = refused("error: this run cannot pass: selectPolicy is Disabled\n");
    assert!(compare(&run, "scale-down-disabled", 2).differences.is_empty());
    assert_eq!(run.ended(), "refused: error: this run cannot pass: selectPolicy is Disabled");
    assert_found(&compare(&refused(""), "scale-down-disabled", 2).differences, "ended with refused: without an error");
    let mut started = kept_run("pass");
    started.output = run.output;
    assert_found(&compare(&started, "scale-down-disabled", 2).differences, "ended with Cleanup/Restored PASS");
}

#[test]
fn a_junit_file_that_differs_from_the_verdict_is_found() {
    for n in [0, 1] {
        let with = |old: &str, new: &str| {
            altered(|run| {
                let text = &mut run.junit_files[n].1;
                assert!(text.contains(old), "{old}");
                *text = text.replace(old, new);
            })
        };
        let file = ["--junit", "junit.xml"][n];
        assert_found(
            &with("TestPodAutoscaling/Hold/Steady", "TestPodAutoscaling/Hold/Other"),
            &format!("{file} has the cases"),
        );
        assert_found(&with("</testsuites>", ""), &format!("{file}: "));
        let result = altered(|run| {
            let fail = kept_run("fail").junit_files.remove(n);
            run.junit_files[n] = fail;
        });
        assert_found(&result, &format!("{file}: Setup/AutoscalerActive is failure FAIL, and by verdict.json success"));
    }
    assert_found(&altered(|run| drop(run.junit_files.pop())), "the bundle has no junit.xml");
}

/// The JUnit files of a run that did not remove everything, as gpuhpa writes them.
fn render_junit(run: &RigRun) -> String {
    let bundle = run.bundle.as_ref().unwrap();
    let input = evidence::ArtifactInput {
        verdict: bundle.verdict.as_ref().unwrap(),
        inventory: &bundle.inventory,
        run: "20260101-000000-000",
        scenario: "s",
        extra_marks: &[],
    };
    let [(name, text), ..] = evidence::render_artifacts(&input).unwrap();
    assert_eq!(name, "junit.xml");
    text
}

#[test]
fn a_run_that_is_not_restored_has_an_error_of_its_own_type() {
    let with = |element: &str| {
        altered(|run| {
            let verdict = run.bundle.as_mut().unwrap().verdict.as_mut().unwrap();
            verdict.restored = false;
            let case = verdict.cases.iter_mut().find(|case| case.name == Check::Restored.name()).unwrap();
            case.result = CaseResult::Fail;
            let text = render_junit(run);
            assert!(text.contains("<error type=\"NOT RESTORED\""), "{text}");
            run.junit_files
                .iter_mut()
                .for_each(|(_, file)| *file = text.replace("error type=\"NOT RESTORED\"", element));
        })
    };
    let as_written = with("error type=\"NOT RESTORED\"");
    assert_found(&as_written, "the clean-up did not remove");
    assert!(as_written.iter().all(|difference| !difference.contains("junit")), "{as_written:#?}");
    let other = with("error type=\"INCONCLUSIVE\"");
    assert_found(&other, "junit.xml: Cleanup/Restored is error INCONCLUSIVE, and by verdict.json error NOT RESTORED");
}

#[test]
fn a_manifest_that_differs_from_the_folder_is_found() {
    let manifest = |alter: fn(&mut gpuhpa::model::manifest::Manifest)| {
        altered(|run| alter(&mut run.bundle.as_mut().unwrap().manifest))
    };
    assert_found(&manifest(|m| m.complete = false), "does not say that the bundle is complete");
    assert_found(&manifest(|m| drop(m.files.remove("load.json"))), "load.json is not in the manifest");
    assert_found(
        &manifest(|m| drop(m.files.insert("more".to_owned(), String::new()))),
        "more is in the manifest but missing",
    );
    let digest = manifest(|m| drop(m.files.insert("load.json".to_owned(), String::new())));
    assert_found(&digest, "load.json has another digest");
}

/// A run with a server that fails on purpose: its log has so many faults, and the load counted so many. The recorded run deletes
/// pods before its clean-up; `log_of_deleted` is what the bundle has as their logs.
fn set_faults(run: &mut RigRun, given: u64, counted: u64, log_of_deleted: &str) {
    let deleted: BTreeSet<String> = kinds(run)
        .filter_map(|kind| match kind {
            ObservationKind::Pod(pod) if pod.deleting => Some(pod.name.clone()),
            _ => None,
        })
        .collect();
    assert!(!deleted.is_empty());
    let log = |pod: &str, text: String| (format!("diagnostics/gpuhpa/{pod}-ollama.log"), text);
    run.container_logs = deleted.iter().map(|pod| log(pod, log_of_deleted.to_owned())).collect();
    run.container_logs.push(log("other", format!("listening\nfault 500 1\nfault 500 {given}\n")));
    let load = run.bundle.as_mut().unwrap().load.as_mut().unwrap();
    load.outcomes.insert("http-5xx".to_owned(), counted);
    load.requests += counted;
}

const COMPLETE_LOG: &str = "listening";
const NO_LOG: &str = "unable to retrieve container logs for containerd://x";

#[test]
fn faults_that_the_load_did_not_count_are_found() {
    let with = |given, counted, alter: fn(&mut RigRun)| {
        altered(|run| {
            set_faults(run, given, counted, COMPLETE_LOG);
            alter(run);
        })
    };
    assert_eq!(with(9, 9, |_| ()), [""; 0]);
    // The load cancelled six chats, whose responses were not read.
    assert_eq!(with(15, 9, |_| ()), [""; 0]);
    assert_found(&with(16, 9, |_| ()), "the server gave the faults 16 http-5xx; gpuhpa counted 9 http-5xx");
    assert_found(&with(8, 9, |_| ()), "the server gave the faults 8 http-5xx; gpuhpa counted 9 http-5xx");
    let failed_probe = with(9, 9, |run| {
        let probe = ProbeRecord { error: Some("http-5xx: x".to_owned()), ..ProbeRecord::default() };
        *kinds(run).next().unwrap() = ObservationKind::Probe(probe);
    });
    assert_found(&failed_probe, "gpuhpa counted 10 http-5xx");
    let requests = with(9, 9, |run| run.bundle.as_mut().unwrap().load.as_mut().unwrap().requests += 1);
    assert_found(&requests, "load.json has 79 requests");
    assert_found(&with(9, 9, |run| run.bundle.as_mut().unwrap().load = None), "there is no load.json");
}

#[test]
fn a_deleted_pod_without_a_log_excuses_what_the_load_counted_of_it_and_no_more() {
    let without_log = |given, counted| altered(|run| set_faults(run, given, counted, NO_LOG));
    assert_eq!(without_log(8, 9), [""; 0]);
    assert_found(&without_log(16, 9), "the server gave the faults 16 http-5xx");
}

#[test]
fn a_server_that_failed_no_chat_shows_nothing() {
    let faulty = |run: &mut RigRun| {
        let scenario = b"image: {repository: rig.local/ollama-faulty}".to_vec();
        run.bundle.as_mut().unwrap().raw_files.insert("scenario.yaml".to_owned(), scenario);
    };
    assert_found(&altered(faulty), "has failed no chat");
    assert!(
        altered(|run| {
            faulty(run);
            set_faults(run, 9, 9, COMPLETE_LOG)
        })
        .is_empty()
    );
}

#[test]
fn a_pass_without_sizes_chats_or_devices_is_found() {
    let each = |alter: fn(&mut ObservationKind)| altered(|run| kinds(run).for_each(alter));
    let sizes = |size: &'static str| {
        altered(move |run| {
            kinds(run).for_each(|kind| match kind {
                ObservationKind::Event(event) if event.reason == "SuccessfulRescale" => {
                    event.message = format!("New size: {size}; reason: x");
                }
                _ => {}
            });
        })
    };
    assert_found(&sizes("1"), "the SuccessfulRescale events have the sizes [1");
    assert_found(&sizes("3"), "the SuccessfulRescale events have the sizes [3");
    let unprobed = each(|kind| {
        if let ObservationKind::Probe(probe) = kind {
            probe.error = Some("x".to_owned())
        }
    });
    assert_found(&unprobed, "probed are {}");
    let other = each(|kind| match kind {
        ObservationKind::Probe(probe) if !probe.pod.is_empty() => probe.pod = "other".to_owned(),
        _ => {}
    });
    assert_found(&other, "probed are {\"other\"}");
    let one_device = each(|kind| match kind {
        ObservationKind::Pod(pod) if !pod.allocated_devices.is_empty() => {
            pod.allocated_devices = vec!["one".to_owned()]
        }
        _ => {}
    });
    assert_found(&one_device, "devices: {");
    let none = each(|kind| {
        if let ObservationKind::Pod(pod) = kind {
            pod.allocated_devices.clear()
        }
    });
    assert_found(&none, "devices: {}");
    // Before Kubernetes 1.36 the exporter's labels name the devices.
    let unreported = |device: Option<&'static str>, part: Option<&'static str>| {
        altered(move |run| {
            run.bundle.as_mut().unwrap().inventory.kubernetes_version = "v1.34.4".to_owned();
            kinds(run).for_each(|kind| match kind {
                ObservationKind::Pod(pod) => pod.allocated_devices.clear(),
                ObservationKind::Metric(reading) => set_device(reading, device, part),
                _ => {}
            });
        })
    };
    for (device, part) in [(None, None), (Some("one"), Some("GPU_I_ID")), (Some("one"), Some("vgpu"))] {
        assert!(unreported(device, part).is_empty(), "{:?}", unreported(device, part));
    }
    assert_found(&unreported(Some("one"), None), "the exporter names the devices");
}

/// Sets the device of every sample, and a label that names the part of it that each pod has.
fn set_device(reading: &mut MetricReading, device: Option<&str>, part: Option<&str>) {
    let (ReadingResult::Samples(samples), Some(device)) = (&mut reading.result, device) else { return };
    for sample in samples {
        let mut labels = (*sample.labels).clone();
        labels.insert("UUID".to_owned(), device.to_owned());
        labels.extend(part.zip(sample.object.clone()).map(|(label, pod)| (label.to_owned(), pod)));
        sample.labels = labels.into();
    }
}
