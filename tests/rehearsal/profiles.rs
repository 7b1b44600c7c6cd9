//! Runs on metrics of other profiles than dcgm's: of AMD's exporter, and of inference servers.

use gpuhpa::model::scenario::Scenario;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::sim::config::SimConfig;

use super::repository_path;
use crate::runner::{RehearsalDir, rehearse};

/// A scenario after a public configuration (`fixtures/field`), with an overlay of this name.
fn field_scenario(file: &str, name: &str, overlay: &str) -> Scenario {
    let path = std::env::temp_dir().join(format!("gpuhpa-profiles-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, overlay).expect("a file");
    let scenario = gpuhpa::scenario::load(&[repository_path("fixtures/field").join(file), path.clone()], None);
    std::fs::remove_file(path).expect("the file");
    scenario.expect("the scenario")
}

const AMD: &str = "amd-activity-at-idle/scenario.yaml";
const VLLM: &str = "vllm-rule-over-every-namespace/scenario-nodefault.yaml";

/// A target above what the devices show at idle.
const AMD_REACHABLE: &str = r#"
hpa:
  spec:
    metrics:
      - type: Pods
        pods: {metric: {name: gpu_utilization}, target: {type: AverageValue, averageValue: "60"}}
"#;

/// Models are loaded by the first chat.
const AMD_ON_DEMAND: &str = "releases: {ollama: {values: {ollama: {models: {run: []}}}}}\n";

/// The requests that each server works on, as its own page shows them.
const VLLM_RUNNING: &str = r#"
releases:
  prometheus-adapter:
    values:
      rules:
        custom:
          - seriesQuery: 'vllm:num_requests_running{namespace!="",pod!=""}'
            resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
            metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
hpa:
  spec:
    metrics:
      - type: Pods
        pods: {metric: {name: "vllm:num_requests_running"}, target: {type: AverageValue, averageValue: "2"}}
metric:
  profile: vllm
  range: [0, 4]
  store: {series: 'vllm:num_requests_running{namespace="gpuhpa"}'}
  exporter: {metricName: "vllm:num_requests_running"}
"#;

#[test]
fn amds_exporter_passes_with_a_target_above_its_idle_value() {
    let scenario = field_scenario(AMD, "amd-reachable", AMD_REACHABLE);
    for seed in 1..=2 {
        let dir = RehearsalDir::new(&format!("amd-{seed}"));
        let mut config = SimConfig::from_scenario(&scenario, seed);
        config.ollama.idle_percent = 13.0;
        let verdict = rehearse(config, &scenario, dir.path()).verdict;
        assert_eq!(verdict.result, CaseResult::Pass, "seed {seed}: {}", verdict.reason);
        let timeline = std::fs::read_to_string(dir.path().join("timeline.jsonl")).expect("a timeline");
        // The kubelet names devices by their address, which two nodes have; the store renames the labels of the pod.
        for text in ["\"amd.com/gpu\"", "\"0000:01:00.0\"", "\"exported_pod\"", "\"gpu_uuid\""] {
            assert!(timeline.contains(text), "seed {seed}: {text}");
        }
        assert!(!timeline.contains("nvidia.com/gpu"), "seed {seed}");
    }
}

#[test]
fn a_device_that_counts_a_loaded_model_as_activity_is_named_where_an_unloaded_one_was_seen() {
    let scenario = field_scenario(AMD, "amd-on-demand", AMD_ON_DEMAND);
    let dir = RehearsalDir::new("amd-on-demand");
    let mut config = SimConfig::from_scenario(&scenario, 1);
    config.ollama.resident_percent = Some(100.0);
    let reason = rehearse(config, &scenario, dir.path()).verdict.reason;
    let expected = "the pods show 0 before the first chat and 100 after it, without load";
    assert!(reason.starts_with("Control/IdleHolds") && reason.contains(expected), "{reason}");
}

#[test]
fn the_requests_of_inference_servers_scale_and_a_neighbors_queue_is_contamination() {
    let running = field_scenario(VLLM, "vllm-running", VLLM_RUNNING);
    let waiting = field_scenario(VLLM, "vllm-waiting", "name: waiting\n");
    let run = |name: &str, scenario: &Scenario, edit: fn(&mut SimConfig)| {
        let dir = RehearsalDir::new(name);
        let mut config = SimConfig::from_scenario(scenario, 1);
        edit(&mut config);
        let verdict = rehearse(config, scenario, dir.path()).verdict;
        let text = std::fs::read_to_string(dir.path().join("verdict.json")).expect("a verdict");
        // The page names no pod, and is that of the pod that was read, also with a profile that does not list the metric.
        assert!(!text.contains("none of them of a pod of the target"), "{name}: {text}");
        assert!(text.contains("exporter: 1 series, ollama-"), "{name}: {text}");
        verdict
    };
    let four_slots: fn(&mut SimConfig) = |s| s.ollama.slots = 4;
    for (name, scenario, edit) in [("vllm-running", &running, four_slots), ("vllm-waiting", &waiting, |_| ())] {
        let verdict = run(name, scenario, edit);
        assert_eq!(verdict.result, CaseResult::Pass, "{name}: {}", verdict.reason);
    }
    let verdict = run("vllm-neighbor", &waiting, |s| s.pipeline.neighbor_utilizations = vec![9.0]);
    assert_eq!(verdict.result, CaseResult::Inconclusive, "{}", verdict.reason);
    assert!(verdict.reason.contains("contamination: the metric also includes neighbor-0=9"), "{}", verdict.reason);
}
