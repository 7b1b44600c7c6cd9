//! Parity: the simulator is under test here. One body of assertions, for a run on the simulated platform and for the same
//! run on the rig: the same cases with the same results, the verdict that `ci/cases` wants, and times within the bounds of
//! the run's own plan.
//!
//! The rig's bundles come from `ci/on-rig`; `ci/parity DIR` holds them against the rows.

mod cases;
mod compare;
mod durations;

use std::path::{Path, PathBuf};

use gpuhpa::evidence;
use gpuhpa::sim::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, SimConfig, faults};
use gpuhpa::units::HumanDuration;

use super::runner::{RehearsalDir, collect_failures, rehearse};
use cases::ExpectedCase;
use compare::find_differences;

/// Seeds of each row.
const SEEDS: u64 = 5;

/// A run that both can make.
pub(super) struct ParityCase {
    /// Its name in `ci/cases`.
    case: &'static str,
    /// What stands for the rig's variant.
    inject: fn(&mut SimConfig),
    /// The results of all cases in their order: P for PASS, F for FAIL, I for INCONCLUSIVE.
    results: &'static str,
}

const fn parity_case(case: &'static str, spoil: fn(&mut SimConfig), results: &'static str) -> ParityCase {
    ParityCase { case, inject: spoil, results }
}

const PARITY_CASES: &[ParityCase] = &[
    parity_case("healthy", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("slow-pipeline", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("statefulset", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("loadbalancer", |_| (), "PPPPPPPPPPPPPP"),
    parity_case("rule-loses-namespace", |_| (), "PIIIIIIIIIIIIP"),
    parity_case("exported-namespace", |s| inject_fault("exported-namespace", s), "PIIIIIIIIIIIIP"),
    parity_case("no-metrics-api", |_| (), "PIIIIIIIIIIIIP"),
    parity_case("suse-ai-one-worker", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("wrong-sign", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("unit-fault-unknown", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("contaminated", |s| s.pipeline.neighbor_utilizations = vec![95.0], "PPPIPIIIIIIIPP"),
    parity_case("frozen-low", |s| inject_fault("frozen-low", s), "PPPPPIIIIIIIPP"),
    parity_case("frozen-high", |_| (), "PPPPPIIIIIIIPP"),
    parity_case("hpa-controller-off", |s| inject_fault("hpa-controller-off", s), "PPFIIIIIIIIIIP"),
    parity_case("controller-stops", |s| inject_fault("hpa-stops-after-rise", s), "PPPPPPPPPPFIPP"),
    parity_case("second-hpa", inject_second_hpa, "PPIIIIIIIIIIIP"),
    parity_case("hand-up", |s| scale_with_kubectl(s, 45, 1), "PPPPIPIIIIIIPP"),
    parity_case("hand-down", |s| scale_with_kubectl(s, 20, -2), "PPPPIPIIIIIIPP"),
    parity_case("one-gpu", |s| s.controllers.accelerators_per_node = 1, "PPPPPPPIIPPPPP"),
    parity_case("no-accelerator", |_| (), "IIIIIIIIIIIIIP"),
    parity_case("not-stand-in", |_| (), "PPPPPIPPFIIIPP"),
    parity_case("model-missing", |_| (), "PPPPPIIIIIIIPP"),
];

/// The rig: one node with four stand-ins of 1 GiB each.
fn apply_rig_config(setting: &mut SimConfig) {
    (setting.controllers.accelerator_nodes, setting.controllers.accelerators_per_node) = (1, 4);
    setting.ollama.stand_in = true;
    (setting.pipeline.device_memory_mib, setting.ollama.model_mib) = (1024, 64);
}

fn inject_second_hpa(setting: &mut SimConfig) {
    setting.controllers.extra_namespaces = vec!["gpuhpa".to_owned()];
    inject_fault("second-hpa", setting);
}

/// Somebody changes the size so long after it has risen.
fn scale_with_kubectl(setting: &mut SimConfig, after_s: u64, by: i32) {
    let when = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(after_s) };
    setting.controllers.injections.push(ClusterInjection { time: when, action: InjectionAction::PatchScale(by) });
}

/// Makes the platform as a fault of the catalogue has it.
fn inject_fault(name: &str, setting: &mut SimConfig) {
    (faults::find(name).expect("a fault of the catalogue").inject)(setting);
}

/// A run of a row on the simulated rig, into this folder.
fn run_on_simulated_rig(row: &ParityCase, wanted: &ExpectedCase, seed: u64, dir: &Path) {
    let scenario = gpuhpa::scenario::load(&wanted.scenarios, None).expect(row.case);
    let mut setting = SimConfig::from_scenario(&scenario, seed);
    apply_rig_config(&mut setting);
    (row.inject)(&mut setting);
    rehearse(setting, &scenario, dir);
}

#[test]
fn the_simulator_ends_as_the_rig_must() {
    let wrong = collect_failures("parity", PARITY_CASES.len() as u64 * SEEDS, |number, dir| {
        let (row, seed) = (&PARITY_CASES[usize::try_from(number / SEEDS).expect("small")], number % SEEDS);
        let wanted = ExpectedCase::load(row.case);
        run_on_simulated_rig(row, &wanted, seed, dir);
        let told = find_differences(dir, row, &wanted);
        std::fs::remove_dir_all(dir).expect("the folder");
        (!told.is_empty()).then(|| format!("seed {seed}: {}", told.join("\n")))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `PARITY=DIR`: bundles of the rig, as `OUT=DIR ci/on-rig CASE...` leaves them. `CASES`: those that must be there; all
/// rows where it is empty.
#[test]
#[ignore = "needs bundles of the rig: ci/parity"]
#[expect(clippy::disallowed_methods, reason = "folder and cases are named by hand")]
fn the_rig_ends_as_the_simulator_does() {
    let dir = PathBuf::from(std::env::var("PARITY").expect("PARITY=DIR names the folder of the rig's bundles"));
    let cases = std::env::var("CASES").unwrap_or_default();
    let cases: Vec<&str> = match cases.split_whitespace().collect::<Vec<_>>() {
        none if none.is_empty() => PARITY_CASES.iter().map(|row| row.case).collect(),
        some => some,
    };
    let mut wrong = Vec::new();
    for case in cases {
        let (row, wanted, bundle) = (find_case(case), ExpectedCase::load(case), dir.join(format!("{case}-1")));
        wrong.extend(find_differences(&bundle, row, &wanted));
        // How far a run comes hangs on the moment in some: under a size that swings there may be nothing left to fall.
        let parts = |seed| {
            let simulated = RehearsalDir::new("parity-beside");
            run_on_simulated_rig(row, &wanted, seed, simulated.path());
            durations::measured_parts(simulated.path())
        };
        let (rig, simulator) = (durations::measured_parts(&bundle), (0..SEEDS).map(parts).collect::<Vec<_>>());
        if !simulator.contains(&rig) {
            wrong.push(format!("{case}: times of {rig:?} on the rig, of {simulator:?} in the simulator"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn find_case(case: &str) -> &'static ParityCase {
    PARITY_CASES.iter().find(|row| row.case == case).unwrap_or_else(|| panic!("{case}: the simulator has no such run"))
}

#[test]
fn another_ending_another_time_and_an_altered_bundle_are_noticed() {
    let (healthy, other) = (find_case("healthy"), find_case("hpa-controller-off"));
    let folder = RehearsalDir::new("parity");
    run_on_simulated_rig(healthy, &ExpectedCase::load(healthy.case), 1, folder.path());
    let told = find_differences(folder.path(), other, &ExpectedCase::load(other.case));
    assert!(
        matches!(&told[..], [cases, decided] if cases.contains("the cases are") && decided.contains("decided by")),
        "{told:?}"
    );

    let mut held = evidence::open_bundle(folder.path()).expect("a bundle");
    let verdict = held.verdict.clone().expect("a verdict");
    let mut outside = |factor: fn(u64) -> u64| {
        let terms = held.plan.bounds.iter_mut().flat_map(|bound| &mut bound.terms);
        terms.for_each(|term| term.ms = factor(term.ms));
        durations::measure_run(&held, &verdict)
            .iter()
            .filter_map(durations::MeasuredDuration::violation)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(outside(|ms| ms), "");
    let short = outside(|ms| ms / 100);
    let parts = ["first pass", "idle baseline", "the rise", "the start of a pod", "the hold", "the fall"];
    assert!(parts.iter().all(|what| short.contains(what)), "{short}");
    let long = outside(|ms| ms * 1000);
    assert!(long.contains("the hold") && long.contains("the idle baseline"), "{long}");

    let timeline = folder.path().join("timeline.jsonl");
    let text = std::fs::read_to_string(&timeline).expect("a timeline");
    std::fs::write(&timeline, text.trim_end()).expect("a file");
    assert!(!find_differences(folder.path(), healthy, &ExpectedCase::load(healthy.case)).is_empty());
}
