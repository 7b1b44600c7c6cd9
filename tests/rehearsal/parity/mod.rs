//! Parity tests of the simulator. They apply the same assertions to a run on the simulated platform and to the same run
//! on the rig: the same cases with the same results, the verdict that `ci/cases` expects, and durations within the
//! bounds of the run's plan.
//!
//! `ci/on-rig` makes the rig's bundles; `ci/parity DIR` compares them with the rows.

#[path = "../../../ci/expect/cases.rs"]
#[expect(dead_code, reason = "ci/expect also reads exit codes")]
mod cases;
mod compare;
mod durations;

use std::path::{Path, PathBuf};

use gpuhpa::evidence;
use gpuhpa::sim::config::{
    ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, SharedValues, SimConfig,
};
use gpuhpa::sim::faults;
use gpuhpa::units::HumanDuration;

use super::catalogue::seed_count;
use super::runner::{RehearsalDir, collect_failures, rehearse};
use cases::RigCase;
use compare::find_differences;

/// Seeds per row.
const SEEDS: u64 = 5;

/// A run that both the rig and the simulator support.
pub(super) struct ParityCase {
    /// Name in `ci/cases`.
    case: &'static str,
    /// The simulator's equivalent of the rig's variant.
    inject: fn(&mut SimConfig),
    /// The results of all cases in order: P for PASS, F for FAIL, I for INCONCLUSIVE, ? where timing decides.
    results: &'static str,
}

const fn parity_case(case: &'static str, inject: fn(&mut SimConfig), results: &'static str) -> ParityCase {
    ParityCase { case, inject, results }
}

const PARITY_CASES: &[ParityCase] = &[
    parity_case("healthy", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("min-2", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("min-2-from-start", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("slow-pipeline", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("external", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("external-value", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("adopt", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("serving", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("keda-serving", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("keda", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("keda-adopt", adopt_scaled_object, "PPPPPPPPPPPPPP"),
    parity_case("keda-second-hpa", inject_second_hpa, "PPIIIIIIIIIIIP"),
    parity_case("keda-cluster", busy_elsewhere, "PPPIPIIIIIIIPP"),
    // The timing decides which of two cases the gap of the metric falls to.
    parity_case("keda-away", |s| inject_fault("keda-operator-hangs", s), "PPPPP???????PP"),
    parity_case("keda-fallback", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("keda-adopt-fallback", adopt_falling_back, "PPPPPIIIIIIIPP"),
    parity_case("dra", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("dra-one-claim", |s| s.pipeline.shared_values = SharedValues::Whole, "PPPPPPPPIPPPPP"),
    // The run ends with the first chat, after which the claim is known.
    parity_case("dra-other-driver", |_| (), "I?IIIIIIIIIIIP"),
    parity_case("dra-no-device", |s| s.controllers.accelerators_per_node = 1, "PPPPPPPIIIPPPP"),
    parity_case("dra-no-attribution", |s| inject_fault("claims-unattributed", s), "PIIIIIIIIIIIIP"),
    parity_case("dra-invalid-template", |_| (), "IIIIIIIIIIIIII"),
    parity_case("statefulset", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("loadbalancer", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("mig", |s| inject_fault("mig-instances", s), "PPPPPPPPPPPPPP"),
    // A request for instances of a profile gets nodes that offer them.
    parity_case("mig-mixed", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("mig-percent", |s| inject_fault("mig-instances", s), "IIIIIIIIIIIIII"),
    parity_case("mig-gpu-util", |s| inject_fault("mig-instances", s), "PIIIIIIIIIIIIP"),
    parity_case("time-sliced", |s| inject_fault("gpu-shared-own-values", s), "PPPPPPPPPPPPPP"),
    parity_case("time-sliced-card", |s| inject_fault("gpu-shared-whole-values", s), "PPPPPPPPIPPPPP"),
    parity_case("time-sliced-rotating", |s| inject_fault("gpu-shared-rotating-label", s), "PPPPP???I???PP"),
    parity_case("time-sliced-none", |s| inject_fault("gpu-shared-unattributed", s), "PIIIIIIIIIIIIP"),
    parity_case("two-nodes", |s| s.controllers.accelerator_nodes = 2, "PPPPPPPPPPPPPP"),
    // The timing decides what the evicted pod has shown.
    parity_case("node-drained", drain_second_node, "PPPPP???????PP"),
    parity_case("one-node-of-two", |s| s.controllers.cpu_nodes = 1, "PPPPPPPPPPPPPP"),
    parity_case("rule-loses-namespace", |_| (), "PIIIIIIIIIIIIP"),
    parity_case("exported-namespace", |s| inject_fault("exported-namespace", s), "PIIIIIIIIIIIIP"),
    parity_case("no-metrics-api", |_| (), "PIIIIIIIIIIIIP"),
    parity_case("suse-ai", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("suse-ai-two-nodes", |s| s.controllers.accelerator_nodes = 2, "PPPPPPPPPPPPPP"),
    parity_case("suse-ai-one-worker", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("wrong-sign", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("unit-fault", |_| (), "IIIIIIIIIIIIII"),
    parity_case("unit-fault-unknown", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("contaminated", |s| s.pipeline.neighbor_utilizations = vec![95.0], "PPPIPIIIIIIIPP"),
    parity_case("frozen-low", |s| inject_fault("frozen-low", s), "PPPPPIIIIIIIPP"),
    parity_case("frozen-high", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("hpa-controller-off", |s| inject_fault("hpa-controller-off", s), "PPFIIIIIIIIIIP"),
    parity_case("controller-stops", |s| inject_fault("hpa-stops-after-scale-up", s), "PPPPPPPPPPFIPP"),
    parity_case("second-hpa", inject_second_hpa, "PPIIIIIIIIIIIP"),
    parity_case("webhook-target", |s| inject_fault("webhook-changes-target", s), "PPIIIIIIIIIIIP"),
    parity_case("webhook-metric", |s| inject_fault("webhook-adds-metric", s), "PPIIIIIIIIIIIP"),
    parity_case("hand-up", |s| scale_with_kubectl(s, 45, 1), "PPPPIPIIIIIIPP"),
    parity_case("hand-down", |s| scale_with_kubectl(s, 20, -2), "PPPPIPIIIIIIPP"),
    parity_case("one-gpu", |s| s.controllers.accelerators_per_node = 1, "PPPPPPPIIIPPPP"),
    parity_case("crash-after-ready", |s| inject_fault("crash-after-ready", s), "PPPPPPP??IPPPP"),
    // The process that restarts has forgotten its recommendations: the bounds of the fall may not hold then.
    parity_case("restart-in-fall", |s| inject_fault("manager-restarts-in-scale-down", s), "PPPPPPPPPP??PP"),
    parity_case("no-accelerator", |_| (), "IIIIIIIIIIIIIP"),
    // The run ends with the first chat, after which the metric may be served already.
    parity_case("not-stand-in", |_| (), "I?IIIIIIIIIIIP"),
    parity_case("model-missing", |_| (), "PPPPPIIIIIIIPP"),
];

/// Configures the platform like the rig: one node with four stand-ins of 1 GiB each.
fn apply_rig_config(config: &mut SimConfig) {
    (config.controllers.accelerator_nodes, config.controllers.accelerators_per_node) = (1, 4);
    config.ollama.stand_in = true;
    (config.pipeline.device_memory_mib, config.ollama.model_mib) = (1024, 64);
}

/// The ScaledObject of the rig's variant keda-adopt.
fn adopt_scaled_object(config: &mut SimConfig) {
    let text = include_str!("../../../ci/rig/scenarios/keda.yaml");
    let overlay: serde_json::Value = serde_saphyr::from_str(text).expect("an overlay");
    config.controllers.scaled_object = Some(("ollama".to_owned(), overlay["scaledObject"]["spec"].clone()));
}

/// As [`adopt_scaled_object`], with the trigger and the fallback of the variant keda-adopt-fallback.
fn adopt_falling_back(config: &mut SimConfig) {
    adopt_scaled_object(config);
    let (_, spec) = config.controllers.scaled_object.as_mut().expect("a ScaledObject");
    let metadata = &mut spec["triggers"][0]["metadata"];
    metadata["serverAddress"] = "http://victoria-metrics.monitoring.svc:8428/no-store".into();
    spec["fallback"] = serde_json::json!({"failureThreshold": 3, "replicas": 1});
}

fn busy_elsewhere(config: &mut SimConfig) {
    config.pipeline.neighbor_utilizations = vec![95.0];
    config.pipeline.neighbor_namespace = Some("elsewhere".to_owned());
}

/// Two nodes, of which one is drained when the second pod is ready, and schedulable again at once.
fn drain_second_node(config: &mut SimConfig) {
    config.controllers.accelerator_nodes = 2;
    let time = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(15) };
    let action = InjectionAction::NodeDrained(HumanDuration::from_secs(5));
    config.controllers.injections.push(ClusterInjection { time, action });
}

fn inject_second_hpa(config: &mut SimConfig) {
    config.controllers.extra_namespaces = vec!["gpuhpa".to_owned()];
    inject_fault("second-hpa", config);
}

/// Changes the replicas with kubectl `after_s` seconds after the first scale-up.
fn scale_with_kubectl(config: &mut SimConfig, after_s: u64, by: i32) {
    let time = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(after_s) };
    config.controllers.injections.push(ClusterInjection { time, action: InjectionAction::PatchScale(by) });
}

/// Injects a fault of the catalogue.
fn inject_fault(name: &str, config: &mut SimConfig) {
    (faults::find(name).expect("a fault of the catalogue").inject)(config);
}

/// Runs a row on the simulated rig, into a directory.
fn run_on_simulated_rig(row: &ParityCase, expected: &RigCase, seed: u64, dir: &Path) {
    let scenario = gpuhpa::scenario::load(&expected.scenarios, None).expect(row.case);
    let mut config = SimConfig::from_scenario(&scenario, seed);
    apply_rig_config(&mut config);
    (row.inject)(&mut config);
    rehearse(config, &scenario, dir);
}

/// The cases that the variable `CASES` names; all rows without it.
#[expect(clippy::disallowed_methods, reason = "ci/parity and the developer name the cases")]
fn selected_cases() -> Vec<&'static ParityCase> {
    let cases = std::env::var("CASES").unwrap_or_default();
    match cases.split_whitespace().map(find_case).collect::<Vec<_>>() {
        cases if cases.is_empty() => PARITY_CASES.iter().collect(),
        cases => cases,
    }
}

#[test]
fn the_simulator_has_the_results_expected_of_the_rig() {
    let (rows, seeds) = (selected_cases(), seed_count(SEEDS));
    let failures = collect_failures("parity", rows.len() as u64 * seeds, |number, dir| {
        let (row, seed) = (rows[usize::try_from(number / seeds).expect("small")], number % seeds);
        let expected = RigCase::load(row.case).expect("a row");
        run_on_simulated_rig(row, &expected, seed, dir);
        let differences = find_differences(dir, row, &expected);
        std::fs::remove_dir_all(dir).expect("the directory");
        (!differences.is_empty()).then(|| format!("seed {seed}: {}", differences.join("\n")))
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// `PARITY=DIR`: the rig's bundles, as `OUT=DIR ci/on-rig CASE...` writes them. `CASES`: the required cases; all rows
/// if it is empty.
#[test]
#[ignore = "needs bundles of the rig: ci/parity"]
#[expect(clippy::disallowed_methods, reason = "ci/parity names the directory")]
fn the_rig_has_the_results_of_the_simulator() {
    let dir = PathBuf::from(std::env::var("PARITY").expect("PARITY=DIR names the directory of the rig's bundles"));
    let mut failures = Vec::new();
    for row in selected_cases() {
        let case = row.case;
        let (expected, bundle) = (RigCase::load(case).expect("a row"), dir.join(format!("{case}-1")));
        failures.extend(find_differences(&bundle, row, &expected));
        // Where timing decides a case, it decides which parts a run has. Elsewhere too the seeds may differ: with oscillating
        // replicas there may be nothing to scale down.
        if row.results.contains('?') {
            continue;
        }
        let parts = |seed| {
            let simulated = RehearsalDir::new("parity-simulated");
            run_on_simulated_rig(row, &expected, seed, simulated.path());
            durations::measured_parts(simulated.path())
        };
        let (rig, simulator) =
            (durations::measured_parts(&bundle), (0..seed_count(SEEDS)).map(parts).collect::<Vec<_>>());
        if !simulator.contains(&rig) {
            failures.push(format!("{case}: the rig has the durations {rig:?}, the simulator {simulator:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn find_case(case: &str) -> &'static ParityCase {
    PARITY_CASES
        .iter()
        .find(|row| row.case == case)
        .unwrap_or_else(|| panic!("{case}: the simulator does not support this case"))
}

#[test]
fn other_results_other_durations_and_an_altered_bundle_are_detected() {
    let (healthy, other) = (find_case("healthy"), find_case("hpa-controller-off"));
    let dir = RehearsalDir::new("parity");
    run_on_simulated_rig(healthy, &RigCase::load(healthy.case).expect("a row"), 1, dir.path());
    let differences = find_differences(dir.path(), other, &RigCase::load(other.case).expect("a row"));
    assert!(
        matches!(&differences[..], [cases, decided] if cases.contains("the cases are") && decided.contains("decided by")),
        "{differences:?}"
    );

    let mut bundle = evidence::open_bundle(dir.path()).expect("a bundle");
    let verdict = bundle.verdict.clone().expect("a verdict");
    let mut violations = |scale: fn(u64) -> u64| {
        let terms = bundle.plan.bounds.iter_mut().flat_map(|bound| &mut bound.terms);
        terms.for_each(|term| term.ms = scale(term.ms));
        durations::measure_run(&bundle, &verdict)
            .iter()
            .filter_map(durations::MeasuredDuration::violation)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(violations(|ms| ms), "");
    let short = violations(|ms| ms / 100);
    let parts = ["first HPA sync", "idle baseline", "scale-up", "pod startup", "hold", "scale-down"];
    assert!(parts.iter().all(|part| short.contains(part)), "{short}");
    let long = violations(|ms| ms * 1000);
    assert!(long.contains("hold") && long.contains("idle baseline"), "{long}");

    let timeline = dir.path().join("timeline.jsonl");
    let text = std::fs::read_to_string(&timeline).expect("a timeline");
    std::fs::write(&timeline, text.trim_end()).expect("a file");
    assert!(!find_differences(dir.path(), healthy, &RigCase::load(healthy.case).expect("a row")).is_empty());
}
