//! Install and undo, against a fake API server and a fake helm.

mod fake;
mod foreign_hpa;
mod foreign_objects;
mod journal_of_strangers;
mod lease;
mod target_scale;
mod volume_claims;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use self::fake::{InstallTestCluster, test_env};
use super::*;
use crate::model::journal::{ChangeState, JournalEntry, NewRelease, ReleaseRef, RunChange};
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

/// Makes all changes of a run before its load.
async fn install_all(env: &RunEnv, journal: &Journal, scenario: &Scenario) -> Result<(), InstallError> {
    let (inventory, plan) =
        (Inventory::default(), Plan { run: "1".to_owned(), hpa: "gpuhpa-1".to_owned(), ..Plan::default() });
    create_namespaces(env, journal, scenario, &inventory, "1").await?;
    install_releases(env, journal, scenario, &inventory, "1", |_| false).await?;
    apply_hpa(env, journal, scenario, &plan).await
}

async fn undo_all(env: &RunEnv, journal: &Journal) -> Result<(), InstallError> {
    undo(env, journal, HumanDuration::from_secs(5), &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn all_changes_are_undone_in_reverse_order_and_a_second_undo_has_nothing_to_do() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "all");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    let messages = Mutex::new(Vec::new());
    undo(&env, &journal, HumanDuration::from_secs(5), &|text| messages.lock().unwrap().push(text.to_owned()))
        .await
        .unwrap();
    assert_eq!(
        *messages.lock().unwrap(),
        [
            "deleting HorizontalPodAutoscaler llm/gpuhpa-1",
            "uninstalling helm release llm/ollama",
            "deleting Namespace llm"
        ]
    );
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    let before = journal.entries().len();
    undo_all(&env, &journal).await.unwrap();
    assert_eq!(journal.entries().len(), before);
    assert_eq!(read_journal(&dir).unwrap(), journal.entries());
    std::fs::remove_dir_all(&dir).unwrap();
}

/// helm may end its uninstall before the workloads are gone.
#[tokio::test(start_paused = true)]
async fn a_release_is_undone_when_its_workloads_are_gone() {
    const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "workloads");
    let leave_behind = |annotations: serde_json::Value| {
        cluster.put(
            DEPLOYMENT,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ollama",
                "annotations": annotations, "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        );
    };
    let ours = json!({"meta.helm.sh/release-name": "ollama", "meta.helm.sh/release-namespace": "llm"});
    for (run, annotations, expected) in
        [("1", ours.clone(), Err("not deleted within 5s")), ("2", json!({}), Ok(())), ("3", ours, Ok(()))]
    {
        let journal = Journal::new(env.bundle.clone(), env.clock, run);
        install_releases(&env, &journal, &scenario("good"), &Inventory::default(), run, |_| false).await.unwrap();
        leave_behind(annotations);
        let gone = async {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            if run == "3" {
                cluster.remove(DEPLOYMENT);
            }
        };
        let began_ms = env.clock.now_ms();
        let (result, ()) =
            tokio::join!(async { undo_all(&env, &journal).await.map(|()| env.clock.now_ms() - began_ms) }, gone);
        match expected {
            Err(text) => assert!(result.unwrap_err().to_string().contains(text)),
            Ok(()) => assert_eq!(result.unwrap() >= 3000, run == "3", "run {run}"),
        }
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_failed_half_way_is_uninstalled() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "half");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let error = install_all(&env, &journal, &scenario("broken")).await.unwrap_err();
    assert!(error.to_string().contains("no such chart"), "{error}");
    assert_eq!(cluster.releases.lock().unwrap().len(), 1);
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

/// helm fails while the API server restarts.
#[tokio::test(start_paused = true)]
async fn an_uninstall_that_fails_is_tried_once_more() {
    for (failures, is_left) in [(1, false), (2, true)] {
        let cluster = Arc::new(InstallTestCluster::default());
        let (env, dir) = test_env(&cluster, &format!("unreachable-{failures}"));
        let journal = Journal::new(env.bundle.clone(), env.clock, "1");
        install_all(&env, &journal, &scenario("good")).await.unwrap();
        cluster.helm_failures.store(failures, std::sync::atomic::Ordering::Relaxed);
        let undone = undo_all(&env, &journal).await;
        assert_eq!(undone.is_err(), is_left, "{undone:?}");
        assert_eq!(!cluster.releases.lock().unwrap().is_empty(), is_left);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_created_meanwhile_is_neither_created_nor_deleted() {
    let cluster = Arc::new(InstallTestCluster::default());
    cluster
        .put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llm", "uid": "theirs"}}));
    let (env, dir) = test_env(&cluster, "theirs");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let error = install_all(&env, &journal, &scenario("good")).await.unwrap_err();
    assert!(error.to_string().contains("could not create Namespace llm"), "{error}");
    undo_all(&env, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_response_was_lost_is_found_by_its_retry() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "lost");
    let metadata = run_metadata("llm", "1");
    cluster.put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_that_replaced_ours_stays() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "replaced");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    cluster.put(
        HPA,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "gpuhpa-1", "namespace": "llm", "uid": "another"}, "spec": {}}),
    );
    // The namespace stays too: its deletion would delete the object.
    let error = undo_all(&env, &journal).await.unwrap_err();
    assert!(error.to_string().contains("HorizontalPodAutoscaler gpuhpa-1"), "{error}");
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_request_and_response_is_cleaned_by_the_label() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "crash");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    // What `kill -9` leaves: intents without results.
    let intents: Vec<JournalEntry> =
        journal.entries().into_iter().filter(|entry| matches!(entry.state, ChangeState::Intended(_))).collect();
    let again = Journal::from_entries(env.bundle.clone(), env.clock, intents);
    undo_all(&env, &again).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_removal_is_reported_and_the_others_are_done() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "refused");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    *cluster.denied_method.lock().unwrap() = Some("DELETE");
    let error = undo_all(&env, &journal).await.unwrap_err();
    assert!(error.to_string().contains("could not remove HorizontalPodAutoscaler llm/gpuhpa-1"), "{error}");
    assert!(cluster.releases.lock().unwrap().is_empty());
    let left = journal.entries().iter().filter(|entry| matches!(entry.state, ChangeState::UndoFailed { .. })).count();
    assert_eq!(left, 2);
    *cluster.denied_method.lock().unwrap() = None;
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_gone_is_waited_for_once() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "gone");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    cluster.is_silent.store(true, std::sync::atomic::Ordering::Relaxed);
    let before = env.clock.now_ms();
    let error = undo(&env, &journal, HumanDuration::from_secs(300), &|_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not remove HorizontalPodAutoscaler llm/gpuhpa-1: the API server does not respond: no response within 1m15s"
    );
    assert!(env.clock.now_ms() - before < 80_000);
    let left = journal.entries().iter().filter(|entry| matches!(entry.state, ChangeState::UndoFailed { .. })).count();
    assert_eq!((left, cluster.paths().len(), cluster.releases.lock().unwrap().len()), (3, 2, 1));
    cluster.is_silent.store(false, std::sync::atomic::Ordering::Relaxed);
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_adopted_object_that_was_changed_is_named() {
    let cluster = Arc::new(InstallTestCluster::default());
    let path = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    let deployment = |replicas: i32, status: i32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas}, "status": {"replicas": status},
            "metadata": {"name": "ollama", "namespace": "llm", "uid": "u", "resourceVersion": format!("{status}")}})
    };
    cluster.put(path, deployment(1, 1));
    let (env, dir) = test_env(&cluster, "adopted");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let mut inventory = Inventory::default();
    let chart = crate::model::inventory::ChartSummary { target_resources: Some(BTreeMap::new()), ..Default::default() };
    inventory.charts.insert("ollama".to_owned(), chart);
    install_releases(&env, &journal, &scenario("good"), &inventory, "1", |_| true).await.unwrap();
    cluster.put(path, deployment(2, 2));
    let error = undo_all(&env, &journal).await.unwrap_err();
    assert!(error.to_string().contains("Deployment llm/ollama: it was changed during the run"), "{error}");
    // Status and resourceVersion are not part of the digest.
    cluster.put(path, deployment(1, 3));
    undo_all(&env, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Two runs of one scenario: the undo of the second changes nothing of the first.
#[tokio::test(start_paused = true)]
async fn objects_of_another_run_stay() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "two");
    let first = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &first, &scenario("good")).await.unwrap();
    let second = Journal::new(env.bundle.clone(), env.clock, "2");
    create_namespaces(&env, &second, &scenario("good"), &Inventory::default(), "2").await.unwrap_err();
    // As if both had read the cluster before either installed.
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    second.record_intent(RunChange::HelmInstall(release.into())).unwrap();
    let (paths, releases) = (cluster.paths(), cluster.releases.lock().unwrap().clone());
    undo(&env, &second, HumanDuration::from_secs(60), &|_| {}).await.unwrap();
    assert_eq!((cluster.paths(), cluster.releases.lock().unwrap().clone()), (paths, releases));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_with_foreign_objects_stays_and_they_are_named() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "foreign");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    let theirs = "/apis/apps/v1/namespaces/llm/deployments/theirs";
    cluster.put(
        theirs,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs", "namespace": "llm"}}),
    );
    let error = undo_all(&env, &journal).await.unwrap_err();
    assert!(error.to_string().contains("it contains foreign objects: Deployment theirs"), "{error}");
    assert_eq!(cluster.paths(), [NAMESPACE, theirs]);
    cluster.remove(theirs);
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_the_label_finds_the_leftovers_of_a_run_and_nothing_else() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "leftovers");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    // helm's own record of the release, as it labels it.
    let record = "/api/v1/namespaces/llm/secrets/sh.helm.release.v1.ollama.v1";
    cluster.put(
        record,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sh.helm.release.v1.ollama.v1",
        "namespace": "llm", "labels": {"owner": "helm", "name": "ollama", "gpuhpa.dev/run": "1"}}}),
    );
    assert!(find_leftovers(&env, "2").await.unwrap().is_empty());
    assert_eq!(runs_with_leftovers(&env).await.unwrap(), ["1".to_owned()].into());
    let found = Journal::from_entries(env.bundle.clone(), env.clock, find_leftovers(&env, "1").await.unwrap());
    let expected = [
        "deleting HorizontalPodAutoscaler llm/gpuhpa-1",
        "uninstalling helm release llm/ollama",
        "deleting Namespace llm",
    ];
    assert_eq!(dry_run_undo(&env, &found).await.unwrap(), expected);
    assert_eq!(cluster.paths().len(), 3);
    undo_all(&env, &found).await.unwrap();
    assert_eq!((cluster.paths(), cluster.releases.lock().unwrap().len()), (vec![record.to_owned()], 0));
    assert_eq!(
        dry_run_undo(&env, &Journal::from_entries(env.bundle.clone(), env.clock, journal.entries())).await.unwrap()[0],
        "deleting HorizontalPodAutoscaler llm/gpuhpa-1: nothing to do, it is gone"
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

/// The namespace of a killed run was deleted, and helm's record with it: the chart's cluster-wide objects would stay, and an
/// APIService without a server blocks the deletion of every namespace.
#[tokio::test(start_paused = true)]
async fn orphans_outside_of_the_release_namespace_are_removed() {
    const PATH: &str = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.custom.metrics.k8s.io";
    let of = |release: &str| {
        let annotations = json!({"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "metrics"});
        json!({"metadata": {"name": "v1beta1.custom.metrics.k8s.io", "uid": "u", "annotations": annotations}})
    };
    let api_service = ObjectRef {
        api_version: "apiregistration.k8s.io/v1".to_owned(),
        kind: "APIService".to_owned(),
        plural: "apiservices".to_owned(),
        namespace: None,
        name: "v1beta1.custom.metrics.k8s.io".to_owned(),
    };
    let release = ReleaseRef { name: "adapter".to_owned(), namespace: "metrics".to_owned() };
    // Ours; another release's; and one of a release of the same name, which another run has installed meanwhile.
    for (name, owner, again, stays) in
        [("a", "adapter", false, false), ("b", "other", false, true), ("c", "adapter", true, true)]
    {
        let cluster = Arc::new(InstallTestCluster::default());
        let (env, dir) = test_env(&cluster, &format!("orphans-{name}"));
        let journal = Journal::new(env.bundle.clone(), env.clock, "1");
        let installed = NewRelease { release: release.clone(), outside_objects: vec![api_service.clone()] };
        let change = journal.record_intent(RunChange::HelmInstall(installed)).unwrap();
        journal.record_result(change, Ok::<(), String>(()), |()| None).unwrap().unwrap();
        cluster.put(PATH, of(owner));
        if again {
            cluster.releases.lock().unwrap().insert("adapter".to_owned(), "2".to_owned());
        }
        undo(&env, &journal, HumanDuration::from_secs(60), &|_| {}).await.unwrap();
        assert_eq!(cluster.paths().is_empty(), !stays, "{name}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

/// A helm process that outlived a killed run: its record appears after the clean-up has started.
#[tokio::test(start_paused = true)]
async fn undo_waits_for_a_release_whose_install_has_no_result() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "late");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    journal.record_intent(RunChange::HelmInstall(release.into())).unwrap();
    let late = async {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        cluster.releases.lock().unwrap().insert("ollama".to_owned(), "1".to_owned());
    };
    let (undone, ()) = tokio::join!(undo(&env, &journal, HumanDuration::from_secs(60), &|_| {}), late);
    undone.unwrap();
    assert!(cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}
