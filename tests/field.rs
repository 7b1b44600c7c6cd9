//! Scenarios after public configurations (`fixtures/field`): what `gpuhpa plan --offline` says of each of them and how a rehearsal
//! of some ends, with their exit codes.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A fixture with its right answer.
struct FieldCase {
    /// The overlay, below `fixtures/field`.
    overlay: &'static str,
    exit: i32,
    /// Texts of the output, in which lines are joined.
    says: &'static [&'static str],
    /// Texts that the output must not have.
    says_not: &'static [&'static str],
}

const fn case(overlay: &'static str, exit: i32, says: &'static [&'static str]) -> FieldCase {
    FieldCase { overlay, exit, says, says_not: &[] }
}

const CASES: &[FieldCase] = &[
    case("hpa-int-and-utilization-type/scenario.yaml", 2, &["hpa.spec.scaleTargetRef", "apps/v1beta1"]),
    case("hpa-int-and-utilization-type/scenario-apps-v1.yaml", 0, &["1 → 4"]),
    case("hpa-int-and-utilization-type/scenario-int-and-typo.yaml", 2, &["stabilizationWindowSecond"]),
    case("hpa-int-and-utilization-type/scenario-object-utilization.yaml", 2, &["hpa.spec.metrics.0.object.target"]),
    case("mig-without-gpu-util/scenario-gr-engine.yaml", 0, &["1 → 2 → 3"]),
    case(
        "mig-without-gpu-util/scenario-percent-target.yaml",
        2,
        &["the HPA can never reach 2 replicas: with every series at 1", "a ratio of 0..1 against a percent target?"],
    ),
    case(
        "avg-over-time-in-the-rule/scenario.yaml",
        0,
        &["follows the load up to 2m later than the samples", "ranges and offsets in the adapter's rule 2m (stated)"],
    ),
    case(
        "offset-and-no-groupby/scenario-pods.yaml",
        0,
        &[
            "the rule of gpu_utilization_avg in release prometheus-adapter has no `by (<<.GroupBy>>)`",
            "no pod has a value",
        ],
    ),
    FieldCase {
        overlay: "offset-and-no-groupby/scenario-object.yaml",
        exit: 0,
        says: &[
            "follows the load up to 1m later than the samples",
            "the rule of gpu_utilization_avg2 in release prometheus-adapter has metricsQuery below name",
            "rules.default: true",
        ],
        says_not: &["GroupBy>>)`: its result"],
    },
    case(
        "vllm-rule-over-every-namespace/scenario.yaml",
        0,
        &[
            "has no <<.LabelMatchers>>",
            "is a sum, and target type Value multiplies",
            "metric.range is not stated",
            "rules.default: true",
        ],
    ),
    FieldCase {
        overlay: "vllm-rule-over-every-namespace/scenario-nodefault.yaml",
        exit: 0,
        says: &["has no <<.LabelMatchers>>"],
        says_not: &["rules.default: true"],
    },
    case("mig-without-gpu-util/scenario-gpu-util.yaml", 0, &["1 → 2 → 3"]),
    FieldCase {
        overlay: "claims-without-pod-label/scenario-pods.yaml",
        exit: 0,
        says: &["3 needed of devices of class gpu.nvidia.com"],
        says_not: &["no chart of the scenario renders the target with an accelerator request"],
    },
    case(
        "claims-without-pod-label/scenario-external.yaml",
        0,
        &["3 needed of devices of class gpu.nvidia.com", "metric.range is not stated", "DCGM_FI_DEV_POWER_USAGE"],
    ),
    case(
        "metric-capped-below-target/scenario-range.yaml",
        2,
        &["the HPA can never reach 2 replicas: with every series at 1", "whether the server's slots cap the value"],
    ),
    case(
        "metric-capped-below-target/scenario-no-range.yaml",
        0,
        &["metric.range is not stated", "llamacpp:requests_processing"],
    ),
    case("metric-capped-below-target/scenario-absent.yaml", 0, &["1 → 2"]),
    FieldCase {
        overlay: "amd-activity-at-idle/scenario.yaml",
        exit: 0,
        says: &["3 needed of amd.com/gpu", "some cards count a resident context as activity"],
        says_not: &["metric.range is not stated"],
    },
    case("renamed-shared-resource/scenario.yaml", 0, &["3 needed of nvidia.com/gpu.shared"]),
    case(
        "renamed-shared-resource/scenario-strict.yaml",
        0,
        &[
            "no chart of the scenario renders the target with an accelerator request",
            "it requests nvidia.com/gpu.shared=1",
        ],
    ),
    case("ollama-chart-values-of-the-field/scenario-no-pull.yaml", 0, &["1 → 2 → 3"]),
    case("query-in-hpa-annotations/scenario-annotations.yaml", 2, &["metadata"]),
    case("query-in-hpa-annotations/scenario-rollout.yaml", 2, &["Rollout", "Deployment or StatefulSet"]),
    case(
        "one-ollama-pod-seven-gpus/scenario.yaml",
        0,
        &[
            "21 needed",
            "averages over the 7 devices of a pod",
            "shows 1/7 of its activity",
            "image ollama/ollama:0.11.2",
        ],
    ),
    case(
        "network-card-taken-for-an-accelerator/scenario-cpu-only.yaml",
        0,
        &["it requests vpc.amazonaws.com/pod-eni=1, which is a network interface"],
    ),
    FieldCase {
        overlay: "network-card-taken-for-an-accelerator/scenario-fuse-and-gpu.yaml",
        exit: 0,
        says: &["3 needed", "of nvidia.com/gpu"],
        says_not: &["of github.com/fuse", "no chart of the scenario renders"],
    },
    case(
        "ollama-chart-values-of-the-field/scenario-old-models.yaml",
        2,
        &["release ollama", "values.ollama.models is a list", "a map there with the keys pull"],
    ),
    case(
        "ollama-chart-values-of-the-field/scenario-dead-keys.yaml",
        0,
        &["nothing in chart ollama reads", "ollama.tolerations", "ollama.nodeSelector", "ollama.extraEnv"],
    ),
    case(
        "ollama-chart-values-of-the-field/scenario-own-hpa.yaml",
        2,
        &["renders HorizontalPodAutoscaler ollama for the target itself", "autoscaling.enabled: false"],
    ),
];

/// How a rehearsal ends with parameters of the simulated cluster: exit code, and texts of its output. Of an exporter, an allocation
/// or a server that the simulator does not have, it says so by name.
const REHEARSALS: &[(&str, &[&str], i32, &[&str])] = &[
    (
        "mig-without-gpu-util/scenario-gpu-util.yaml",
        &[],
        3,
        &[
            "Setup/MetricServed: first broken hop: exporter",
            "the target's pods hold MIG instances (nvidia.com/mig-1g.10gb), and DCGM_FI_DEV_GPU_UTIL is a value of a whole device",
            "use DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        ],
    ),
    ("mig-without-gpu-util/scenario-gr-engine.yaml", &[], 0, &["PASS (REHEARSAL)"]),
    (
        "renamed-shared-resource/scenario.yaml",
        &["allocation=time-sliced", "sharedGpuValue=none"],
        3,
        &["Setup/MetricServed: first broken hop: exporter", "NVIDIA_RESOURCE_NAMES for a renamed resource"],
    ),
    (
        "renamed-shared-resource/scenario-strict.yaml",
        &[],
        3,
        &["Setup/PodsRequestAccelerators", "requests no accelerator (extended resources: nvidia.com/gpu.shared=1"],
    ),
    (
        "ollama-chart-values-of-the-field/scenario-no-pull.yaml",
        &[],
        3,
        &["(workload)", "HTTP 404: model 'llama3.2:1b' not found"],
    ),
    (
        "one-ollama-pod-seven-gpus/scenario.yaml",
        &["nodes=3", "gpusPerNode=8"],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Control/MetricFollowsLoad",
            "highest reading 14, target 60",
            "7 series at the exporter, of which 1 reached the target 60 (the highest was 98, and the mean of all 14)",
        ],
    ),
    ("metric-capped-below-target/scenario-range.yaml", &[], 2, &["the HPA can never reach 2 replicas"]),
    (
        "metric-capped-below-target/scenario-no-range.yaml",
        &[],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Control/MetricFollowsLoad",
            "highest reading 1, target 2, at which it recommends 1 replica",
            "the value stood still at 1, below the target, with up to 10 chats in flight: where the server's slots",
        ],
    ),
    (
        "metric-capped-below-target/scenario-absent.yaml",
        &[],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Setup/MetricServed: first broken hop: exporter",
            "no page that was read has the metric llamacpp:kv_cache_usage_ratio",
        ],
    ),
    (
        "claims-without-pod-label/scenario-pods.yaml",
        &["claimsInExporter=false"],
        3,
        &["INCONCLUSIVE (REHEARSAL): Setup/MetricServed: first broken hop: exporter", "KUBERNETES_ENABLE_DRA"],
    ),
    ("claims-without-pod-label/scenario-external.yaml", &[], 2, &["the series DCGM_FI_DEV_POWER_USAGE"]),
    (
        "amd-activity-at-idle/scenario.yaml",
        &["idlePercent=13"],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Control/IdleHolds: without load the metric recommends 2 replicas (value 13, target 10)",
            "the target is below the idle value",
        ],
    ),
    (
        "amd-activity-at-idle/scenario.yaml",
        &["residentPercent=100"],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Control/IdleHolds: without load the metric recommends",
            "the pods show 100, the largest possible value, and after the first chat",
            "bytes of the model were in accelerator memory",
            "keep_alive",
        ],
    ),
    (
        "amd-activity-at-idle/scenario.yaml",
        &["busyPercent=0"],
        3,
        &[
            "INCONCLUSIVE (REHEARSAL): Control/MetricFollowsLoad",
            "the exporter shows 0 for a device that generates tokens",
            "the exporter or the field that it reads is broken for this device",
        ],
    ),
    (
        "amd-activity-at-idle/scenario.yaml",
        &["allocation=mig"],
        2,
        &["MIG instances are simulated with dcgm-exporter alone: the scenario's exporter has the profile amd"],
    ),
    (
        "vllm-rule-over-every-namespace/scenario.yaml",
        &[],
        2,
        &["release prometheus-adapter: the adapter's default rules (rules.default: true)"],
    ),
    ("vllm-rule-over-every-namespace/scenario-nodefault.yaml", &[], 0, &["PASS (REHEARSAL)"]),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A program that answers as helm does for the chart of Ollama, with the manifests of a folder; it reaches no other chart. Without
/// manifests, the chart does not render with these values.
fn write_helm(overlay: &Path) -> PathBuf {
    let rendered = overlay.parent().expect("a folder").join("rendered").join(overlay.file_name().expect("a name"));
    let charts = repository().join("fixtures/charts/ollama");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\nversion*) echo v4.3.1 ;;\n*adapter*) echo 'Error: repository is out of reach' >&2; exit 1 ;;\n\
         'show chart'*) cat {charts}/Chart.yaml ;;\n'show values'*) cat {charts}/values.yaml ;;\n\
         template*) cat >/dev/null; [ -f {rendered} ] || {{ echo 'Error: wrong type for value' >&2; exit 1; }}; cat {rendered} ;;\nesac\n",
        charts = charts.display(),
        rendered = rendered.display(),
    );
    let name = format!("helm-{}", rendered.display().to_string().replace(['/', '.'], "-"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, script).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    path
}

fn plan_offline(overlay: &Path, helm: &Path) -> Output {
    let args =
        [OsStr::new("plan"), "--offline".as_ref(), "-f".as_ref(), overlay.as_ref(), "--helm".as_ref(), helm.as_ref()];
    run_gpuhpa(&args)
}

fn rehearse(overlay: &Path, parameters: &[&str]) -> Output {
    let name = overlay.display().to_string().replace(['/', '.'], "-");
    let report_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rehearsal{name}"));
    let mut args =
        vec![OsStr::new("rehearse"), "-f".as_ref(), overlay.as_ref(), "--report-dir".as_ref(), report_dir.as_ref()];
    args.extend(parameters.iter().flat_map(|parameter| ["--set".as_ref(), OsStr::new(*parameter)]));
    run_gpuhpa(&args)
}

#[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
fn run_gpuhpa(args: &[&OsStr]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_gpuhpa"))
        .args(args)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", "/nowhere")
        .output()
        .expect("the binary must start")
}

/// Both outputs as one line: tables and messages are wrapped.
fn joined(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let cells = text.replace(['│', '|', '┆'], " ");
    cells.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_public_configuration_has_its_right_answer_without_a_cluster() {
    let mut wrong = Vec::new();
    for FieldCase { overlay, exit, says, says_not } in CASES {
        let path = repository().join("fixtures/field").join(overlay);
        let has_chart = path.parent().expect("a folder").join("rendered").exists();
        let helm = if has_chart { write_helm(&path) } else { PathBuf::from("/no/helm") };
        let output = plan_offline(&path, &helm);
        let text = joined(&output);
        let missing = says.iter().filter(|one| !text.contains(**one));
        let excess = says_not.iter().filter(|one| text.contains(**one));
        let code = output.status.code().unwrap_or(-1);
        let problems: Vec<_> =
            missing.map(|one| format!("lacks `{one}`")).chain(excess.map(|one| format!("has `{one}`"))).collect();
        if code != *exit || !problems.is_empty() {
            wrong.push(format!("{overlay}: exit {code}, expected {exit}; {}\n{text}", problems.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_rehearsal_of_a_public_configuration_has_its_right_end() {
    let mut wrong = Vec::new();
    for (overlay, parameters, exit, says) in REHEARSALS {
        let output = rehearse(&repository().join("fixtures/field").join(overlay), parameters);
        let text = joined(&output);
        let missing: Vec<_> = says.iter().filter(|one| !text.contains(**one)).collect();
        let code = output.status.code().unwrap_or(-1);
        if code != *exit || !missing.is_empty() {
            wrong.push(format!("{overlay} {parameters:?}: exit {code}, expected {exit}; lacks {missing:?}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// No fixture is left out, and none is there twice.
#[test]
fn every_overlay_has_a_case() {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(repository().join("fixtures/field")).expect("the fixtures").flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|end| end == "yaml") {
                let (folder, file) = (folder.file_name(), file.file_name());
                found.push(format!("{}/{}", folder.to_string_lossy(), file.to_string_lossy()));
            }
        }
    }
    let mut listed: Vec<String> = CASES.iter().map(|case| case.overlay.to_owned()).collect();
    found.sort();
    listed.sort();
    assert_eq!(listed, found);
}

/// What was not looked at is said, and a chart that helm cannot read is part of it.
#[test]
fn the_plan_says_what_it_did_not_look_at() {
    let overlay = repository().join("fixtures/field/avg-over-time-in-the-rule/scenario.yaml");
    let output = plan_offline(&overlay, Path::new("/no/helm"));
    let text = joined(&output);
    for part in [
        "no cluster (--offline)",
        "not looked at",
        "free accelerators, quotas, node ports",
        "which metrics APIs are served",
        "the chart of release ollama, which helm could not read: could not start helm as `/no/helm`",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    for part in ["no APIService serves", "no chart of the scenario renders", "permissions 0 of 0"] {
        assert!(!text.contains(part), "{part} is in: {text}");
    }
}
