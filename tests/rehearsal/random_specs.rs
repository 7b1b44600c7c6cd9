//! Random lawful specs: every HPA spec, load, size and interval that an API server takes, on a healthy or tolerably
//! disturbed cluster whose controller manager may restart. None ends in FAIL, and an INCONCLUSIVE is explained by the run.

use std::fmt::Write as _;
use std::path::Path;

use gpuhpa::model::verdict::CaseResult;
use gpuhpa::seed::SplitMix64;
use gpuhpa::sim::config::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, SimConfig};
use gpuhpa::sim::faults::{self, FaultSpec};
use gpuhpa::units::HumanDuration;

use super::runner::{collect_failures, rehearse_with_timeout};
use super::true_reasons::{DrawnRun, is_true_of};

/// Specs without the variable `SPECS`.
const SPECS: u64 = 2000;

struct Draw(SplitMix64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// Scaling rules of one direction, in flow style.
fn draw_rules(draw: &mut Draw, windows: &[Option<u64>]) -> String {
    let window = draw.pick(windows);
    let mut text = String::from("{");
    if let Some(window) = window {
        write!(text, "stabilizationWindowSeconds: {window}, ").expect("a string");
    }
    let tolerance = draw.pick(&["", "", "", "\"0\"", "50m", "300m"]);
    if !tolerance.is_empty() {
        write!(text, "tolerance: {tolerance}, ").expect("a string");
    }
    if draw.below(3) > 0 {
        text += "policies: [";
        for _ in 0..draw.between(1, 2) {
            let (kind, value) = draw.pick(&[
                ("Pods", 1),
                ("Pods", 2),
                ("Pods", 4),
                ("Percent", 50),
                ("Percent", 100),
                ("Percent", 200),
            ]);
            // A percentage above 100 removes more pods than there are: the API server takes it.
            write!(text, "{{type: {kind}, value: {value}, periodSeconds: {}}}, ", draw.pick(&[5, 15, 30, 60]))
                .expect("a string");
        }
        text += "], ";
    }
    write!(text, "selectPolicy: {}}}", draw.pick(&["Max", "Max", "Min"])).expect("a string");
    text
}

/// The scenario file that a number stands for, with the replicas that it must reach and the target value.
fn draw_overlay(draw: &mut Draw) -> (String, i32, f64) {
    let min = draw.pick(&[1, 1, 1, 2]);
    let max = min + draw.between(1, 4);
    let expected = draw.between(min + 1, max.min(min + 2));
    let target = draw.pick(&[15.0, 30.0, 45.0, 60.0, 62.5, 75.0]);
    let up = draw_rules(draw, &[None, Some(0), Some(0), Some(15), Some(40)]);
    let windows = [None, Some(0), Some(30), Some(60), Some(60), Some(90), Some(120), Some(150)];
    let down = draw_rules(draw, &windows);
    let behavior = match draw.below(10) {
        0 => "null".to_owned(),
        1 => format!("{{scaleUp: null, scaleDown: {down}}}"),
        _ => format!("{{scaleUp: {up}, scaleDown: {down}}}"),
    };
    let flag_window_s = draw.pick(&[30, 60, 100]);
    let sync_s = draw.pick(&[5, 10, 15, 15]);
    let pipeline_s = [draw.pick(&[1, 2, 5, 10, 15]), draw.pick(&[1, 5, 10, 15]), draw.pick(&[0, 5, 10])];
    let pod_start_s = draw.pick(&[60, 120]);
    let concurrency = draw.between(1, 16);
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/ollama-gpu-utilization.yaml");
    let overlay = format!(
        "extends: {}\nreleases: {{ollama: {{values: {{replicaCount: {min}}}}}}}\nexpect: {{replicas: {expected}}}\n\
         hpa:\n  spec:\n    minReplicas: {min}\n    maxReplicas: {max}\n    behavior: {behavior}\n    metrics:\n      - type: Pods\n        pods:\n          metric: {{name: gpu_utilization}}\n          target: {{type: AverageValue, averageValue: \"{target}\"}}\n\
         load: {{concurrency: {concurrency}}}\nphases: {{baselineSyncPeriods: {}}}\n\
         assumptions: {{syncPeriod: {sync_s}s, downscaleStabilization: {flag_window_s}s, exporterInterval: {}s, scrapeInterval: {}s, storeOffset: {}s, relistInterval: 20s, podStart: {pod_start_s}s}}\n",
        base.display(),
        draw.pick(&[2, 3, 5]),
        pipeline_s[0],
        pipeline_s[1],
        pipeline_s[2],
    );
    (overlay, i32::try_from(expected).expect("small"), target)
}

/// The run that a number stands for.
fn draw_run(number: u64) -> DrawnRun {
    let mut draw = Draw(SplitMix64::new(number ^ 0x7370_6563));
    let (overlay, expected, target) = draw_overlay(&mut draw);
    let file = std::env::temp_dir().join(format!("gpuhpa-spec-{}-{number}.yaml", std::process::id()));
    std::fs::write(&file, &overlay).expect("the scenario file");
    let loaded = gpuhpa::scenario::load(std::slice::from_ref(&file), None);
    std::fs::remove_file(&file).expect("the scenario file");
    let scenario = loaded.unwrap_or_else(|error| panic!("{number}: {error}\n{overlay}"));
    let mut config = SimConfig::from_scenario(&scenario, number).randomized(&scenario);
    let disturbances: Vec<&'static FaultSpec> = faults::tolerated().collect();
    let disturbance = (draw.below(3) == 0).then(|| draw.pick(&disturbances));
    if let Some(disturbance) = disturbance {
        (disturbance.inject)(&mut config);
    }
    let restarts = if draw.below(3) == 0 { draw.between(1, 3) } else { 0 };
    for _ in 0..restarts {
        let trigger = draw.pick(&[
            InjectionTrigger::HpaCreated,
            InjectionTrigger::FirstScaleUp,
            InjectionTrigger::FirstScaleDown,
        ]);
        let after = HumanDuration::from_ms(draw.below(100_000));
        let time = InjectionTime { trigger, after };
        config.controllers.injections.push(ClusterInjection { time, action: InjectionAction::ManagerRestart });
    }
    let disturbance = disturbance.map_or("no disturbance", |disturbance| disturbance.name);
    let text = format!("{disturbance}, {restarts} restarts of the controller manager\n{overlay}");
    DrawnRun { text, scenario, config, disturbance, expected, target }
}

/// A number from the environment: `FIRST_SPEC=2000 SPECS=20000`.
#[expect(clippy::disallowed_methods, reason = "the developer may change the number of specs")]
fn number_from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What is wrong with the run that a number stands for.
#[expect(clippy::print_stdout, reason = "tells a developer where the bundle is")]
fn check_run(number: u64, dir: &Path, keep: bool) -> Option<String> {
    let run = draw_run(number);
    let outcome = rehearse_with_timeout(run.config.clone(), &run.scenario, dir);
    if keep {
        println!("{}bundle: {}", run.text, dir.display());
    } else {
        std::fs::remove_dir_all(dir).expect("the directory");
    }
    let Some(verdict) = outcome.map(|outcome| outcome.verdict) else {
        return Some(format!("spec {number}: the run timed out: {}", run.text));
    };
    let is_lawful = match verdict.result {
        CaseResult::Pass => verdict.restored,
        CaseResult::Inconclusive => verdict.restored && is_true_of(&run, &verdict),
        CaseResult::Fail | CaseResult::NotApplicable => false,
    };
    (!is_lawful).then(|| format!("spec {number}: {}: {}: {}", verdict.title(), verdict.reason, run.text))
}

/// None ends in FAIL, and an INCONCLUSIVE has a reason that is true of the run.
#[test]
fn a_lawful_spec_passes_or_says_what_is_so() {
    let (first, count) = (number_from_env("FIRST_SPEC", 0), number_from_env("SPECS", SPECS));
    // A single spec is one to look at: its bundle stays.
    let failures = collect_failures("random-specs", count, |number, dir| check_run(first + number, dir, count == 1));
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
