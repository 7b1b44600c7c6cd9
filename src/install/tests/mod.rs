//! Making and undoing, against an API server and a helm in process.

mod fake;
mod lease;
mod target_scale;
mod volume_claims;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use self::fake::{InstallTestCluster, test_env};
use super::*;
use crate::model::journal::{ChangeState, JournalEntry, NewRelease, ReleaseRef};
use crate::model::scenario::ReleaseSpec;
use crate::units::HumanDuration;

fn scenario(chart: &str) -> Scenario {
    let release = ReleaseSpec { chart: chart.to_owned(), ..ReleaseSpec::default() };
    let mut scenario = Scenario { namespace: "llm".to_owned(), ..Scenario::default() };
    scenario.releases.insert("ollama".to_owned(), release);
    scenario.hpa.spec.scale_target_ref.kind = "Deployment".to_owned();
    scenario.hpa.spec.scale_target_ref.name = "ollama".to_owned();
    scenario
}

const NAMESPACE: &str = "/api/v1/namespaces/llm";
const HPA: &str = "/apis/autoscaling/v2/namespaces/llm/horizontalpodautoscalers/gpuhpa-1";

/// Makes all that a run makes before its load.
async fn install_all(world: &RunEnv, journal: &Journal, scenario: &Scenario) -> Result<(), InstallError> {
    let (inventory, plan) =
        (Inventory::default(), Plan { run: "1".to_owned(), hpa: "gpuhpa-1".to_owned(), ..Plan::default() });
    create_namespaces(world, journal, scenario, &inventory, "1").await?;
    install_releases(world, journal, scenario, &inventory, "1", |_| false).await?;
    apply_hpa(world, journal, scenario, &plan).await
}

async fn undo_all(world: &RunEnv, journal: &Journal) -> Result<(), InstallError> {
    undo(world, journal, HumanDuration::from_secs(5), &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn everything_made_is_removed_in_reverse_order_and_a_second_undo_has_nothing_to_do() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "all");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    let told = Mutex::new(Vec::new());
    undo(&world, &journal, HumanDuration::from_secs(5), &|text| told.lock().unwrap().push(text.to_owned()))
        .await
        .unwrap();
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
    undo_all(&world, &journal).await.unwrap();
    assert_eq!(journal.entries().len(), before);
    assert_eq!(read_journal(&dir).unwrap(), journal.entries());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_failed_half_way_is_uninstalled() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "half");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    let error = install_all(&world, &journal, &scenario("broken")).await.unwrap_err();
    assert!(error.to_string().contains("no such chart"), "{error}");
    assert_eq!(cluster.releases.lock().unwrap().len(), 1);
    undo_all(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

/// As helm does while the API server starts again.
#[tokio::test(start_paused = true)]
async fn an_uninstall_that_fails_is_tried_once_more() {
    for (failures, is_left) in [(1, false), (2, true)] {
        let cluster = Arc::new(InstallTestCluster::default());
        let (world, dir) = test_env(&cluster, &format!("unreachable-{failures}"));
        let journal = Journal::new(world.bundle.clone(), world.clock, "1");
        install_all(&world, &journal, &scenario("good")).await.unwrap();
        cluster.helm_failures.store(failures, std::sync::atomic::Ordering::Relaxed);
        let undone = undo_all(&world, &journal).await;
        assert_eq!(undone.is_err(), is_left, "{undone:?}");
        assert_eq!(!cluster.releases.lock().unwrap().is_empty(), is_left);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_came_meanwhile_is_not_ours_to_make_or_to_remove() {
    let cluster = Arc::new(InstallTestCluster::default());
    cluster
        .put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llm", "uid": "theirs"}}));
    let (world, dir) = test_env(&cluster, "theirs");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    let error = install_all(&world, &journal, &scenario("good")).await.unwrap_err();
    assert!(error.to_string().contains("could not create Namespace llm"), "{error}");
    undo_all(&world, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_found_when_it_is_sent_again() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "lost");
    let there = run_metadata("llm", "1");
    cluster.put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": there}));
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    undo_all(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_that_replaced_ours_stays() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "replaced");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    cluster.put(
        HPA,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "gpuhpa-1", "namespace": "llm", "uid": "another"}, "spec": {}}),
    );
    // And so does the namespace, which would take it along.
    let error = undo_all(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("HorizontalPodAutoscaler gpuhpa-1"), "{error}");
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_try_and_the_answer_is_cleaned_by_the_label() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "crash");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    // What `kill -9` leaves: the intentions, without what became of them.
    let cut: Vec<JournalEntry> =
        journal.entries().into_iter().filter(|entry| matches!(entry.state, ChangeState::Intended(_))).collect();
    let again = Journal::from_entries(world.bundle.clone(), world.clock, cut);
    undo_all(&world, &again).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_said_and_the_rest_is_removed_all_the_same() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "refused");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    *cluster.denied_method.lock().unwrap() = Some("DELETE");
    let error = undo_all(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("could not remove HorizontalPodAutoscaler llm/gpuhpa-1"), "{error}");
    assert!(cluster.releases.lock().unwrap().is_empty());
    let left = journal.entries().iter().filter(|entry| matches!(entry.state, ChangeState::UndoFailed { .. })).count();
    assert_eq!(left, 2);
    *cluster.denied_method.lock().unwrap() = None;
    undo_all(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_gone_is_waited_for_once() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "gone");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    cluster.is_silent.store(true, std::sync::atomic::Ordering::Relaxed);
    let before = world.clock.now_ms();
    let error = undo(&world, &journal, HumanDuration::from_secs(300), &|_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not remove HorizontalPodAutoscaler llm/gpuhpa-1: the API server does not answer: nothing within 1m15s"
    );
    assert!(world.clock.now_ms() - before < 80_000);
    let left = journal.entries().iter().filter(|entry| matches!(entry.state, ChangeState::UndoFailed { .. })).count();
    assert_eq!((left, cluster.paths().len(), cluster.releases.lock().unwrap().len()), (3, 2, 1));
    cluster.is_silent.store(false, std::sync::atomic::Ordering::Relaxed);
    undo_all(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_adopted_object_that_somebody_changed_is_named() {
    let cluster = Arc::new(InstallTestCluster::default());
    let path = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    let deployment = |size: i32, status: i32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": size}, "status": {"replicas": status},
            "metadata": {"name": "ollama", "namespace": "llm", "uid": "u", "resourceVersion": format!("{status}")}})
    };
    cluster.put(path, deployment(1, 1));
    let (world, dir) = test_env(&cluster, "adopted");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    let mut inventory = Inventory::default();
    let chart = crate::model::inventory::ChartSummary { target_resources: Some(BTreeMap::new()), ..Default::default() };
    inventory.charts.insert("ollama".to_owned(), chart);
    install_releases(&world, &journal, &scenario("good"), &inventory, "1", |_| true).await.unwrap();
    cluster.put(path, deployment(2, 2));
    let error = undo_all(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("Deployment llm/ollama: it is not as it was"), "{error}");
    // Status and resourceVersion are bookkeeping.
    cluster.put(path, deployment(1, 3));
    undo_all(&world, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Two runs of one scenario: the second finds what the first has made, and its way back touches nothing of it.
#[tokio::test(start_paused = true)]
async fn what_another_run_made_stays() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "two");
    let first = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &first, &scenario("good")).await.unwrap();
    let second = Journal::new(world.bundle.clone(), world.clock, "2");
    create_namespaces(&world, &second, &scenario("good"), &Inventory::default(), "2").await.unwrap_err();
    // As if both had looked before either of them installed.
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    second.record_intent(RunChange::HelmInstall(release.into())).unwrap();
    let (standing, releases) = (cluster.paths(), cluster.releases.lock().unwrap().clone());
    undo(&world, &second, HumanDuration::from_secs(60), &|_| {}).await.unwrap();
    assert_eq!((cluster.paths(), cluster.releases.lock().unwrap().clone()), (standing, releases));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_with_anothers_workload_stays_and_what_it_holds_is_named() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "stranger");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    let theirs = "/apis/apps/v1/namespaces/llm/deployments/theirs";
    cluster.put(
        theirs,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs", "namespace": "llm"}}),
    );
    let error = undo_all(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("it holds what this run did not make: Deployment theirs"), "{error}");
    assert_eq!(cluster.paths(), [NAMESPACE, theirs]);
    cluster.remove(theirs);
    // A volume of somebody's is data; what a StatefulSet of the run claimed goes with it.
    let claims =
        ["data", "models-ollama-0"].map(|name| format!("/api/v1/namespaces/llm/persistentvolumeclaims/{name}"));
    for (path, name) in claims.iter().zip(["data", "models-ollama-0"]) {
        cluster.put(
            path,
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "llm"}}),
        );
    }
    let error = undo_all(&world, &journal).await.unwrap_err().to_string();
    assert!(error.contains("did not make: PersistentVolumeClaim data. Move"), "{error}");
    cluster.remove(&claims[0]);
    undo_all(&world, &journal).await.unwrap();
    // A namespace of this cluster does not take along what it holds.
    assert_eq!(cluster.paths(), [claims[1].clone()]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_the_labels_lead_to_what_a_run_made_and_to_nothing_else() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "traces");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    install_all(&world, &journal, &scenario("good")).await.unwrap();
    // helm's own record of the release, as it labels it.
    let record = "/api/v1/namespaces/llm/secrets/sh.helm.release.v1.ollama.v1";
    cluster.put(
        record,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sh.helm.release.v1.ollama.v1",
        "namespace": "llm", "labels": {"owner": "helm", "name": "ollama", "gpuhpa.dev/run": "1"}}}),
    );
    assert!(find_leftovers(&world, "2").await.unwrap().is_empty());
    assert_eq!(runs_with_leftovers(&world).await.unwrap(), ["1".to_owned()].into());
    let found = Journal::from_entries(world.bundle.clone(), world.clock, find_leftovers(&world, "1").await.unwrap());
    let what = [
        "deleting HorizontalPodAutoscaler llm/gpuhpa-1",
        "uninstalling helm release llm/ollama",
        "deleting Namespace llm",
    ];
    assert_eq!(dry_run_undo(&world, &found).await.unwrap(), what);
    assert_eq!(cluster.paths().len(), 3);
    undo_all(&world, &found).await.unwrap();
    assert_eq!((cluster.paths(), cluster.releases.lock().unwrap().len()), (vec![record.to_owned()], 0));
    assert_eq!(
        dry_run_undo(&world, &Journal::from_entries(world.bundle.clone(), world.clock, journal.entries()))
            .await
            .unwrap()[0],
        "deleting HorizontalPodAutoscaler llm/gpuhpa-1: nothing to do, it is gone"
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Somebody deleted the namespace of a run that was killed, and helm's record went along: what the chart made of the whole
/// cluster would stay, and an APIService that nobody serves keeps every namespace from going.
#[tokio::test(start_paused = true)]
async fn what_a_release_left_outside_of_its_namespace_goes_though_its_record_is_gone() {
    const PATH: &str = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.custom.metrics.k8s.io";
    let of = |release: &str| {
        let annotations = json!({"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "metrics"});
        json!({"metadata": {"name": "v1beta1.custom.metrics.k8s.io", "uid": "u", "annotations": annotations}})
    };
    let beyond = ObjectRef {
        api_version: "apiregistration.k8s.io/v1".to_owned(),
        kind: "APIService".to_owned(),
        plural: "apiservices".to_owned(),
        namespace: None,
        name: "v1beta1.custom.metrics.k8s.io".to_owned(),
    };
    let release = ReleaseRef { name: "adapter".to_owned(), namespace: "metrics".to_owned() };
    // Ours; another release's; and that of a release of the same name, which another run has made meanwhile.
    for (name, owner, again, stays) in
        [("a", "adapter", false, false), ("b", "other", false, true), ("c", "adapter", true, true)]
    {
        let cluster = Arc::new(InstallTestCluster::default());
        let (world, dir) = test_env(&cluster, &format!("beyond-{name}"));
        let journal = Journal::new(world.bundle.clone(), world.clock, "1");
        let made = NewRelease { release: release.clone(), outside_objects: vec![beyond.clone()] };
        let change = journal.record_intent(RunChange::HelmInstall(made)).unwrap();
        journal.record_result(change, Ok::<(), String>(()), |()| None).unwrap().unwrap();
        cluster.put(PATH, of(owner));
        if again {
            cluster.releases.lock().unwrap().insert("adapter".to_owned(), "2".to_owned());
        }
        undo(&world, &journal, HumanDuration::from_secs(60), &|_| {}).await.unwrap();
        assert_eq!(cluster.paths().is_empty(), !stays, "{name}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

/// A helm that outlived a killed run: its record comes after the clean-up has begun.
#[tokio::test(start_paused = true)]
async fn a_release_that_comes_late_is_waited_for_where_nothing_tells_how_its_install_ended() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "orphan");
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    journal.record_intent(RunChange::HelmInstall(release.into())).unwrap();
    let late = async {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        cluster.releases.lock().unwrap().insert("ollama".to_owned(), "1".to_owned());
    };
    let (undone, ()) = tokio::join!(undo(&world, &journal, HumanDuration::from_secs(60), &|_| {}), late);
    undone.unwrap();
    assert!(cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}
