//! The observer against an in-process cluster, on a paused clock.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::bench::{Cluster, pick};
use super::{Watch, begin};
use crate::record::observation::{GapSeen, Seen};
use crate::record::reading::{Answer, Hop};
use crate::record::scenario::{Exporter, Store};
use crate::world::Book;

const PODS: &str = "/api/v1/namespaces/ai/pods";
const NODES: &str = "/api/v1/nodes";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/ai/deployments";
pub(super) const METRIC: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ai/pods/*/gpu";

fn watch() -> Watch {
    Watch {
        namespace: "ai".into(),
        hpa: "gpuhpa-1".into(),
        target_kind: "Deployment".into(),
        target_name: "ollama".into(),
        service: None,
        metric: serde_json::from_value(json!({"type": "Pods", "pods": {"metric": {"name": "gpu"},
            "target": {"type": "AverageValue", "averageValue": "70"}}}))
        .unwrap(),
        store: None,
        exporter: None,
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

fn pods(book: &Book) -> Vec<String> {
    pick(book, |seen| match seen {
        Seen::Pod(pod) => Some(format!("{} {}", pod.name, pod.phase)),
        Seen::PodGone(gone) => Some(format!("{} gone", gone.name)),
        Seen::Gap(gap) if gap.source == "pods" => Some(format!("gap: {}", gap.why)),
        _ => None,
    })
}

fn gaps(book: &Book) -> Vec<GapSeen> {
    pick(book, |seen| if let Seen::Gap(gap) = seen { Some(gap.clone()) } else { None })
}

fn readings(book: &Book, hop: Hop) -> Vec<Answer> {
    pick(book, |seen| match seen {
        Seen::Metric(reading) if reading.hop == hop => Some(reading.answer.clone()),
        _ => None,
    })
}

async fn seconds(s: u64) {
    sleep(Duration::from_secs(s)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_watch_is_a_gap_and_the_list_after_it_finds_what_has_gone() {
    let cluster = Cluster::default();
    cluster.lists(PODS, &[pod("a", "Running", 1), pod("b", "Pending", 1)]);
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(1).await;
    cluster.tells(PODS, "MODIFIED", pod("b", "Running", 2)).await;
    cluster.tells(PODS, "MODIFIED", pod("b", "Running", 3)).await;
    seconds(9).await;
    cluster.lists(PODS, &[pod("b", "Running", 7), pod("c", "Pending", 8)]);
    cluster
        .tells(PODS, "ERROR", json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}))
        .await;
    seconds(1).await;
    cluster.tells(PODS, "DELETED", pod("c", "Failed", 9)).await;
    seconds(1).await;
    observer.stop().await;
    assert_eq!(
        pods(&outside.book),
        ["a Running", "b Pending", "b Running", "gap: too old (410)", "c Pending", "a gone", "c Failed", "c gone",]
    );
    let gap = gaps(&outside.book).into_iter().find(|gap| gap.source == "pods").unwrap();
    assert!((1000..1100).contains(&gap.from_ms), "since the last event: {gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_early_is_taken_up_where_it_stopped_and_is_a_gap() {
    let cluster = Cluster::default();
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(1).await;
    cluster.tells(PODS, "ADDED", pod("a", "Running", 41)).await;
    seconds(9).await;
    cluster.ends(PODS);
    seconds(1).await;
    let asked = cluster.asked(PODS);
    assert!(asked.last().unwrap().contains("resourceVersion=41"), "{asked:?}");
    observer.stop().await;
    assert_eq!(pods(&outside.book), ["a Running", "gap: the watch ended early"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_when_asked_is_no_gap() {
    let cluster = Cluster::default();
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(59).await;
    cluster
        .tells(PODS, "BOOKMARK", json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "50"}}))
        .await;
    seconds(1).await;
    cluster.ends(PODS);
    seconds(1).await;
    assert!(cluster.asked(PODS).last().unwrap().contains("resourceVersion=50"));
    observer.stop().await;
    assert_eq!(pods(&outside.book), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_source_is_one_gap_and_the_rest_goes_on() {
    let cluster = Cluster::default();
    let why = "nodes is forbidden: User \"ci\" cannot list resource \"nodes\"";
    cluster.answers(
        NODES,
        403,
        json!({"kind": "Status", "status": "Failure", "message": why, "reason": "Forbidden", "code": 403}),
    );
    cluster.lists(PODS, &[pod("a", "Running", 1)]);
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(65).await;
    assert_eq!(cluster.asked(NODES).len(), 3, "asked every 30 s");
    let told = vec![GapSeen { source: "nodes".into(), from_ms: 0, why: format!("forbidden: {why} (403)") }];
    assert_eq!(gaps(&outside.book), told);
    observer.stop().await;
    let nodes: Vec<_> = gaps(&outside.book).into_iter().filter(|gap| gap.source == "nodes").collect();
    assert_eq!(nodes, [told.clone(), told].concat(), "told when met, and with its whole length at the stop");
    assert_eq!(pods(&outside.book)[0], "a Running");
}

#[tokio::test(start_paused = true)]
async fn the_metrics_api_is_asked_as_the_controller_asks_and_each_reading_is_noted() {
    let cluster = Cluster::default();
    cluster.lists(DEPLOYMENTS, &[deployment()]);
    let group = json!({"kind": "APIGroup", "name": "custom.metrics.k8s.io",
        "versions": [{"groupVersion": "x", "version": "v1beta1"}], "preferredVersion": {"version": "v1beta2"}});
    cluster.answers("/apis/custom.metrics.k8s.io", 200, group);
    let value = json!({"kind": "MetricValueList", "items": [{"describedObject": {"name": "a"}, "metric": {"name": "gpu"},
        "timestamp": "2026-08-22T10:00:00Z", "value": "42"}]});
    cluster.answers(METRIC, 200, value);
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    sleep(Duration::from_millis(3500)).await;
    let missing = json!({"kind": "Status", "message": "the server could not find the metric gpu for pods", "reason": "NotFound", "code": 404});
    cluster.answers(METRIC, 404, missing);
    seconds(1).await;
    cluster.answers(METRIC, 403, json!({"kind": "Status", "message": "no", "reason": "Forbidden", "code": 403}));
    seconds(1).await;
    observer.stop().await;
    let answers = readings(&outside.book, Hop::Api);
    let served =
        answers.iter().filter(|answer| matches!(answer, Answer::Samples(samples) if samples.len() == 1)).count();
    assert!(served >= 3, "equal readings are noted too: {answers:?}");
    let failed = "404 NotFound: the server could not find the metric gpu for pods";
    assert_eq!(
        answers[answers.len() - 2..],
        [Answer::Failed(failed.to_owned()), Answer::NotReadable("403 Forbidden: no".to_owned())]
    );
    assert!(cluster.asked(METRIC)[0].ends_with("?labelSelector=app%3Dollama"));
}

#[tokio::test(start_paused = true)]
async fn store_and_exporter_are_noted_when_they_change_and_every_ten_seconds() {
    let cluster = Cluster::default();
    let vector = |at: u32| {
        json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"pod": "a"}, "values": [[at, "5"]]}]}})
    };
    cluster.answers("/sel/api/v1/query", 200, vector(100));
    cluster.lists("/api/v1/namespaces/gpu/pods", &[pod("e1", "Running", 1), pod("e2", "Pending", 1)]);
    cluster.answers("/api/v1/namespaces/gpu/pods/e1:9400/proxy/metrics", 200, "util{pod=\"a\"} 5\nother 1\n");
    let store = Store { url: Some("http://vm/sel/".into()), service: None, series: "util".into() };
    let exporter = Exporter {
        namespace: "gpu".into(),
        pod_labels: [("app".to_owned(), "dcgm".to_owned())].into(),
        port: 9400,
        name: "util".into(),
    };
    let outside = cluster.outside();
    let observer = begin(outside.clone(), Watch { store: Some(store), exporter: Some(exporter), ..watch() });
    sleep(Duration::from_millis(5500)).await;
    cluster.answers("/sel/api/v1/query", 200, vector(105));
    seconds(6).await;
    observer.stop().await;
    assert_eq!(readings(&outside.book, Hop::Store).len(), 2, "at 0 s and with the new sample");
    let exporter = readings(&outside.book, Hop::Exporter);
    assert_eq!(exporter.len(), 2, "at 0 s and at 10 s");
    assert!(
        matches!(&exporter[0], Answer::Samples(samples) if samples.len() == 1 && samples[0].object.as_deref() == Some("a"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_reached_is_not_readable() {
    let cluster = Cluster::default();
    let store = Store { url: Some("http://vm".into()), service: None, series: "util".into() };
    let outside = cluster.outside();
    let observer = begin(outside.clone(), Watch { store: Some(store), ..watch() });
    seconds(1).await;
    observer.stop().await;
    assert_eq!(readings(&outside.book, Hop::Store), [Answer::NotReadable("connection refused".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn clocks_that_agree_are_found_to_agree() {
    let cluster = Cluster::default();
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(30).await;
    observer.stop().await;
    let skews = pick(&outside.book, |seen| if let Seen::Skew(skew) = seen { Some(*skew) } else { None });
    let last = skews.last().unwrap();
    assert!(last.low_ms <= 0 && last.high_ms >= 0 && last.high_ms - last.low_ms < 100, "{skews:?}");
    assert!(skews.len() < 8, "{skews:?}");
}

fn gap_of(book: &Book, source: &str) -> Vec<(u64, u64, String)> {
    book.read(|all| {
        let gap = |o: &crate::record::observation::Observation| match &o.seen {
            Seen::Gap(gap) if gap.source == source => Some((gap.from_ms, o.at_ms, gap.why.clone())),
            _ => None,
        };
        all.iter().filter_map(gap).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_restarts_is_a_gap_until_it_answers_again_and_the_run_goes_on() {
    for code in [500, 503, 429] {
        let cluster = Cluster::default();
        cluster.lists(PODS, &[pod("a", "Running", 1)]);
        let outside = cluster.outside();
        let observer = begin(outside.clone(), watch());
        seconds(1).await;
        cluster.tells(PODS, "MODIFIED", pod("a", "Failed", 41)).await;
        seconds(9).await;
        cluster.fails(code, 0, Duration::ZERO);
        cluster.restarts();
        seconds(20).await;
        cluster.is_well();
        seconds(6).await;
        cluster.tells(PODS, "ADDED", pod("b", "Pending", 42)).await;
        seconds(1).await;
        observer.stop().await;
        let gaps = gap_of(&outside.book, "pods");
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        let (from, to, why) = &gaps[0];
        // Good until the connection closed, and again when the watch was opened: at most one pause after 30 s.
        assert!((9_990..10_100).contains(from) && (30_000..36_000).contains(to), "{code}: {gaps:?}");
        assert!(why.starts_with("the watch ended early; later: overloaded"), "{why}");
        let last = cluster.asked(PODS).pop().unwrap();
        assert!(last.contains("resourceVersion=41"), "taken up where it stopped: {last}");
        assert_eq!(pods(&outside.book).last().unwrap(), "b Pending");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_is_a_gap() {
    let cluster = Cluster::default();
    let outside = cluster.outside();
    cluster.fails(0, 0, Duration::from_secs(4));
    let observer = begin(outside.clone(), watch());
    seconds(20).await;
    observer.stop().await;
    let gaps = gap_of(&outside.book, "pods");
    let late = |n: usize, what: &str, from: u64| {
        assert!(
            gaps[n].2.starts_with(what) && gaps[n].0.abs_diff(from) < 50 && gaps[n].1.abs_diff(from + 4000) < 50,
            "{gaps:?}"
        );
    };
    late(0, "a list came only after 4.", 0);
    late(1, "the opening of a watch came only after 4.", 4000);
}

#[tokio::test(start_paused = true)]
async fn a_busy_api_server_is_left_alone_for_as_long_as_it_says() {
    let cluster = Cluster::default();
    cluster.lists(DEPLOYMENTS, &[deployment()]);
    cluster.answers("/apis/custom.metrics.k8s.io", 200, json!({"versions": [{"version": "v1beta2"}]}));
    cluster.answers(METRIC, 200, json!({"kind": "MetricValueList", "items": []}));
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(2).await;
    cluster.fails(429, 12, Duration::ZERO);
    seconds(2).await;
    let asked = cluster.asked("").len();
    seconds(9).await;
    assert_eq!(cluster.asked("").len(), asked, "nobody asks");
    cluster.is_well();
    seconds(5).await;
    assert!(cluster.asked(METRIC).len() > 3, "and then goes on");
    observer.stop().await;
    let busy = readings(&outside.book, Hop::Api)
        .into_iter()
        .filter(|a| matches!(a, Answer::NotReadable(why) if why.contains("429")));
    assert_eq!(busy.count(), 1, "each answer is recorded, none is tried again unseen");
}

#[tokio::test(start_paused = true)]
async fn slow_answers_never_pile_up() {
    let cluster = Cluster::default();
    cluster.lists(DEPLOYMENTS, &[deployment()]);
    cluster.answers("/apis/custom.metrics.k8s.io", 200, json!({"versions": [{"version": "v1beta2"}]}));
    cluster.answers(METRIC, 200, json!({"kind": "MetricValueList", "items": []}));
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(2).await;
    cluster.fails(0, 0, Duration::from_secs(60));
    seconds(61).await;
    observer.stop().await;
    assert_eq!(cluster.most_under_way(), 1);
    let late = readings(&outside.book, Hop::Api)
        .into_iter()
        .filter(|a| *a == Answer::NotReadable("no answer within 5 s".to_owned()));
    assert!((5..=12).contains(&late.count()), "one every 5 s, discovery included");
}

#[tokio::test(start_paused = true)]
async fn the_controllers_lease_is_noted_when_another_holds_it_and_once_a_minute() {
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let lease = |holder: &str, renewed: &str| {
        json!({"metadata": {"name": "kube-controller-manager", "uid": "l", "resourceVersion": "1"},
            "spec": {"holderIdentity": holder, "leaseTransitions": 1, "renewTime": renewed}})
    };
    let cluster = Cluster::default();
    cluster.lists(LEASES, &[lease("a_1", "2026-08-22T10:00:01.000000Z")]);
    let outside = cluster.outside();
    let observer = begin(outside.clone(), watch());
    seconds(1).await;
    for (holder, renewed) in [
        ("a_1", "2026-08-22T10:00:03.000000Z"),
        ("a_1", "2026-08-22T10:01:01.000000Z"),
        ("a_2", "2026-08-22T10:01:20.000000Z"),
    ] {
        cluster.tells(LEASES, "MODIFIED", lease(holder, renewed)).await;
    }
    seconds(1).await;
    observer.stop().await;
    let seen = pick(&outside.book, |seen| {
        if let Seen::Leader(l) = seen { Some((l.holder.clone(), l.renewed.unwrap().to_string())) } else { None }
    });
    let noted = |holder: &str, renewed: &str| (holder.to_owned(), renewed.to_owned());
    assert_eq!(
        seen,
        [
            noted("a_1", "2026-08-22T10:00:00Z"),
            noted("a_1", "2026-08-22T10:01:00Z"),
            noted("a_2", "2026-08-22T10:01:00Z")
        ]
    );
    assert!(cluster.asked(LEASES)[0].contains("metadata.name%3Dkube-controller-manager"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nothing() {
    let cluster = Cluster::default();
    let outside = cluster.outside();
    let observer = begin(outside.clone(), Watch { service: Some("chat".into()), ..watch() });
    seconds(2).await;
    let before_us = outside.clock.now_us();
    observer.stop().await;
    assert_eq!(outside.clock.now_us(), before_us);
    let noted = outside.book.read(<[_]>::len);
    seconds(100).await;
    assert_eq!(outside.book.read(<[_]>::len), noted, "nobody goes on");
}
