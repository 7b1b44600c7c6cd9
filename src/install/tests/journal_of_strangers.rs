//! A journal that a stranger wrote changes only what the cluster shows to be of its run.

use super::*;
use crate::model::journal::VolumeClaims;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/gpuhpa-deployment-coredns";

fn from_file(env: &RunEnv, changes: Vec<(RunChange, Option<&str>)>) -> Journal {
    let entries = changes.into_iter().zip(0..).flat_map(|((change, uid), number)| {
        let entry = |state| JournalEntry { run: "1".to_owned(), change: number, at_ms: 0, state };
        let uid = uid.map(ToOwned::to_owned);
        [entry(ChangeState::Intended(change)), entry(ChangeState::Done { uid })]
    });
    Journal::from_entries(env.bundle.clone(), env.clock, entries.collect())
}

fn object(api_version: &str, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespace: Some("kube-system".to_owned()),
        name: name.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_workload_without_the_runs_lease_is_not_scaled() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "stranger-scale");
    let coredns = object("apps/v1", "Deployment", "coredns");
    cluster.put(DEPLOYMENT, json!({"metadata": {"name": "coredns"}, "spec": {"replicas": 2, "selector": {}}}));
    let scale = || vec![(RunChange::Scale { object: coredns.clone(), previous_replicas: 0 }, None)];
    let error = undo_all(&env, &from_file(&env, scale())).await.unwrap_err().to_string();
    assert!(error.contains("run 1 has no Lease on it in this cluster"), "{error}");
    assert_eq!(cluster.paths(), [DEPLOYMENT]);
    assert!(dry_run_undo(&env, &from_file(&env, scale())).await.unwrap()[0].contains("run 1 has no Lease"));
    // Another run's Lease is none of this run.
    for (run, is_changed) in [("2", false), ("1", true)] {
        cluster.put(LEASE, json!({"metadata": {"name": "x", "labels": {"gpuhpa.dev/run": run}}, "spec": {}}));
        assert_eq!(undo_all(&env, &from_file(&env, scale())).await.is_ok(), is_changed);
        assert_eq!(cluster.paths().contains(&format!("{DEPLOYMENT}/scale")), is_changed);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lease_stays_until_the_target_is_restored() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "stranger-lease");
    cluster.put(DEPLOYMENT, json!({"metadata": {"name": "coredns"}, "spec": {"replicas": 2, "selector": {}}}));
    cluster.put(LEASE, json!({"metadata": {"name": "x", "uid": "l", "labels": {"gpuhpa.dev/run": "1"}}, "spec": {}}));
    let lease = object("coordination.k8s.io/v1", "Lease", "gpuhpa-deployment-coredns");
    let scale = RunChange::Scale { object: object("apps/v1", "Deployment", "coredns"), previous_replicas: 1 };
    let journal = from_file(&env, vec![(RunChange::Create(lease), Some("l")), (scale, None)]);
    *cluster.denied_method.lock().unwrap() = Some("PATCH");
    undo_all(&env, &journal).await.unwrap_err();
    assert!(cluster.paths().contains(&LEASE.to_owned()));
    *cluster.denied_method.lock().unwrap() = None;
    undo_all(&env, &journal).await.unwrap();
    assert!(!cluster.paths().contains(&LEASE.to_owned()));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn claims_older_than_the_runs_lease_stay() {
    const CLAIMS: &str = "/api/v1/namespaces/kube-system/persistentvolumeclaims";
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "stranger-claims");
    for (name, time) in [("data-db-0", "2026-11-24T09:00:00Z"), ("data-db-1", "2026-11-24T11:00:00Z")] {
        cluster.put(&format!("{CLAIMS}/{name}"), json!({"metadata": {"name": name, "creationTimestamp": time}}));
    }
    let claims = VolumeClaims {
        namespace: "kube-system".to_owned(),
        stateful_set: "db".to_owned(),
        templates: vec!["data".to_owned()],
        existing: Vec::new(),
    };
    let journal = from_file(&env, vec![(RunChange::VolumeClaims(claims), None)]);
    let error = undo_all(&env, &journal).await.unwrap_err().to_string();
    assert!(error.contains("run 1 has no Lease on it"), "{error}");
    let lease = json!({"metadata": {"name": "x", "labels": {"gpuhpa.dev/run": "1"},
        "creationTimestamp": "2026-11-24T10:00:00Z"}, "spec": {}});
    let lease_path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/gpuhpa-statefulset-db";
    cluster.put(lease_path, lease);
    undo_all(&env, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [format!("{CLAIMS}/data-db-0"), lease_path.to_owned()]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_without_the_runs_label_stays_and_is_named() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "stranger-uid");
    let path = "/api/v1/namespaces/kube-system/services/kube-dns";
    cluster.put(path, json!({"metadata": {"name": "kube-dns", "uid": "known"}}));
    let create = RunChange::Create(object("v1", "Service", "kube-dns"));
    let error = undo_all(&env, &from_file(&env, vec![(create, Some("known"))])).await.unwrap_err().to_string();
    assert!(error.contains("it has lost the label gpuhpa.dev/run"), "{error}");
    assert_eq!(cluster.paths(), [path]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_the_run_did_not_upgrade_is_not_rolled_back() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "stranger-release");
    let release = ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() };
    let upgrade = || vec![(RunChange::HelmUpgrade { release: release.clone(), previous_revision: 7 }, None)];
    cluster.releases.lock().unwrap().insert("ollama".to_owned(), "a user".to_owned());
    let error = undo_all(&env, &from_file(&env, upgrade())).await.unwrap_err().to_string();
    assert!(error.contains("helm rollback ollama 7 --namespace llm"), "{error}");
    let record = "/api/v1/namespaces/llm/secrets/sh.helm.release.v1.ollama.v8";
    let labels = json!({"owner": "helm", "name": "ollama", "gpuhpa.dev/upgraded-by-run": "1"});
    cluster.put(record, json!({"metadata": {"name": "x", "labels": labels}}));
    undo_all(&env, &from_file(&env, upgrade())).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
