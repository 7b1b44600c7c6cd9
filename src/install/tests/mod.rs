//! Making and undoing, against an API server and a helm in process.

mod fake;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use self::fake::{Cluster, world};
use super::*;
use crate::record::journal::{Entry, Step};
use crate::record::scenario::Release;
use crate::units::Span;

fn scenario(chart: &str) -> Scenario {
    let release = Release { chart: chart.to_owned(), ..Release::default() };
    let mut scenario = Scenario { namespace: "llm".to_owned(), ..Scenario::default() };
    scenario.releases.insert("ollama".to_owned(), release);
    scenario.hpa.spec.scale_target_ref.kind = "Deployment".to_owned();
    scenario.hpa.spec.scale_target_ref.name = "ollama".to_owned();
    scenario
}

const NAMESPACE: &str = "/api/v1/namespaces/llm";
const HPA: &str = "/apis/autoscaling/v2/namespaces/llm/horizontalpodautoscalers/gpuhpa-1";

/// Makes all that a run makes before its load.
async fn make(world: &World, journal: &Journal, scenario: &Scenario) -> Result<(), InstallError> {
    let (inventory, plan) =
        (Inventory::default(), Plan { run: "1".to_owned(), hpa: "gpuhpa-1".to_owned(), ..Plan::default() });
    namespaces(world, journal, scenario, &inventory, "1").await?;
    install_releases(world, journal, scenario, &inventory, "1", |_| false).await?;
    apply_hpa(world, journal, scenario, &plan).await
}

async fn unmake(world: &World, journal: &Journal) -> Result<(), InstallError> {
    undo(world, journal, Span::from_secs(5), &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn everything_made_is_removed_in_reverse_order_and_a_second_undo_has_nothing_to_do() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "all");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    let told = Mutex::new(Vec::new());
    undo(&world, &journal, Span::from_secs(5), &|text| told.lock().unwrap().push(text.to_owned())).await.unwrap();
    assert_eq!(
        *told.lock().unwrap(),
        [
            "deleting HorizontalPodAutoscaler llm/gpuhpa-1",
            "uninstalling helm release llm/ollama",
            "deleting Namespace llm"
        ]
    );
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    let before = journal.entries().len();
    unmake(&world, &journal).await.unwrap();
    assert_eq!(journal.entries().len(), before);
    assert_eq!(read_journal(&dir).unwrap(), journal.entries());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_failed_half_way_is_uninstalled() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "half");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let error = make(&world, &journal, &scenario("broken")).await.unwrap_err();
    assert!(error.to_string().contains("no such chart"), "{error}");
    assert_eq!(cluster.releases.lock().unwrap().len(), 1);
    unmake(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_came_meanwhile_is_not_ours_to_make_or_to_remove() {
    let cluster = Arc::new(Cluster::default());
    cluster
        .put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llm", "uid": "theirs"}}));
    let (world, dir) = world(&cluster, "theirs");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let error = make(&world, &journal, &scenario("good")).await.unwrap_err();
    assert!(error.to_string().contains("could not create Namespace llm"), "{error}");
    unmake(&world, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_that_replaced_ours_stays() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "replaced");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    cluster.put(
        HPA,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "gpuhpa-1", "namespace": "llm", "uid": "another"}, "spec": {}}),
    );
    unmake(&world, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [HPA]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_try_and_the_answer_is_cleaned_by_the_label() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "crash");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    // What `kill -9` leaves: the intentions, without what became of them.
    let cut: Vec<Entry> =
        journal.entries().into_iter().filter(|entry| matches!(entry.step, Step::Intended(_))).collect();
    let again = Journal::new(world.bundle.clone(), world.clock, cut);
    unmake(&world, &again).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_said_and_the_rest_is_removed_all_the_same() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "refused");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    *cluster.refuses.lock().unwrap() = Some("DELETE");
    let error = unmake(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("could not remove HorizontalPodAutoscaler llm/gpuhpa-1"), "{error}");
    assert!(cluster.releases.lock().unwrap().is_empty());
    let left = journal.entries().iter().filter(|entry| matches!(entry.step, Step::NotUndone { .. })).count();
    assert_eq!(left, 2);
    *cluster.refuses.lock().unwrap() = None;
    unmake(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_adopted_object_that_somebody_changed_is_named() {
    let cluster = Arc::new(Cluster::default());
    let path = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    let deployment = |size: i32, status: i32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": size}, "status": {"replicas": status},
            "metadata": {"name": "ollama", "namespace": "llm", "uid": "u", "resourceVersion": format!("{status}")}})
    };
    cluster.put(path, deployment(1, 1));
    let (world, dir) = world(&cluster, "adopted");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let mut inventory = Inventory::default();
    let chart = crate::record::inventory::ChartFacts { target_resources: Some(BTreeMap::new()), ..Default::default() };
    inventory.charts.insert("ollama".to_owned(), chart);
    install_releases(&world, &journal, &scenario("good"), &inventory, "1", |_| true).await.unwrap();
    cluster.put(path, deployment(2, 2));
    let error = unmake(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("Deployment llm/ollama: it is not as it was"), "{error}");
    // Status and resourceVersion are bookkeeping.
    cluster.put(path, deployment(1, 3));
    unmake(&world, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
