//! The PersistentVolumeClaims of a StatefulSet in an existing namespace.

use super::*;

const CLAIMS: &str = "/api/v1/namespaces/llm/persistentvolumeclaims";
const SET: &str = "/apis/apps/v1/namespaces/llm/statefulsets/ollama";

fn put_claim(cluster: &InstallTestCluster, name: &str) {
    let uid = format!("uid-of-{name}");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "llm", "uid": uid}, "spec": {}});
    cluster.put(&format!("{CLAIMS}/{name}"), claim);
}

fn put_set(cluster: &InstallTestCluster, replicas: i32) {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "ollama", "namespace": "llm"},
        "spec": {"replicas": replicas, "serviceName": "ollama", "selector": {}, "template": {},
            "volumeClaimTemplates": [{"metadata": {"name": "models"}}]}});
    cluster.put(SET, set);
}

fn stateful_set_target() -> (Scenario, Inventory) {
    let mut scenario = scenario("good");
    scenario.hpa.spec.scale_target_ref.kind = "StatefulSet".to_owned();
    (scenario, Inventory { existing_namespaces: vec!["llm".to_owned()], ..Inventory::default() })
}

#[tokio::test(start_paused = true)]
async fn new_claims_are_deleted_and_claims_that_existed_or_are_in_use_stay() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "claims");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let (scenario, inventory) = stateful_set_target();
    put_set(&cluster, 1);
    for name in ["models-ollama-0", "models-ollama-4", "models-other-2"] {
        put_claim(&cluster, name);
    }
    record_volume_claims(&env, &journal, &scenario, &inventory).await.unwrap();
    for name in ["models-ollama-1", "models-ollama-2", "models-ollama-x", "data"] {
        put_claim(&cluster, name);
    }
    // Another user has scaled it up meanwhile: the pod of ordinal 1 needs its claim.
    put_set(&cluster, 2);
    undo_all(&env, &journal).await.unwrap();
    let left: Vec<String> = cluster.paths().into_iter().filter(|path| path.starts_with(CLAIMS)).collect();
    let kept = ["data", "models-ollama-0", "models-ollama-1", "models-ollama-4", "models-ollama-x", "models-other-2"];
    assert_eq!(left, kept.map(|name| format!("{CLAIMS}/{name}")));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_claims_of_a_set_that_the_run_installed_go_by_the_charts_templates() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "chart-claims");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let (scenario, mut inventory) = stateful_set_target();
    inventory.charts.entry("ollama".to_owned()).or_default().volume_claim_templates = vec!["models".to_owned()];
    record_volume_claims(&env, &journal, &scenario, &inventory).await.unwrap();
    put_claim(&cluster, "models-ollama-0");
    let steps = dry_run_undo(&env, &journal).await.unwrap();
    assert_eq!(steps, ["deleting PersistentVolumeClaims created for StatefulSet llm/ollama"]);
    undo_all(&env, &journal).await.unwrap();
    assert!(cluster.paths().is_empty(), "{:?}", cluster.paths());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_a_namespace_of_the_run_nothing_is_journalled() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "own-claims");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    let (scenario, _) = stateful_set_target();
    record_volume_claims(&env, &journal, &scenario, &Inventory::default()).await.unwrap();
    assert!(journal.entries().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}
