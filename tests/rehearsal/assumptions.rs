//! Healthy platforms whose times are a multiple of what the scenario assumes: none ends in a FAIL, and what the observations
//! refute is named. A broken controller is a FAIL whatever is assumed.

use std::path::Path;

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::{CaseResult, Verdict};
use gpuhpa::sim::config::SimConfig;
use gpuhpa::sim::faults;
use gpuhpa::units::HumanDuration;

use super::runner::{collect_failures, rehearse_with_timeout};

/// Seeds per case.
const SEEDS: u64 = 6;

/// Assumptions of a scenario, and whether it can read the hops before the metrics API, and states the scale-down window.
#[derive(Clone, Copy)]
struct Assumed {
    sync_s: u64,
    scrape_s: u64,
    offset_s: u64,
    window_s: u64,
    reads_all_hops: bool,
    states_window: bool,
}

/// A change of a healthy platform.
type Change = fn(&mut SimConfig);

const ASSUMED: Assumed =
    Assumed { sync_s: 5, scrape_s: 5, offset_s: 5, window_s: 60, reads_all_hops: true, states_window: true };

impl Assumed {
    fn scenario(self, name: &str) -> Scenario {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/ollama-gpu-utilization.yaml");
        let hops = if self.reads_all_hops { "" } else { "profile: null, store: null, exporter: null, range: [0, 100]" };
        let window = if self.states_window { self.window_s.to_string() } else { "null".to_owned() };
        let text = format!(
            "extends: {}\nmetric: {{{hops}}}\n\
             hpa: {{spec: {{behavior: {{scaleDown: {{stabilizationWindowSeconds: {window}}}}}}}}}\n\
             assumptions: {{syncPeriod: {}s, exporterInterval: 5s, scrapeInterval: {}s, storeOffset: {}s, podStart: 30s, \
             downscaleStabilization: {}s}}\n",
            base.display(),
            self.sync_s,
            self.scrape_s,
            self.offset_s,
            self.window_s,
        );
        let file = std::env::temp_dir().join(format!("gpuhpa-assumed-{}-{name}.yaml", std::process::id()));
        std::fs::write(&file, &text).expect("the scenario file");
        let loaded = gpuhpa::scenario::load(std::slice::from_ref(&file), None);
        std::fs::remove_file(&file).expect("the scenario file");
        loaded.unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn run_to_end(scenario: &Scenario, config: SimConfig, dir: &Path) -> Option<Verdict> {
    let outcome = rehearse_with_timeout(config, scenario, dir);
    std::fs::remove_dir_all(dir).expect("the directory");
    outcome.map(|outcome| outcome.verdict)
}

/// Runs a scenario on a platform with the times of another one.
fn find_failures(name: &str, assumed: Assumed, real: Assumed, change: Change) -> Vec<String> {
    let (scenario, real) = (assumed.scenario(&format!("{name}-assumed")), real.scenario(&format!("{name}-real")));
    collect_failures(name, SEEDS, |seed, dir| {
        let mut config = SimConfig::from_scenario(&real, seed);
        change(&mut config);
        match run_to_end(&scenario, config, dir) {
            Some(verdict) if verdict.result != CaseResult::Fail && verdict.restored => None,
            Some(verdict) => Some(format!("{name} seed {seed}: {}: {}", verdict.title(), verdict.reason)),
            None => Some(format!("{name} seed {seed}: the run timed out")),
        }
    })
}

#[test]
fn no_healthy_platform_fails_because_its_times_are_longer_than_assumed() {
    let by_api = Assumed { reads_all_hops: false, ..ASSUMED };
    let by_flag = Assumed { states_window: false, ..ASSUMED };
    let unchanged: Change = |_| ();
    let cases: [(&str, Assumed, Assumed, Change); 6] = [
        ("sync-4", ASSUMED, Assumed { sync_s: 20, ..ASSUMED }, unchanged),
        ("sync-6", ASSUMED, Assumed { sync_s: 30, ..ASSUMED }, unchanged),
        ("offset-6", by_api, Assumed { offset_s: 30, ..by_api }, unchanged),
        ("scrape-6", by_api, Assumed { scrape_s: 30, ..by_api }, unchanged),
        ("window-5", by_flag, Assumed { window_s: 300, ..by_flag }, unchanged),
        ("pod-start-6", ASSUMED, ASSUMED, |config| config.controllers.image_pull = HumanDuration::from_secs(180)),
    ];
    let failures: Vec<String> = cases
        .into_iter()
        .flat_map(|(name, assumed, real, change)| find_failures(name, assumed, real, change))
        .collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_broken_controller_fails_although_the_run_waits_for_a_slower_one() {
    let by_flag = Assumed { states_window: false, ..ASSUMED };
    for (fault, case) in [
        ("hpa-controller-off", "Setup/AutoscalerActive: "),
        ("hpa-stuck", "ScaleUp/ReplicasRise: "),
        ("hpa-never-down", "ScaleDown/ReplicasFall: "),
        ("hpa-stops-after-scale-up", "ScaleDown/ReplicasFall: "),
    ] {
        let scenario = by_flag.scenario(fault);
        let failures = collect_failures(fault, 2, |seed, dir| {
            let mut config = SimConfig::from_scenario(&scenario, seed);
            (faults::find(fault).expect("a fault").inject)(&mut config);
            let Some(verdict) = run_to_end(&scenario, config, dir) else { return Some("timed out".to_owned()) };
            let is_expected = verdict.result == CaseResult::Fail && verdict.reason.starts_with(case);
            (!is_expected).then(|| format!("{fault} seed {seed}: {}: {}", verdict.title(), verdict.reason))
        });
        assert!(failures.is_empty(), "{failures:#?}");
    }
}
