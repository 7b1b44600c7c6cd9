use serde_json::json;

use super::super::servers::bench::{create, load, platform, pod, remove, seconds};
use super::super::servers::{During, Since, Who};
use super::super::{Platform, Setting};
use super::*;
use crate::metrics::{api, exposition, question::Asks, store as store_answer};
use crate::record::kind::Kind;

const PODS: &str =
    "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/pods/*/gpu_utilization?labelSelector=app%3Dollama";
const SPACE: &str = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/metrics/gpu_utilization";

const RULES: &str = r#"
rules:
- seriesQuery: 'DCGM_FI_DEV_GPU_UTIL{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: DCGM_FI_DEV_GPU_UTIL, as: gpu_utilization}
  metricsQuery: 'avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
"#;

/// An adapter with these rules, as the chart makes it.
fn adapter(platform: &Platform, rules: &str) {
    let cluster = &platform.cluster;
    for group in ["custom", "external"] {
        let service = json!({"metadata": {"name": format!("v1beta1.{group}.metrics.k8s.io")},
            "spec": {"service": {"namespace": "metrics", "name": "adapter"}}});
        create(cluster, Kind::of("apiregistration.k8s.io", "v1", "APIService", "apiservices"), service);
    }
    let meta = |name: &str| json!({"namespace": "metrics", "name": name, "labels": {"app": "adapter"}});
    let service = json!({"metadata": meta("adapter"), "spec": {"selector": {"app": "adapter"}}});
    create(cluster, Kind::of("", "v1", "Service", "services"), service);
    let map = json!({"metadata": meta("adapter"), "data": {"config.yaml": rules}});
    create(cluster, Kind::of("", "v1", "ConfigMap", "configmaps"), map);
    let pod = json!({"metadata": meta("adapter-1"), "status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}]}});
    create(cluster, POD, pod);
}

/// `pod=value` of each sample, or code and words.
fn served(platform: &Platform, path: &str) -> String {
    let asks = if path.contains("/pods/") { Asks::Pods } else { Asks::Object };
    match platform.pipeline.metrics_api(path) {
        Err(refusal) => format!("{} {}", refusal.code, refusal.message),
        Ok(list) => {
            let samples = api::read(list.to_string().as_bytes(), asks).unwrap();
            let one = |s: &crate::record::reading::Sample| {
                format!("{}={}", s.object.clone().unwrap_or_default(), s.value.unwrap())
            };
            samples.iter().map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

fn setting(edit: impl FnOnce(&mut PipelineSetting)) -> Setting {
    let mut setting = Setting::default();
    edit(&mut setting.pipeline);
    setting
}

#[tokio::test(start_paused = true)]
async fn the_metric_is_served_once_it_was_listed_and_follows_the_load_with_all_lags() {
    let (platform, mut tasks) = platform(Setting::default());
    assert_eq!(served(&platform, PODS), "404 404 page not found");
    seconds(1).await;
    adapter(&platform, RULES);
    pod(&platform.cluster, "a", 0);
    assert_eq!(served(&platform, PODS), "404 the server could not find the metric gpu_utilization for pods");
    // The first list, at the adapter's start, was too early; the exporter takes up to 30 s to see the device.
    seconds(59).await;
    assert!(served(&platform, PODS).starts_with("404"));
    seconds(61).await;
    assert_eq!(served(&platform, PODS), "a=0");
    load(&platform, &mut tasks, 2, &["a", "b"]);
    seconds(32).await;
    assert_eq!(served(&platform, PODS), "a=0", "the store answers for 30 s ago");
    seconds(60).await;
    assert_eq!(served(&platform, PODS), "a=98");
    pod(&platform.cluster, "b", 1);
    seconds(100).await;
    assert_eq!(served(&platform, PODS), "a=98 b=98");
    assert_eq!(served(&platform, SPACE), "ai=98");
    let offered = platform.pipeline.metrics_api("/apis/custom.metrics.k8s.io/v1beta1").unwrap();
    let names: Vec<_> = offered["resources"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["namespaces/gpu_utilization", "pods/gpu_utilization"]);
    tasks.abort_all();
}

#[tokio::test(start_paused = true)]
async fn exporter_and_store_are_read_as_the_real_ones_are() {
    let (platform, _tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    seconds(60).await;
    let text = platform.pipeline.exporter("ai", "a").unwrap();
    let read = exposition::read(&text, "DCGM_FI_DEV_GPU_UTIL").unwrap();
    let held = |s: &&crate::record::reading::Sample| s.labels.contains_key("namespace");
    assert_eq!((read.len(), read.iter().filter(held).count()), (4, 1));
    let raw = |query: &str| {
        let (status, body) = platform.pipeline.store(query);
        assert_eq!(status, 200);
        store_answer::read(&body).unwrap()
    };
    let question = store_answer::question(r#"DCGM_FI_DEV_GPU_UTIL{namespace="ai"}"#);
    let samples = raw(&question);
    let age = platform.cluster.clock().wall().duration_since(samples[0].at.unwrap());
    assert!(samples.len() == 1 && age.as_secs() < 15, "the raw sample has its own time");
    // Of a pod that is gone an end is shown.
    remove(&platform.cluster, "a");
    seconds(16).await;
    assert_eq!(raw(&question)[0].value, None);
    assert_eq!(platform.pipeline.store("/api/v1/query?query=rate(x[5m])").0, 501);
    assert_eq!(platform.pipeline.store("/api/v1/series?match[]=x").0, 501);
}

#[tokio::test(start_paused = true)]
async fn each_fault_shows_in_the_metric() {
    let always = Some(During::ALWAYS);
    let distorted = |how, at| setting(|s| s.distorted = Some(Distortion { how, at, during: During::ALWAYS }));
    let missing = "404 the server could not find the metric gpu_utilization for pods";
    let cases = [
        ("healthy", Setting::default(), "a=98 b=98"),
        ("frozen low", distorted(How::Constant(0.0), Place::Exporter), "a=0 b=0"),
        ("NaN", distorted(How::Constant(f64::NAN), Place::Exporter), "a=0 b=0"),
        ("wrong sign", distorted(How::From(100.0), Place::Adapter), "a=2 b=2"),
        ("ratio", distorted(How::Times(0.01), Place::Adapter), "a=0.98 b=0.98"),
        ("more", distorted(How::Plus(50.0), Place::Exporter), "a=148 b=148"),
        ("no honorLabels", setting(|s| s.honor_labels = false), ""),
        ("no attribution", setting(|s| s.unattributed = Who::Everyone), missing),
        ("new pods unseen", setting(|s| s.unattributed = Who::NewPods), "a=98"),
        ("neighbour", setting(|s| s.neighbours = vec![40.0]), "a=98 b=98"),
        ("mixed", setting(|s| (s.neighbours, s.ignores_pods) = (vec![50.0], true)), "a=82 b=82"),
        ("rule", setting(|s| s.loses_namespace = true), missing),
        ("exporter", setting(|s| s.exporter_missing = always), missing),
        ("ingest", setting(|s| s.ingests_nothing = always), missing),
        ("store", setting(|s| s.store_missing = always), missing),
        ("cached", setting(|s| s.adapter_cached = Some(During::from(Since::Chats(1)))), "a=0 b=0"),
        ("lost", setting(|s| s.unregistered = Some(During::from(Since::Pods(2)))), missing),
        ("away", setting(|s| s.adapter_away = always), "503 service unavailable"),
    ];
    for (name, setting, expected) in cases {
        let (platform, mut tasks) = platform(setting);
        adapter(&platform, RULES);
        pod(&platform.cluster, "a", 0);
        pod(&platform.cluster, "b", 1);
        seconds(120).await;
        load(&platform, &mut tasks, 4, &["a", "b"]);
        seconds(120).await;
        assert_eq!(served(&platform, PODS), expected, "{name}");
        tasks.abort_all();
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_was_away_lists_anew_when_it_is_back() {
    let away = During { after: Span::from_secs(20), lasts: Some(Span::from_secs(60)), ..During::from(Since::Chats(1)) };
    let (platform, mut tasks) = platform(setting(|s| s.adapter_away = Some(away)));
    adapter(&platform, RULES);
    pod(&platform.cluster, "a", 0);
    seconds(120).await;
    load(&platform, &mut tasks, 1, &["a"]);
    seconds(19).await;
    assert!(served(&platform, PODS).starts_with("a="));
    seconds(2).await;
    assert_eq!(served(&platform, PODS), "503 service unavailable");
    seconds(60).await;
    assert!(served(&platform, PODS).starts_with("a="));
}

#[test]
fn rules_of_other_shapes_are_refused_by_name() {
    let custom = |query: &str| {
        json!({"default": false,
            "custom": [{"seriesQuery": "u", "name": {"as": "v"}, "metricsQuery": query}]})
    };
    assert_eq!(check_rules(&custom("avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / 100")), Ok(()));
    let config: Value = serde_saphyr::from_str(RULES).unwrap();
    assert_eq!(check_rules(&config), Ok(()));
    let unknown = |rules: &Value| {
        check_rules(rules).unwrap_err().trim_start_matches("the simulated platform does not know ").to_owned()
    };
    assert_eq!(unknown(&custom("sum(rate(u[5m]))")), "`rate(u[5m]))` in a query");
    assert_eq!(unknown(&custom("sum(u{<<.X>>})")), "the placeholder in `sum(u{<<.X>>})`");
    assert_eq!(unknown(&json!({"custom": []})), "the adapter's default rules (rules.default: true)");
    assert_eq!(unknown(&json!({"rules": [{"seriesQuery": "u", "window": "1m"}]})), "`window` in an adapter rule");
}

#[test]
fn the_rules_of_all_scenarios_are_known() {
    let mut read = 0;
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
                    assert_eq!(check_rules(&json!({"rules": custom})), Ok(()), "{}", path.display());
                    read += 1;
                }
            }
        }
    }
    assert!(read > 5, "{read}");
}

#[tokio::test(start_paused = true)]
async fn pods_on_one_card_share_its_hundred_percent() {
    let (platform, mut tasks) = platform(Setting::default());
    adapter(&platform, RULES);
    let node = Kind::of("", "v1", "Node", "nodes");
    let share = |node: &mut Value| node["metadata"]["labels"]["nvidia.com/gpu.replicas"] = json!("2");
    platform.cluster.change(super::super::servers::bench::HAND, &node, "", "n1", share).unwrap();
    for (name, part) in [("a", "0"), ("b", "1")] {
        pod(&platform.cluster, name, 0);
        let held = json!(format!("0::{part}"));
        let edit = |pod: &mut Value| pod["metadata"]["annotations"]["simulated.gpuhpa/devices"] = held;
        platform.cluster.change(super::super::servers::bench::HAND, &POD, "ai", name, edit).unwrap();
    }
    load(&platform, &mut tasks, 4, &["a", "b"]);
    seconds(130).await;
    assert_eq!(served(&platform, PODS), "a=50 b=50");
    tasks.abort_all();
}

#[tokio::test(start_paused = true)]
async fn discovery_and_the_external_api_are_served_too() {
    let (platform, _tasks) = platform(Setting::default());
    adapter(&platform, &RULES.replacen("rules:", "externalRules:", 1).replace("<<.GroupBy>>", "pod"));
    pod(&platform.cluster, "a", 0);
    seconds(130).await;
    let get = |path: &str| platform.pipeline.metrics_api(path);
    let group = get("/apis/external.metrics.k8s.io").unwrap();
    assert_eq!(group["preferredVersion"]["version"], "v1beta1");
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/gpu_utilization?labelSelector=gpu%3D0";
    let read = api::read(get(path).unwrap().to_string().as_bytes(), Asks::External).unwrap();
    assert_eq!((read.len(), read[0].labels["pod"].as_str()), (1, "a"));
    assert_eq!(get("/apis/external.metrics.k8s.io/v1beta1/namespaces/ai/other").unwrap_err().code, 404);
    assert_eq!(get("/apis/custom.metrics.k8s.io/v1beta2").unwrap_err().code, 501);
}
