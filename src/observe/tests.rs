//! Tests of the observer against an in-process cluster, on a paused clock.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::fake_cluster::{ObservedCluster, collect_observations};
use super::{ObserverConfig, start_with};
use crate::env::TimelineWriter;
use crate::model::metric_profile::MetricProfile;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::observation::{ObservationKind, RecordedGap};
use crate::model::reading::{MetricHop, ReadingResult};
use crate::model::scenario::{ExporterSpec, StoreSpec};

const PODS: &str = "/api/v1/namespaces/ai/pods";
const NODES: &str = "/api/v1/nodes";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/ai/deployments";
pub(super) const METRIC: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ai/pods/*/gpu";

fn metric_under_test() -> MetricUnderTest {
    let spec = json!({"scaleTargetRef": {"kind": "Deployment", "name": "ollama"}, "maxReplicas": 2, "metrics": [
        {"type": "Pods", "pods": {"metric": {"name": "gpu"},
            "target": {"type": "AverageValue", "averageValue": "70"}}}]});
    MetricUnderTest::from_spec(&serde_json::from_value(spec).unwrap(), "ai").unwrap()
}

fn observer_config() -> ObserverConfig {
    ObserverConfig {
        namespace: "ai".into(),
        hpa: "gpuhpa-1".into(),
        scaled_object: None,
        target_kind: "Deployment".into(),
        target_name: "ollama".into(),
        service: None,
        metric: Some(metric_under_test()),
        store: None,
        exporter: None,
        profile: MetricProfile::default(),
    }
}

fn pod(name: &str, phase: &str, version: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "uid": name, "resourceVersion": version.to_string()},
        "spec": {"containers": []}, "status": {"phase": phase}})
}

fn deployment() -> Value {
    json!({"metadata": {"name": "ollama", "uid": "d", "resourceVersion": "1"}, "spec": {
        "selector": {"matchLabels": {"app": "ollama"}}, "template": {}}})
}

fn pods(timeline: &TimelineWriter) -> Vec<String> {
    collect_observations(timeline, |observation| match observation {
        ObservationKind::Pod(pod) => Some(format!("{} {}", pod.name, pod.phase)),
        ObservationKind::PodDeleted(pod) => Some(format!("{} deleted", pod.name)),
        ObservationKind::Gap(gap) if gap.source == "pods" => Some(format!("gap: {}", gap.reason)),
        _ => None,
    })
}

fn gaps(timeline: &TimelineWriter) -> Vec<RecordedGap> {
    collect_observations(
        timeline,
        |observation| if let ObservationKind::Gap(gap) = observation { Some(gap.clone()) } else { None },
    )
}

fn readings(timeline: &TimelineWriter, hop: MetricHop) -> Vec<ReadingResult> {
    collect_observations(timeline, |observation| match observation {
        ObservationKind::Metric(reading) if reading.hop == hop => Some(reading.result.clone()),
        _ => None,
    })
}

async fn seconds(s: u64) {
    sleep(Duration::from_secs(s)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_watch_is_a_gap_and_the_list_after_it_finds_what_has_gone() {
    let cluster = ObservedCluster::default();
    cluster.set_list(PODS, &[pod("a", "Running", 1), pod("b", "Pending", 1)]);
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(1).await;
    cluster.send_event(PODS, "MODIFIED", pod("b", "Running", 2)).await;
    cluster.send_event(PODS, "MODIFIED", pod("b", "Running", 3)).await;
    seconds(9).await;
    cluster.set_list(PODS, &[pod("b", "Running", 7), pod("c", "Pending", 8)]);
    cluster
        .send_event(PODS, "ERROR", json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}))
        .await;
    seconds(1).await;
    cluster.send_event(PODS, "DELETED", pod("c", "Failed", 9)).await;
    seconds(1).await;
    observer.stop().await;
    assert_eq!(
        pods(&context.timeline),
        [
            "a Running",
            "b Pending",
            "b Running",
            "gap: too old (410)",
            "c Pending",
            "a deleted",
            "c Failed",
            "c deleted",
        ]
    );
    let gap = gaps(&context.timeline).into_iter().find(|gap| gap.source == "pods").unwrap();
    assert!((1000..1100).contains(&gap.from_ms), "since the last event: {gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_early_resumes_where_it_stopped_and_is_a_gap() {
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(1).await;
    cluster.send_event(PODS, "ADDED", pod("a", "Running", 41)).await;
    seconds(9).await;
    cluster.end_watch(PODS);
    seconds(1).await;
    let requests = cluster.requests(PODS);
    assert!(requests.last().unwrap().contains("resourceVersion=41"), "{requests:?}");
    observer.stop().await;
    assert_eq!(pods(&context.timeline), ["a Running", "gap: the watch ended early"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_at_its_timeout_is_no_gap() {
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(59).await;
    cluster
        .send_event(PODS, "BOOKMARK", json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "50"}}))
        .await;
    seconds(1).await;
    cluster.end_watch(PODS);
    seconds(1).await;
    assert!(cluster.requests(PODS).last().unwrap().contains("resourceVersion=50"));
    observer.stop().await;
    assert_eq!(pods(&context.timeline), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_source_is_one_gap_and_the_rest_goes_on() {
    let cluster = ObservedCluster::default();
    let reason = "nodes is forbidden: User \"ci\" cannot list resource \"nodes\"";
    cluster.set_response(
        NODES,
        403,
        json!({"kind": "Status", "status": "Failure", "message": reason, "reason": "Forbidden", "code": 403}),
    );
    cluster.set_list(PODS, &[pod("a", "Running", 1)]);
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(65).await;
    assert_eq!(cluster.requests(NODES).len(), 3, "listed every 30 s");
    let expected =
        vec![RecordedGap { source: "nodes".into(), from_ms: 0, reason: format!("forbidden: {reason} (403)") }];
    assert_eq!(gaps(&context.timeline), expected);
    observer.stop().await;
    let nodes: Vec<_> = gaps(&context.timeline).into_iter().filter(|gap| gap.source == "nodes").collect();
    assert_eq!(
        nodes,
        [expected.clone(), expected].concat(),
        "recorded when it occurs, and with its whole length at the stop"
    );
    assert_eq!(pods(&context.timeline)[0], "a Running");
}

#[tokio::test(start_paused = true)]
async fn the_metrics_api_gets_the_controllers_request_and_each_reading_is_recorded() {
    let cluster = ObservedCluster::default();
    cluster.set_list(DEPLOYMENTS, &[deployment()]);
    let group = json!({"kind": "APIGroup", "name": "custom.metrics.k8s.io",
        "versions": [{"groupVersion": "x", "version": "v1beta1"}], "preferredVersion": {"version": "v1beta2"}});
    cluster.set_response("/apis/custom.metrics.k8s.io", 200, group);
    let value = json!({"kind": "MetricValueList", "items": [{"describedObject": {"name": "a"}, "metric": {"name": "gpu"},
        "timestamp": "2026-08-22T10:00:00Z", "value": "42"}]});
    cluster.set_response(METRIC, 200, value);
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    sleep(Duration::from_millis(3500)).await;
    let missing = json!({"kind": "Status", "message": "the server could not find the metric gpu for pods", "reason": "NotFound", "code": 404});
    cluster.set_response(METRIC, 404, missing);
    seconds(1).await;
    cluster.set_response(METRIC, 403, json!({"kind": "Status", "message": "no", "reason": "Forbidden", "code": 403}));
    seconds(1).await;
    observer.stop().await;
    let results = readings(&context.timeline, MetricHop::Api);
    let served =
        results.iter().filter(|result| matches!(result, ReadingResult::Samples(samples) if samples.len() == 1)).count();
    assert!(served >= 3, "equal readings are recorded too: {results:?}");
    let failed = "404 NotFound: the server could not find the metric gpu for pods";
    assert_eq!(
        results[results.len() - 2..],
        [ReadingResult::Failed(failed.to_owned()), ReadingResult::NotReadable("403 Forbidden: no".to_owned())]
    );
    assert!(cluster.requests(METRIC)[0].ends_with("?labelSelector=app%3Dollama"));
}

#[tokio::test(start_paused = true)]
async fn store_and_exporter_are_recorded_when_they_change_and_every_ten_seconds() {
    let cluster = ObservedCluster::default();
    let vector = |at: u32| {
        json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"pod": "a"}, "values": [[at, "5"]]}]}})
    };
    cluster.set_response("/sel/api/v1/query", 200, vector(100));
    cluster.set_list("/api/v1/namespaces/gpu/pods", &[pod("e1", "Running", 1), pod("e2", "Pending", 1)]);
    cluster.set_response("/api/v1/namespaces/gpu/pods/e1:9400/proxy/metrics", 200, "util{pod=\"a\"} 5\nother 1\n");
    let store = StoreSpec { url: Some("http://vm/sel/".into()), service: None, series: "util".into() };
    let exporter = ExporterSpec {
        namespace: "gpu".into(),
        pod_labels: [("app".to_owned(), "dcgm".to_owned())].into(),
        port: 9400,
        metric_name: "util".into(),
    };
    let context = cluster.context();
    let observer = start_with(
        context.clone(),
        ObserverConfig { store: Some(store), exporter: Some(exporter), ..observer_config() },
    );
    sleep(Duration::from_millis(5500)).await;
    cluster.set_response("/sel/api/v1/query", 200, vector(105));
    seconds(6).await;
    observer.stop().await;
    assert_eq!(readings(&context.timeline, MetricHop::Store).len(), 2, "at 0 s and with the new sample");
    let exporter = readings(&context.timeline, MetricHop::Exporter);
    assert_eq!(exporter.len(), 2, "at 0 s and at 10 s");
    assert!(
        matches!(&exporter[0], ReadingResult::Samples(samples) if samples.len() == 1 && samples[0].object.as_deref() == Some("a"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_reached_is_not_readable() {
    let cluster = ObservedCluster::default();
    let store = StoreSpec { url: Some("http://vm".into()), service: None, series: "util".into() };
    let context = cluster.context();
    let observer = start_with(context.clone(), ObserverConfig { store: Some(store), ..observer_config() });
    seconds(1).await;
    observer.stop().await;
    assert_eq!(
        readings(&context.timeline, MetricHop::Store),
        [ReadingResult::NotReadable("connection refused".to_owned())]
    );
}

#[tokio::test(start_paused = true)]
async fn clocks_that_agree_are_found_to_agree() {
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(30).await;
    observer.stop().await;
    let skews = collect_observations(&context.timeline, |observation| {
        if let ObservationKind::ClockSkew(skew) = observation { Some(*skew) } else { None }
    });
    let last = skews.last().unwrap();
    assert!(last.low_ms <= 0 && last.high_ms >= 0 && last.high_ms - last.low_ms < 100, "{skews:?}");
    assert!(skews.len() < 8, "{skews:?}");
}

fn gaps_of_source(timeline: &TimelineWriter, source: &str) -> Vec<(u64, u64, String)> {
    timeline.with_observations(|all| {
        let gap = |o: &crate::model::observation::Observation| match &o.kind {
            ObservationKind::Gap(gap) if gap.source == source => Some((gap.from_ms, o.at_ms, gap.reason.clone())),
            _ => None,
        };
        all.iter().filter_map(gap).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_restarts_is_a_gap_until_it_responds_again_and_the_run_continues() {
    for code in [500, 503, 429] {
        let cluster = ObservedCluster::default();
        cluster.set_list(PODS, &[pod("a", "Running", 1)]);
        let context = cluster.context();
        let observer = start_with(context.clone(), observer_config());
        seconds(1).await;
        cluster.send_event(PODS, "MODIFIED", pod("a", "Failed", 41)).await;
        seconds(9).await;
        cluster.set_fault(code, 0, Duration::ZERO);
        cluster.close_watches();
        seconds(20).await;
        cluster.clear_fault();
        seconds(6).await;
        cluster.send_event(PODS, "ADDED", pod("b", "Pending", 42)).await;
        seconds(1).await;
        observer.stop().await;
        let gaps = gaps_of_source(&context.timeline, "pods");
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        let (from, to, reason) = &gaps[0];
        // Readable until the connection closed, and again once the watch was opened: at most one pause after 30 s.
        assert!((9_990..10_100).contains(from) && (30_000..36_000).contains(to), "{code}: {gaps:?}");
        assert!(reason.starts_with("the watch ended early; last error: overloaded"), "{reason}");
        let last = cluster.requests(PODS).pop().unwrap();
        assert!(last.contains("resourceVersion=41"), "resumed where it stopped: {last}");
        assert_eq!(pods(&context.timeline).last().unwrap(), "b Pending");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_response_is_a_gap() {
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    cluster.set_fault(0, 0, Duration::from_secs(4));
    let observer = start_with(context.clone(), observer_config());
    seconds(20).await;
    observer.stop().await;
    let gaps = gaps_of_source(&context.timeline, "pods");
    let late = |n: usize, operation: &str, from: u64| {
        assert!(
            gaps[n].2.starts_with(operation) && gaps[n].0.abs_diff(from) < 50 && gaps[n].1.abs_diff(from + 4000) < 50,
            "{gaps:?}"
        );
    };
    late(0, "listing took 4.", 0);
    late(1, "opening the watch took 4.", 4000);
}

#[tokio::test(start_paused = true)]
async fn a_busy_api_server_gets_no_request_for_as_long_as_it_says() {
    let cluster = ObservedCluster::default();
    cluster.set_list(DEPLOYMENTS, &[deployment()]);
    cluster.set_response("/apis/custom.metrics.k8s.io", 200, json!({"versions": [{"version": "v1beta2"}]}));
    cluster.set_response(METRIC, 200, json!({"kind": "MetricValueList", "items": []}));
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(2).await;
    cluster.set_fault(429, 12, Duration::ZERO);
    seconds(2).await;
    let requests = cluster.requests("").len();
    seconds(9).await;
    assert_eq!(cluster.requests("").len(), requests, "no request");
    cluster.clear_fault();
    seconds(5).await;
    assert!(cluster.requests(METRIC).len() > 3, "and then the requests continue");
    observer.stop().await;
    let busy = readings(&context.timeline, MetricHop::Api)
        .into_iter()
        .filter(|a| matches!(a, ReadingResult::NotReadable(reason) if reason.contains("429")));
    assert_eq!(busy.count(), 1, "each response is recorded, none is retried");
}

#[tokio::test(start_paused = true)]
async fn slow_responses_never_pile_up() {
    let cluster = ObservedCluster::default();
    cluster.set_list(DEPLOYMENTS, &[deployment()]);
    cluster.set_response("/apis/custom.metrics.k8s.io", 200, json!({"versions": [{"version": "v1beta2"}]}));
    cluster.set_response(METRIC, 200, json!({"kind": "MetricValueList", "items": []}));
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(2).await;
    cluster.set_fault(0, 0, Duration::from_secs(60));
    seconds(61).await;
    observer.stop().await;
    assert_eq!(cluster.max_in_flight(), 1);
    let late = readings(&context.timeline, MetricHop::Api)
        .into_iter()
        .filter(|a| *a == ReadingResult::NotReadable("no response within 5 s".to_owned()));
    assert!((5..=12).contains(&late.count()), "one every 5 s, discovery included");
}

#[tokio::test(start_paused = true)]
async fn the_controllers_lease_is_recorded_when_its_holder_changes_and_once_a_minute() {
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let lease = |holder: &str, renewed: &str| {
        json!({"metadata": {"name": "kube-controller-manager", "uid": "l", "resourceVersion": "1"},
            "spec": {"holderIdentity": holder, "leaseTransitions": 1, "renewTime": renewed}})
    };
    let cluster = ObservedCluster::default();
    cluster.set_list(LEASES, &[lease("a_1", "2026-08-22T10:00:01.000000Z")]);
    let context = cluster.context();
    let observer = start_with(context.clone(), observer_config());
    seconds(1).await;
    for (holder, renewed) in [
        ("a_1", "2026-08-22T10:00:03.000000Z"),
        ("a_1", "2026-08-22T10:01:01.000000Z"),
        ("a_2", "2026-08-22T10:01:20.000000Z"),
    ] {
        cluster.send_event(LEASES, "MODIFIED", lease(holder, renewed)).await;
    }
    seconds(1).await;
    observer.stop().await;
    let leaders = collect_observations(&context.timeline, |observation| {
        if let ObservationKind::Leader(l) = observation {
            Some((l.holder.clone(), l.renewed.unwrap().to_string()))
        } else {
            None
        }
    });
    let recorded = |holder: &str, renewed: &str| (holder.to_owned(), renewed.to_owned());
    assert_eq!(
        leaders,
        [
            recorded("a_1", "2026-08-22T10:00:00Z"),
            recorded("a_1", "2026-08-22T10:01:00Z"),
            recorded("a_2", "2026-08-22T10:01:00Z")
        ]
    );
    assert!(cluster.requests(LEASES)[0].contains("metadata.name%3Dkube-controller-manager"));
}

#[tokio::test(start_paused = true)]
async fn a_scaled_object_is_recorded_when_its_conditions_change_and_a_failed_read_is_a_gap() {
    const LLM: &str = "/apis/keda.sh/v1alpha1/namespaces/ai/scaledobjects/llm";
    let scaled_object = |version: u32, fallback: &str| {
        json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "llm", "uid": "s", "resourceVersion": version.to_string()},
            "status": {"conditions": [{"type": "Fallback", "status": fallback}]}})
    };
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    let config = ObserverConfig { scaled_object: Some("llm".into()), ..observer_config() };
    let observer = start_with(context.clone(), config);
    let answer = |status: u16, body: Value| cluster.set_response(LLM, status, body);
    // It does not exist yet.
    answer(404, json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}));
    seconds(2).await;
    for (version, fallback) in [(1, "False"), (2, "False"), (3, "True")] {
        answer(200, scaled_object(version, fallback));
        seconds(2).await;
    }
    answer(403, json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}));
    seconds(20).await;
    // Rights change rarely: one request in 30 s.
    let requests = cluster.requests("scaledobjects").len();
    seconds(9).await;
    assert_eq!(cluster.requests("scaledobjects").len(), requests);
    answer(200, scaled_object(4, "True"));
    seconds(5).await;
    observer.stop().await;
    let recorded = collect_observations(&context.timeline, |observation| match observation {
        ObservationKind::ScaledObject(object) => Some(object.is_falling_back()),
        _ => None,
    });
    assert_eq!(recorded, [false, true]);
    let gaps: Vec<_> = gaps(&context.timeline).into_iter().filter(|gap| gap.source == "scaledObject").collect();
    assert!(gaps.len() == 1 && gaps[0].reason.contains("no"), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nothing() {
    let cluster = ObservedCluster::default();
    let context = cluster.context();
    let observer = start_with(context.clone(), ObserverConfig { service: Some("chat".into()), ..observer_config() });
    seconds(2).await;
    let before_us = context.clock.now_us();
    observer.stop().await;
    assert_eq!(context.clock.now_us(), before_us);
    let count = context.timeline.with_observations(<[_]>::len);
    seconds(100).await;
    assert_eq!(context.timeline.with_observations(<[_]>::len), count, "no task continues");
}
