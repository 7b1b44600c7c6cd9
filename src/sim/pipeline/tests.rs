use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::*;
use crate::metrics::{api, exposition, request::ResponseKind, store as store_response};
use crate::model::resource_kind::ResourceKind;
use crate::model::scenario::Scenario;
use crate::model::shipped_profiles;
use crate::sim::config::{
    ActiveWindow, AffectedPods, DistortionHop, DistortionKind, MetricDistortion, PipelineConfig, SharedValues,
    SimConfig, WindowStart,
};
use crate::sim::fixtures::{
    TEST_MANAGER, create_object, create_pod, delete_pod, sleep_seconds, spawn_load, start_platform,
};
use crate::sim::objects::kinds::{API_SERVICE, NODE, RESOURCE_CLAIM, SERVICE};
use crate::sim::pages;
use crate::sim::platform::SimPlatform;

const PODS_PATH: &str =
    "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/pods/*/gpu_utilization?labelSelector=app%3Dollama";
const NAMESPACE_PATH: &str = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/metrics/gpu_utilization";

const RULES: &str = r#"
rules:
- seriesQuery: 'DCGM_FI_DEV_GPU_UTIL{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: DCGM_FI_DEV_GPU_UTIL, as: gpu_utilization}
  metricsQuery: 'avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
"#;

const DCGM_SERIES: [&str; 2] = ["DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_GPU_UTIL"];

/// Creates an adapter with these rules, like the chart.
fn install_adapter(platform: &SimPlatform, rules: &str) {
    let cluster = &platform.cluster;
    for group in ["custom", "external"] {
        let service = json!({"metadata": {"name": format!("v1beta1.{group}.metrics.k8s.io")},
            "spec": {"service": {"namespace": "metrics", "name": "adapter"}}});
        create_object(cluster, API_SERVICE, service);
    }
    let meta = |name: &str| json!({"namespace": "metrics", "name": name, "labels": {"app": "adapter"}});
    let service = json!({"metadata": meta("adapter"), "spec": {"selector": {"app": "adapter"}}});
    create_object(cluster, SERVICE, service);
    let map = json!({"metadata": meta("adapter"), "data": {"config.yaml": rules}});
    create_object(cluster, ResourceKind::from_type::<ConfigMap>(), map);
    let pod = json!({"metadata": meta("adapter-1"), "status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}]}});
    create_object(cluster, POD, pod);
}

/// `pod=value` of each sample, or the code and message of the error.
fn served_values(platform: &SimPlatform, path: &str) -> String {
    let response_kind = if path.contains("/pods/") { ResponseKind::Pods } else { ResponseKind::Object };
    match platform.pipeline.query_metrics_api(path) {
        Err(error) => format!("{} {}", error.code, error.message),
        Ok(list) => {
            let samples = api::parse_samples(list.to_string().as_bytes(), response_kind).unwrap();
            let one = |s: &crate::model::reading::MetricSample| {
                format!("{}={}", s.object.clone().unwrap_or_default(), s.value.unwrap())
            };
            samples.iter().map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

fn config_with(edit: impl FnOnce(&mut PipelineConfig)) -> SimConfig {
    let mut config = SimConfig::default();
    edit(&mut config.pipeline);
    config
}

#[tokio::test(start_paused = true)]
async fn the_metric_is_served_after_a_relist_and_follows_the_load_with_all_delays() {
    let (platform, mut tasks) = start_platform(SimConfig::default());
    assert_eq!(served_values(&platform, PODS_PATH), "404 404 page not found");
    sleep_seconds(1).await;
    install_adapter(&platform, RULES);
    create_pod(&platform.cluster, "a", 0);
    assert_eq!(
        served_values(&platform, PODS_PATH),
        "404 the server could not find the metric gpu_utilization for pods"
    );
    // The relist at the adapter's start finds nothing: the exporter takes up to 30 s to sample the device.
    sleep_seconds(59).await;
    assert!(served_values(&platform, PODS_PATH).starts_with("404"));
    sleep_seconds(61).await;
    assert_eq!(served_values(&platform, PODS_PATH), "a=0");
    spawn_load(&platform, &mut tasks, 2, &["a", "b"]);
    sleep_seconds(32).await;
    assert_eq!(served_values(&platform, PODS_PATH), "a=0", "the store evaluates at 30 s ago");
    sleep_seconds(60).await;
    assert_eq!(served_values(&platform, PODS_PATH), "a=98");
    create_pod(&platform.cluster, "b", 1);
    sleep_seconds(100).await;
    assert_eq!(served_values(&platform, PODS_PATH), "a=98 b=98");
    assert_eq!(served_values(&platform, NAMESPACE_PATH), "ai=98");
    let offered = platform.pipeline.query_metrics_api("/apis/custom.metrics.k8s.io/v1beta1").unwrap();
    let names: Vec<_> = offered["resources"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["namespaces/gpu_utilization", "pods/gpu_utilization"]);
    tasks.abort_all();
}

#[tokio::test(start_paused = true)]
async fn exporter_and_store_are_read_as_the_real_ones_are() {
    let (platform, _tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    sleep_seconds(60).await;
    let text = platform.pipeline.exporter_metrics("ai", "a", 9400).unwrap();
    let dcgm = shipped_profiles::find("dcgm").unwrap();
    let exposed = std::str::from_utf8(&text).unwrap().lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let fields: Vec<_> = exposed.filter_map(|line| line.strip_suffix(" gauge")).collect();
    assert!(fields.len() == 3 && fields.iter().all(|field| dcgm.series.contains_key(*field)), "{fields:?}");
    let read = exposition::parse_samples(&text, "DCGM_FI_DEV_GPU_UTIL", &dcgm).unwrap();
    let has_pod = |s: &&crate::model::reading::MetricSample| s.labels.contains_key("namespace");
    assert_eq!((read.len(), read.iter().filter(has_pod).count()), (4, 1));
    assert!(read.iter().all(|s| crate::metrics::device_from_labels(&s.labels, &dcgm.labels).is_some()));
    let raw = |query: &str| {
        let (status, body) = platform.pipeline.query_store(query);
        assert_eq!(status, 200);
        store_response::parse_samples(&body, &dcgm).unwrap()
    };
    let path = store_response::query_path(r#"DCGM_FI_DEV_GPU_UTIL{namespace="ai"}"#);
    let samples = raw(&path);
    let age = platform.cluster.clock().wall_time().duration_since(samples[0].timestamp.unwrap());
    assert!(samples.len() == 1 && age.as_secs() < 15, "the raw sample has its own timestamp");
    // A deleted pod gets a stale marker.
    delete_pod(&platform.cluster, "a");
    sleep_seconds(16).await;
    assert_eq!(raw(&path)[0].value, None);
    assert_eq!(platform.pipeline.query_store("/api/v1/query?query=rate(x[5m])").0, 200);
    assert_eq!(platform.pipeline.query_store("/api/v1/query?query=absent(x)").0, 501);
    assert_eq!(platform.pipeline.query_store("/api/v1/series?match[]=x").0, 501);
}

#[tokio::test(start_paused = true)]
async fn each_fault_shows_in_the_metric() {
    let always = Some(ActiveWindow::ALWAYS);
    let distorted =
        |kind, hop| config_with(|s| s.distortion = Some(MetricDistortion { kind, hop, window: ActiveWindow::ALWAYS }));
    let missing = "404 the server could not find the metric gpu_utilization for pods";
    let cases = [
        ("healthy", SimConfig::default(), "a=98 b=98"),
        ("frozen low", distorted(DistortionKind::Constant(0.0), DistortionHop::Exporter), "a=0 b=0"),
        ("NaN", distorted(DistortionKind::Constant(f64::NAN), DistortionHop::Exporter), "a=0 b=0"),
        ("wrong sign", distorted(DistortionKind::SubtractFrom(100.0), DistortionHop::Adapter), "a=2 b=2"),
        ("ratio", distorted(DistortionKind::Multiply(0.01), DistortionHop::Adapter), "a=0.98 b=0.98"),
        ("added", distorted(DistortionKind::Add(50.0), DistortionHop::Exporter), "a=148 b=148"),
        ("no honorLabels", config_with(|s| s.honor_labels = false), ""),
        ("no attribution", config_with(|s| s.unattributed = AffectedPods::All), missing),
        ("new pods without attribution", config_with(|s| s.unattributed = AffectedPods::NewPods), "a=98"),
        ("neighbor", config_with(|s| s.neighbor_utilizations = vec![40.0]), "a=98 b=98"),
        ("mixed", config_with(|s| (s.neighbor_utilizations, s.ignores_pod_label) = (vec![50.0], true)), "a=82 b=82"),
        ("rule", config_with(|s| s.drops_namespace_label = true), missing),
        ("exporter", config_with(|s| s.exporter_missing = always), missing),
        ("ingest", config_with(|s| s.ingestion_stopped = always), missing),
        ("store", config_with(|s| s.store_missing = always), missing),
        (
            "cached",
            config_with(|s| s.adapter_stale = Some(ActiveWindow::starting_at(WindowStart::NthChat(1)))),
            "a=0 b=0",
        ),
        (
            "lost",
            config_with(|s| s.metric_unregistered = Some(ActiveWindow::starting_at(WindowStart::ReadyPods(2)))),
            missing,
        ),
        ("adapter down", config_with(|s| s.adapter_down = always), "503 service unavailable"),
    ];
    for (name, config, expected) in cases {
        let (platform, mut tasks) = start_platform(config);
        install_adapter(&platform, RULES);
        create_pod(&platform.cluster, "a", 0);
        create_pod(&platform.cluster, "b", 1);
        sleep_seconds(120).await;
        spawn_load(&platform, &mut tasks, 4, &["a", "b"]);
        sleep_seconds(120).await;
        assert_eq!(served_values(&platform, PODS_PATH), expected, "{name}");
        tasks.abort_all();
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_adapter_relists() {
    let down = ActiveWindow {
        delay: HumanDuration::from_secs(20),
        duration: Some(HumanDuration::from_secs(60)),
        ..ActiveWindow::starting_at(WindowStart::NthChat(1))
    };
    let (platform, mut tasks) = start_platform(config_with(|s| s.adapter_down = Some(down)));
    install_adapter(&platform, RULES);
    create_pod(&platform.cluster, "a", 0);
    sleep_seconds(120).await;
    spawn_load(&platform, &mut tasks, 1, &["a"]);
    sleep_seconds(19).await;
    assert!(served_values(&platform, PODS_PATH).starts_with("a="));
    sleep_seconds(2).await;
    assert_eq!(served_values(&platform, PODS_PATH), "503 service unavailable");
    sleep_seconds(60).await;
    assert!(served_values(&platform, PODS_PATH).starts_with("a="));
}

#[test]
fn unsupported_rules_are_rejected_by_name() {
    let custom = |query: &str| json!({"rules": [{"seriesQuery": "u", "name": {"as": "v"}, "metricsQuery": query}]});
    let supported = "avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / 100";
    assert_eq!(find_unsupported_rules(&custom(supported)), Vec::<String>::new());
    let config: Value = serde_saphyr::from_str(RULES).unwrap();
    assert_eq!(find_unsupported_rules(&config), Vec::<String>::new());
    let in_query = |query: &str| find_unsupported_rules(&custom(query)).join("; ");
    assert_eq!(in_query("sum(rate(u[5m])) + absent(u)"), "in rule 1 (v): `absent`");
    assert_eq!(in_query("sum(u{<<.X>>})"), "in rule 1 (v): the placeholder in `sum(u{<<.X>>})`");
}

/// Of two rules each is named, with all that it lacks.
#[test]
fn every_unsupported_thing_of_every_rule_is_named() {
    let rules = json!({
        "rules": [
            {"seriesQuery": "u", "window": "1m", "seriesFilters": [{"is": "x"}], "name": {"as": "v", "metricsQuery": "q"},
                "resources": {"overrides": {"a": {"resource": "ingress"}, "b": {"resource": "node"}}},
                "metricsQuery": "avg(<<.Series>>{<<.LabelMatchers>>} @ end())"},
            {"seriesQuery": "u", "metricsQuery": "sum(u) by (pod)"},
            {"seriesQuery": "w"},
        ],
        "externalRules": [{"seriesQuery": "x", "metricsQuery": "topk(1, max_over_time(x[2m:1m]) > 5)"}],
        "more": [],
    });
    let expected = [
        "in rule 1 (v): `window`, seriesFilters, `metricsQuery` below name, the resource `ingress`, the resource `node`, \
         `@`, `end`",
        "in rule 3 (w): a rule without metricsQuery",
        "in external rule 1 (x): the subquery `[2m:1m]`, `topk`",
        "`more` in the adapter's configuration",
    ];
    assert_eq!(find_unsupported_rules(&rules), expected);
}

#[test]
fn a_rule_of_a_series_that_the_exporter_lacks_is_found() {
    let rule =
        |series: &str, name: Value| json!({"rules": [{"seriesQuery": series, "name": name, "metricsQuery": "sum(u)"}]});
    let unserved =
        |series: &str, name: Value, metric: &str| find_unserved_series(&rule(series, name), metric, &DCGM_SERIES);
    assert_eq!(unserved("DCGM_FI_DEV_GPU_UTIL{pod!=\"\"}", json!({"as": "g"}), "g"), Vec::<String>::new());
    assert_eq!(unserved("llamacpp:busy{pod!=\"\"}", json!({"as": "g"}), "g"), ["llamacpp:busy{pod!=\"\"}"]);
    assert_eq!(unserved("llamacpp:busy", json!({"as": "g"}), "another"), Vec::<String>::new());
    assert_eq!(unserved("llamacpp:busy", json!(null), "llamacpp:busy"), ["llamacpp:busy"]);
    let by_pattern = "{__name__=~\"^vllm:waiting$\"}";
    assert_eq!(unserved(by_pattern, json!({"matches": "", "as": "w"}), "w"), [by_pattern]);
    assert_eq!(unserved("{__name__=~\"DCGM_.*UTIL\"}", json!({"as": "w"}), "w"), Vec::<String>::new());
}

#[test]
fn the_rules_of_all_scenarios_are_supported() {
    let mut checked = 0;
    for folder in ["scenarios", "ci/rig/scenarios"] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let scenario: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for release in ["prometheus-adapter", "prom-adapter"] {
                let custom = &scenario["releases"][release]["values"]["rules"]["custom"];
                if !custom.is_null() {
                    let lacks = find_unsupported_rules(&json!({"rules": custom}));
                    assert_eq!(lacks, Vec::<String>::new(), "{}", path.display());
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 5, "{checked}");
}

/// A platform whose node has this label, with busy pods a and b on the devices of these slots.
async fn busy_pods_on(config: SimConfig, label: (&str, &str), slots: [&str; 2]) -> (SimPlatform, JoinSet<()>) {
    let (platform, mut tasks) = start_platform(config);
    install_adapter(&platform, RULES);
    let set_label = |node: &mut Value| node["metadata"]["labels"][label.0] = json!(label.1);
    platform.cluster.update(TEST_MANAGER, &NODE, "", "n1", set_label).unwrap();
    for (name, slot) in ["a", "b"].into_iter().zip(slots) {
        create_pod(&platform.cluster, name, 0);
        let edit = |pod: &mut Value| pod["metadata"]["annotations"]["simulator.gpuhpa/devices"] = json!(slot);
        platform.cluster.update(TEST_MANAGER, &POD, "ai", name, edit).unwrap();
    }
    spawn_load(&platform, &mut tasks, 4, &["a", "b"]);
    sleep_seconds(130).await;
    (platform, tasks)
}

/// Pod, device and value of each series of a field on the exporter's page.
fn exposed(platform: &SimPlatform, field: &str) -> Vec<(Option<String>, String, i64)> {
    let text = platform.pipeline.exporter_metrics("ai", "a", 9400).unwrap();
    let dcgm = shipped_profiles::find("dcgm").unwrap();
    let mut all: Vec<_> = exposition::parse_samples(&text, field, &dcgm)
        .unwrap()
        .into_iter()
        .map(|sample| {
            let device = crate::metrics::device_from_labels(&sample.labels, &dcgm.labels).unwrap().into_owned();
            (sample.object, device, sample.value.unwrap().0)
        })
        .collect();
    all.sort();
    all
}

#[tokio::test(start_paused = true)]
async fn pods_on_one_card_share_its_hundred_percent_and_show_what_the_exporter_attributes() {
    for (values, expected) in [
        (SharedValues::Own, "- 100, - 0, a 50, b 50"),
        (SharedValues::Whole, "- 0, a 100, b 100"),
        (SharedValues::Unattributed, "- 100, - 0"),
    ] {
        let config = config_with(|s| s.shared_values = values);
        let (platform, mut tasks) = busy_pods_on(config, ("nvidia.com/gpu.replicas", "2"), ["0::0", "0::1"]).await;
        let mut shown: Vec<_> = exposed(&platform, "DCGM_FI_DEV_GPU_UTIL")
            .into_iter()
            .map(|(pod, _, value)| format!("{} {}", pod.as_deref().unwrap_or("-"), value / 1000))
            .collect();
        shown
            .sort_by_key(|text| (text.starts_with("a ") || text.starts_with("b "), text.ends_with(" 0"), text.clone()));
        assert_eq!(shown.join(", "), expected, "{values:?}");
        tasks.abort_all();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotating_label_names_one_pod_of_a_card_at_a_time() {
    let config = config_with(|s| s.shared_values = SharedValues::Rotating);
    let (platform, mut tasks) = busy_pods_on(config, ("nvidia.com/gpu.replicas", "2"), ["0::0", "0::1"]).await;
    let mut named = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let pods: Vec<_> =
            exposed(&platform, "DCGM_FI_DEV_GPU_UTIL").into_iter().filter(|one| one.0.is_some()).collect();
        let [(Some(pod), _, 100_000)] = pods.as_slice() else { panic!("{pods:?}") };
        named.insert(pod.clone());
        sleep_seconds(30).await;
    }
    assert_eq!(named.len(), 2);
    tasks.abort_all();
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_card_have_its_uuid_and_no_utilization() {
    let label = ("nvidia.com/gpu.product", "H100-MIG-1g.10gb");
    let (platform, mut tasks) = busy_pods_on(SimConfig::default(), label, ["0/7", "0/8"]).await;
    assert!(exposed(&platform, "DCGM_FI_DEV_GPU_UTIL").is_empty());
    let shown = exposed(&platform, "DCGM_FI_PROF_GR_ENGINE_ACTIVE");
    let find = |pod: &str| shown.iter().find(|one| one.0.as_deref() == Some(pod)).cloned().unwrap();
    let (a, b) = (find("a"), find("b"));
    assert!(a.1.ends_with("/gi7") && b.1.ends_with("/gi8") && a.1[..40] == b.1[..40], "{shown:?}");
    assert_eq!((a.2, b.2, shown.iter().filter(|one| one.0.is_none()).count()), (980, 980, 2));
    tasks.abort_all();
}

#[tokio::test(start_paused = true)]
async fn discovery_and_the_external_api_are_served_too() {
    let (platform, _tasks) = start_platform(SimConfig::default());
    install_adapter(&platform, &RULES.replacen("rules:", "externalRules:", 1).replace("<<.GroupBy>>", "pod"));
    create_pod(&platform.cluster, "a", 0);
    sleep_seconds(130).await;
    let get = |path: &str| platform.pipeline.query_metrics_api(path);
    let group = get("/apis/external.metrics.k8s.io").unwrap();
    assert_eq!(group["preferredVersion"]["version"], "v1beta1");
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/gpu_utilization?labelSelector=gpu%3D0";
    let read = api::parse_samples(get(path).unwrap().to_string().as_bytes(), ResponseKind::External).unwrap();
    assert_eq!((read.len(), read[0].labels["pod"].as_str()), (1, "a"));
    assert_eq!(get("/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/other").unwrap_err().code, 404);
    assert_eq!(get("/apis/custom.metrics.k8s.io/v1beta2").unwrap_err().code, 501);
}

/// The platform of a scenario with this metric, whose pod a is busy with this many workers.
async fn busy_platform_of(metric: &str, workers: usize) -> (SimPlatform, JoinSet<()>) {
    let scenario = Scenario { metric: serde_saphyr::from_str(metric).unwrap(), ..Scenario::default() };
    let config = config_with(|s| {
        (s.exporter, s.server_page) = (pages::find_exporter(&scenario), pages::find_server_page(&scenario));
        s.honor_labels = !pages::names_renamed_labels(&scenario);
    });
    let (platform, mut tasks) = start_platform(config);
    create_pod(&platform.cluster, "a", 0);
    spawn_load(&platform, &mut tasks, workers, &["a"]);
    sleep_seconds(130).await;
    (platform, tasks)
}

/// The value of pod a, whether the series has a device, and the numbers of series of pods and of all.
#[tokio::test(start_paused = true)]
async fn each_exporters_page_is_read_with_its_profile() {
    for (name, series, value, of_pods, all) in [
        ("amd", "gpu_gfx_activity", Some(98_000), 1, 4),
        ("amd", "amd_gpu_used_vram", Some(1_900_000), 1, 4),
        ("hami", "hami_container_device_utilization_ratio", Some(98_000), 1, 1),
        ("hami", "vGPU_device_memory_usage_in_bytes", Some(1_992_294_400_000), 1, 1),
        ("intel", "hw_gpu_utilization_ratio", None, 0, 4),
    ] {
        let metric = format!("exporter: {{namespace: n, port: 1, metricName: {series}}}");
        let (platform, mut tasks) = busy_platform_of(&metric, 1).await;
        let page = platform.pipeline.exporter_metrics("ai", "a", 1).unwrap();
        let profile = shipped_profiles::find(name).unwrap();
        let samples = exposition::parse_samples(&page, series, &profile).unwrap();
        let device = |s: &crate::model::reading::MetricSample| {
            crate::metrics::device_from_labels(&s.labels, &profile.labels).map(std::borrow::Cow::into_owned)
        };
        let devices: std::collections::BTreeSet<_> = samples.iter().map(|s| device(s).unwrap()).collect();
        let of_a: Vec<_> = samples.iter().filter(|s| s.object.is_some()).map(|s| s.value.unwrap().0).collect();
        assert_eq!(
            (of_a.first().copied(), of_a.len(), samples.len(), devices.len()),
            (value, of_pods, all, all),
            "{series}"
        );
        tasks.abort_all();
    }
}

/// Without honorLabels: the pod of the exporter, and that of the device where it has one.
#[tokio::test(start_paused = true)]
async fn the_store_drops_empty_labels_before_it_renames_others() {
    let metric = "store: {series: 'gpu_gfx_activity{exported_namespace=\"ai\"}'}";
    let (platform, _tasks) = busy_platform_of(metric, 1).await;
    let amd = shipped_profiles::find("amd").unwrap();
    let (_, body) = platform.pipeline.query_store(&store_response::query_path("gpu_gfx_activity"));
    let samples = store_response::parse_samples(&body, &amd).unwrap();
    let label = |name: &'static str| samples.iter().filter_map(move |s| s.labels.get(name).map(String::as_str));
    assert_eq!(label("pod").collect::<Vec<_>>(), ["metrics-exporter-n1"; 4]);
    assert_eq!((label("exported_pod").collect::<Vec<_>>(), label("serial_number").count()), (vec!["a"], 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_counts_its_requests_on_the_page_of_the_scenarios_profile() {
    let metric = "exporter: {namespace: ai, port: 8123, metricName: 'vllm:num_requests_waiting'}";
    let (platform, mut tasks) = busy_platform_of(metric, 3).await;
    let page = platform.pipeline.exporter_metrics("ai", "a", 8123).unwrap();
    let vllm = shipped_profiles::find("vllm").unwrap();
    let on_page = |series: &str| {
        let samples = exposition::parse_samples(&page, series, &vllm).unwrap();
        let one = |s: &crate::model::reading::MetricSample| (s.object.clone(), s.labels["engine"].clone(), s.value);
        samples.iter().map(one).collect::<Vec<_>>()
    };
    let of_engine = |count: i64| vec![(None, "0".to_owned(), Some(crate::units::Milli(count * 1000)))];
    assert_eq!(on_page("vllm:num_requests_running"), of_engine(1));
    assert_eq!(on_page("vllm:num_requests_waiting"), of_engine(2));
    assert_eq!(platform.pipeline.exporter_metrics("ai", "a", 11434).unwrap_err().code, 503);
    let path = store_response::query_path("vllm:num_requests_waiting{namespace=\"ai\",pod=\"a\"}");
    let (_, body) = platform.pipeline.query_store(&path);
    let stored = store_response::parse_samples(&body, &vllm).unwrap();
    assert_eq!((stored.len(), stored[0].value), (1, Some(crate::units::Milli(2000))));
    tasks.abort_all();
}

/// Creates a claim `one` with the device of this node's first slot, and pods that have it.
fn create_claimed_pods(platform: &SimPlatform, pods: &[&str]) {
    let result = json!({"request": "gpu", "driver": "gpu.example", "pool": "n1", "device": "gpu-0"});
    let claim = json!({"metadata": {"namespace": "ai", "name": "one"},
        "status": {"allocation": {"devices": {"results": [result]}}}});
    create_object(&platform.cluster, RESOURCE_CLAIM, claim);
    for pod in pods {
        create_pod(&platform.cluster, pod, 0);
        let add_claim = |pod: &mut serde_json::Value| {
            pod["spec"]["resourceClaims"] = json!([{"name": "gpu", "resourceClaimName": "one"}]);
        };
        platform.cluster.update(TEST_MANAGER, &POD, "ai", pod, add_claim).unwrap();
    }
}

/// Pod, claim and value of each series of the first accelerator.
async fn series_of_claim(edit: impl FnOnce(&mut PipelineConfig), pods: &'static [&'static str]) -> Vec<String> {
    let (platform, mut tasks) = start_platform(config_with(edit));
    create_claimed_pods(&platform, pods);
    spawn_load(&platform, &mut tasks, 1, &pods[..1]);
    sleep_seconds(90).await;
    let text = platform.pipeline.exporter_metrics("ai", pods[0], 9400).unwrap();
    tasks.abort_all();
    let dcgm = shipped_profiles::find("dcgm").unwrap();
    let read = exposition::parse_samples(&text, "DCGM_FI_DEV_GPU_UTIL", &dcgm).unwrap();
    let first = read.iter().filter(|sample| sample.labels["gpu"] == "0");
    let label =
        |sample: &crate::model::reading::MetricSample, name: &str| sample.labels.get(name).cloned().unwrap_or_default();
    let row = |sample| {
        let names = ["pod", "dra_claim_name", "dra_device_name", "vgpu"].map(|name| label(sample, name)).join(" ");
        format!("{names}={}", sample.value.unwrap())
    };
    first.map(row).collect()
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_claim_are_named_with_it_where_the_exporter_resolves_claims() {
    assert_eq!(series_of_claim(|_| (), &["a"]).await, ["a one gpu-0 =98"]);
    assert_eq!(series_of_claim(|p| p.resolves_claims = false, &["a"]).await, ["   =98"]);
    let own = series_of_claim(|_| (), &["a", "b"]).await;
    assert_eq!(own, ["   =98", "a one gpu-0 =98", "b one gpu-0 =0"]);
    let whole = series_of_claim(|p| p.shared_values = SharedValues::Whole, &["a", "b"]).await;
    assert_eq!(whole, ["a one gpu-0 =98", "b one gpu-0 =98"]);
    let unresolved = |p: &mut PipelineConfig| (p.resolves_claims, p.shared_values) = (false, SharedValues::Whole);
    assert_eq!(series_of_claim(unresolved, &["a", "b"]).await, ["   =98"]);
}
