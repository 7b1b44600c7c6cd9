//! What keeps a namespace of the run, and what does not.

use super::*;

const POD_METRICS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/llm/pods/ollama";

/// An object of a kind at a path in the namespace, with this metadata besides its name.
fn put(cluster: &InstallTestCluster, path: &str, kind: &str, metadata: serde_json::Value) {
    let (version, name) = (path.split('/').take(2).collect::<Vec<_>>().join("/"), path.rsplit('/').next().unwrap());
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!("llm");
    cluster.put(path, object);
}

/// Installs, puts objects into the namespace, and undoes; returns the error.
async fn undo_with(name: &str, prepare: impl Fn(&InstallTestCluster)) -> Option<String> {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, name);
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    prepare(&cluster);
    let result = undo(&env, &journal, HumanDuration::from_secs(300), &|_| {}).await;
    assert_eq!(cluster.paths().contains(&NAMESPACE.to_owned()), result.is_err(), "{result:?}");
    std::fs::remove_dir_all(&dir).unwrap();
    result.err().map(|e| e.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_of_any_kind_keeps_the_namespace() {
    for (path, kind, named) in [
        ("/api/v1/namespaces/llm/configmaps/settings", "ConfigMap", "ConfigMap settings"),
        ("/api/v1/namespaces/llm/secrets/key", "Secret", "Secret key"),
        ("/api/v1/namespaces/llm/serviceaccounts/robot", "ServiceAccount", "ServiceAccount robot"),
        (
            "/api/v1/namespaces/llm/persistentvolumeclaims/data-0",
            "PersistentVolumeClaim",
            "PersistentVolumeClaim data-0",
        ),
        ("/apis/policy/v1/namespaces/llm/poddisruptionbudgets/x", "PodDisruptionBudget", "PodDisruptionBudget x"),
        ("/apis/coordination.k8s.io/v1/namespaces/llm/leases/x", "Lease", "Lease x"),
        ("/apis/example.org/v1alpha1/namespaces/llm/widgets/w", "Widget", "widgets.example.org w"),
    ] {
        let error = undo_with("any-kind", |cluster| put(cluster, path, kind, json!({}))).await.unwrap();
        let expected = format!(
            "it contains foreign objects: {named}. Move or delete them, then run clean again; or delete the namespace yourself: kubectl delete namespace llm"
        );
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn objects_of_the_cluster_and_of_the_run_do_not_keep_it() {
    let annotations = json!({"meta.helm.sh/release-name": "ollama", "meta.helm.sh/release-namespace": "llm"});
    let owned_by = |uid: &str| json!({"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid}]});
    let error = undo_with("own", |cluster| {
        put(cluster, "/api/v1/namespaces/llm/serviceaccounts/default", "ServiceAccount", json!({}));
        put(cluster, "/api/v1/namespaces/llm/configmaps/kube-root-ca.crt", "ConfigMap", json!({}));
        put(cluster, "/api/v1/namespaces/llm/events/x.1", "Event", json!({}));
        // What helm keeps when it uninstalls the release, with what it owns, and the record of the release.
        put(
            cluster,
            "/api/v1/namespaces/llm/secrets/kept",
            "Secret",
            json!({"annotations": annotations, "uid": "kept"}),
        );
        put(cluster, "/api/v1/namespaces/llm/secrets/child", "Secret", owned_by("kept"));
        let labels = json!({"owner": "helm", "name": "ollama", "gpuhpa.dev/run": "1"});
        put(cluster, "/api/v1/namespaces/llm/secrets/record", "Secret", json!({"labels": labels}));
        // Garbage of the run's own Service or HPA.
        put(cluster, "/api/v1/namespaces/llm/configmaps/garbage", "ConfigMap", owned_by("uid-of-gpuhpa-1"));
        // Computed from other objects: the kind has no verb delete.
        put(cluster, POD_METRICS, "PodMetrics", json!({}));
        put(
            cluster,
            "/api/v1/namespaces/llm/pods/leaving",
            "Pod",
            json!({"deletionTimestamp": "2026-11-24T10:00:00Z"}),
        );
    });
    assert_eq!(error.await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_owned_goes_with_its_owner_and_stays_with_a_foreign_one() {
    let owned_by = |uid: &str| json!({"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid}]});
    let error = undo_with("owned", |cluster| {
        put(cluster, "/apis/apps/v1/namespaces/llm/deployments/theirs", "Deployment", json!({"uid": "d"}));
        put(cluster, "/apis/apps/v1/namespaces/llm/replicasets/theirs-1", "ReplicaSet", owned_by("d"));
    });
    assert!(error.await.unwrap().contains("foreign objects: Deployment theirs. Move"));
    // The owner is not in the namespace: one of the cluster, for example.
    let error = undo_with("outside", |cluster| {
        put(cluster, "/api/v1/namespaces/llm/configmaps/c", "ConfigMap", owned_by("node"))
    });
    assert!(error.await.unwrap().contains("foreign objects: ConfigMap c. Move"));
    // Two objects that own each other.
    let error = undo_with("circle", |cluster| {
        for (name, owner) in [("a", "b"), ("b", "a")] {
            let mut metadata = owned_by(owner);
            metadata["uid"] = json!(name);
            put(cluster, &format!("/api/v1/namespaces/llm/configmaps/{name}"), "ConfigMap", metadata);
        }
    });
    assert!(error.await.unwrap().contains("foreign objects: ConfigMap a, ConfigMap b. Move"));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_another_user_installed_under_the_name_keeps_its_objects() {
    let annotations = json!({"meta.helm.sh/release-name": "ollama", "meta.helm.sh/release-namespace": "llm"});
    let error = undo_with("release", |cluster| {
        put(cluster, "/api/v1/namespaces/llm/configmaps/c", "ConfigMap", json!({"annotations": annotations}));
        cluster.releases.lock().unwrap().insert("ollama".to_owned(), "of another user".to_owned());
    });
    assert!(error.await.unwrap().contains("foreign objects: ConfigMap c. Move"));
}

#[tokio::test(start_paused = true)]
async fn what_every_namespace_got_when_it_was_created_does_not_keep_it() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llm", "uid": "uid-of-llm",
        "labels": {"gpuhpa.dev/run": "1"}, "creationTimestamp": "2026-11-24T10:00:00Z"}});
    let put_at = |cluster: &InstallTestCluster, name: &str, time: &str| {
        cluster.put(NAMESPACE, namespace.clone());
        let path = format!("/api/v1/namespaces/llm/configmaps/{name}");
        put(cluster, &path, "ConfigMap", json!({"creationTimestamp": time}));
    };
    let put_default = |cluster: &InstallTestCluster, name: &str| {
        put(cluster, &format!("/api/v1/namespaces/default/configmaps/{name}"), "ConfigMap", json!({}));
    };
    let error = undo_with("mirrored", |cluster| {
        put_default(cluster, "mesh-ca");
        put_at(cluster, "mesh-ca", "2026-11-24T10:00:02Z");
    });
    assert_eq!(error.await, None);
    // A user's, at the same moment; and one that came later under the name.
    let error = undo_with("moment", |cluster| put_at(cluster, "mine", "2026-11-24T10:00:02Z"));
    assert!(error.await.unwrap().contains("foreign objects: ConfigMap mine. Move"));
    let error = undo_with("later", |cluster| {
        put_default(cluster, "settings");
        put_at(cluster, "settings", "2026-11-24T10:01:02Z");
    });
    assert!(error.await.unwrap().contains("foreign objects: ConfigMap settings. Move"));
}

#[tokio::test(start_paused = true)]
async fn a_claim_goes_with_the_run_only_if_the_runs_stateful_set_made_it() {
    let claim = "/api/v1/namespaces/llm/persistentvolumeclaims/models-ollama-0";
    let error = undo_with("no-set", |cluster| put(cluster, claim, "PersistentVolumeClaim", json!({})));
    assert!(error.await.unwrap().contains("foreign objects: PersistentVolumeClaim models-ollama-0. Move"));
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "set-claims");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let plan = Plan { run: "1".to_owned(), lease: "gpuhpa-statefulset-ollama".to_owned(), ..Plan::default() };
    create_namespaces(&env, &journal, &scenario("good"), &Inventory::default(), "1").await.unwrap();
    acquire_lease(&env, &journal, &scenario("good"), &plan).await.unwrap();
    put(&cluster, claim, "PersistentVolumeClaim", json!({}));
    undo_all(&env, &journal).await.unwrap();
    // The fake API server does not delete the content of a namespace.
    assert_eq!(cluster.paths(), [claim.to_owned()]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_whose_content_is_not_known_stays() {
    let error = undo_with("broken", |cluster| {
        *cluster.broken_version.lock().unwrap() = Some("metrics.k8s.io/v1beta1");
    });
    let error = error.await.unwrap();
    assert!(
        error.contains("could not list the kinds of metrics.k8s.io/v1beta1 (the server is currently unable"),
        "{error}"
    );
    assert!(error.ends_with("kubectl delete namespace llm"), "{error}");
    let error = undo_with("unlisted", |cluster| *cluster.unlisted_kind.lock().unwrap() = Some("widgets"));
    let error = error.await.unwrap();
    assert!(error.contains("could not list widgets.example.org (the account may not list them)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_that_the_namespace_would_stay() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "dry");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    install_all(&env, &journal, &scenario("good")).await.unwrap();
    put(&cluster, "/api/v1/namespaces/llm/configmaps/c", "ConfigMap", json!({}));
    let steps = dry_run_undo(&env, &journal).await.unwrap();
    let expected = "deleting Namespace llm: not possible now: it contains foreign objects: ConfigMap c. Move";
    assert!(steps[2].starts_with(expected), "{steps:?}");
    std::fs::remove_dir_all(&dir).unwrap();
}
