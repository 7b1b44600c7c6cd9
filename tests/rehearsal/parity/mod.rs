//! Parity: the simulator is under test here. One body of assertions, for a run on the simulated platform and for the same
//! run on the rig: the same cases with the same results, the verdict that `ci/cases` wants, and times within the bounds of
//! the run's own plan.
//!
//! The rig's bundles come from `ci/on-rig`; `ci/parity DIR` holds them against the rows.

mod body;
mod cases;
mod spans;

use std::path::{Path, PathBuf};

use gpuhpa::evidence;
use gpuhpa::sim::{Mishap, Moment, Setting, What, When, faults};
use gpuhpa::units::Span;

use super::bench::{Folder, for_each, rehearse};
use body::differences;
use cases::Wanted;

/// Seeds of each row.
const SEEDS: u64 = 5;

/// A run that both can make.
pub(super) struct Row {
    /// Its name in `ci/cases`.
    case: &'static str,
    /// What stands for the rig's variant.
    spoil: fn(&mut Setting),
    /// The results of all cases in their order: P for PASS, F for FAIL, I for INCONCLUSIVE.
    results: &'static str,
}

const fn row(case: &'static str, spoil: fn(&mut Setting), results: &'static str) -> Row {
    Row { case, spoil, results }
}

const ROWS: &[Row] = &[
    row("healthy", |_| (), "PPPPPPPPPPPPPP"),
    row("slow-pipeline", |_| (), "PPPPPPPPPPPPPP"),
    row("statefulset", |_| (), "PPPPPPPPPPPPPP"),
    row("loadbalancer", |_| (), "PPPPPPPPPPPPPP"),
    row("rule-loses-namespace", |_| (), "PIIIIIIIIIIIIP"),
    row("exported-namespace", |s| fault("exported-namespace", s), "PIIIIIIIIIIIIP"),
    row("no-metrics-api", |_| (), "PIIIIIIIIIIIIP"),
    row("suse-ai-one-worker", |_| (), "PPPPPIIIIIIIPP"),
    row("wrong-sign", |_| (), "PPPPPIIIIIIIPP"),
    row("unit-fault-unknown", |_| (), "PPPPPIIIIIIIPP"),
    row("contaminated", |s| s.pipeline.neighbours = vec![95.0], "PPPIPIIIIIIIPP"),
    row("frozen-low", |s| fault("frozen-low", s), "PPPPPIIIIIIIPP"),
    row("frozen-high", |_| (), "PPPPPIIIIIIIPP"),
    row("hpa-controller-off", |s| fault("hpa-controller-off", s), "PPFIIIIIIIIIIP"),
    row("controller-stops", |s| fault("hpa-stops-after-rise", s), "PPPPPPPPPPFIPP"),
    row("second-hpa", second_hpa, "PPIIIIIIIIIIIP"),
    row("hand-up", |s| hand(s, 45, 1), "PPPPIPIIIIIIPP"),
    row("hand-down", |s| hand(s, 20, -2), "PPPPIPIIIIIIPP"),
    row("one-gpu", |s| s.controllers.accelerators = 1, "PPPPPPPIIPPPPP"),
    row("no-accelerator", |_| (), "IIIIIIIIIIIIIP"),
    row("not-stand-in", |_| (), "PPPPPIPPFIIIPP"),
    row("model-missing", |_| (), "PPPPPIIIIIIIPP"),
];

/// The rig: one node with four stand-ins of 1 GiB each.
fn rig(setting: &mut Setting) {
    (setting.controllers.nodes, setting.controllers.accelerators) = (1, 4);
    setting.servers.stand_in = true;
    (setting.pipeline.memory_mib, setting.servers.model_mib) = (1024, 64);
}

fn second_hpa(setting: &mut Setting) {
    setting.controllers.namespaces = vec!["gpuhpa".to_owned()];
    fault("second-hpa", setting);
}

/// Somebody changes the size so long after it has risen.
fn hand(setting: &mut Setting, after_s: u64, by: i32) {
    let when = When { moment: Moment::FirstRise, after: Span::from_secs(after_s) };
    setting.controllers.mishaps.push(Mishap { when, what: What::Scales(by) });
}

/// Makes the platform as a fault of the catalogue has it.
fn fault(name: &str, setting: &mut Setting) {
    (faults::find(name).expect("a fault of the catalogue").spoil)(setting);
}

/// A run of a row on the simulated rig, into this folder.
fn on_the_simulated_rig(row: &Row, wanted: &Wanted, seed: u64, dir: &Path) {
    let scenario = gpuhpa::scenario::load(&wanted.scenarios, None).expect(row.case);
    let mut setting = Setting::of(&scenario, seed);
    rig(&mut setting);
    (row.spoil)(&mut setting);
    rehearse(setting, &scenario, dir);
}

#[test]
fn the_simulator_ends_as_the_rig_must() {
    let wrong = for_each("parity", ROWS.len() as u64 * SEEDS, |number, dir| {
        let (row, seed) = (&ROWS[usize::try_from(number / SEEDS).expect("small")], number % SEEDS);
        let wanted = Wanted::of(row.case);
        on_the_simulated_rig(row, &wanted, seed, dir);
        let told = differences(dir, row, &wanted);
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
        none if none.is_empty() => ROWS.iter().map(|row| row.case).collect(),
        some => some,
    };
    let mut wrong = Vec::new();
    for case in cases {
        let (row, wanted, bundle) = (named(case), Wanted::of(case), dir.join(format!("{case}-1")));
        wrong.extend(differences(&bundle, row, &wanted));
        // How far a run comes hangs on the moment in some: under a size that swings there may be nothing left to fall.
        let parts = |seed| {
            let simulated = Folder::new("parity-beside");
            on_the_simulated_rig(row, &wanted, seed, simulated.path());
            spans::parts(simulated.path())
        };
        let (rig, simulator) = (spans::parts(&bundle), (0..SEEDS).map(parts).collect::<Vec<_>>());
        if !simulator.contains(&rig) {
            wrong.push(format!("{case}: times of {rig:?} on the rig, of {simulator:?} in the simulator"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn named(case: &str) -> &'static Row {
    ROWS.iter().find(|row| row.case == case).unwrap_or_else(|| panic!("{case}: the simulator has no such run"))
}

#[test]
fn another_ending_another_time_and_an_altered_bundle_are_noticed() {
    let (healthy, other) = (named("healthy"), named("hpa-controller-off"));
    let folder = Folder::new("parity");
    on_the_simulated_rig(healthy, &Wanted::of(healthy.case), 1, folder.path());
    let told = differences(folder.path(), other, &Wanted::of(other.case));
    assert!(
        matches!(&told[..], [cases, decided] if cases.contains("the cases are") && decided.contains("decided by")),
        "{told:?}"
    );

    let mut held = evidence::open(folder.path()).expect("a bundle");
    let verdict = held.verdict.clone().expect("a verdict");
    let mut outside = |factor: fn(u64) -> u64| {
        let terms = held.plan.bounds.iter_mut().flat_map(|bound| &mut bound.terms);
        terms.for_each(|term| term.ms = factor(term.ms));
        spans::of(&held, &verdict).iter().filter_map(spans::Measured::outside).collect::<Vec<_>>().join("; ")
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
    assert!(!differences(folder.path(), healthy, &Wanted::of(healthy.case)).is_empty());
}
