//! The replicas of a target that existed before the run.

use super::*;
use crate::model::inventory::ExistingTarget;

const TARGET: &str = "/apis/apps/v1/namespaces/llm/deployments/ollama";

fn put_target(cluster: &InstallTestCluster, replicas: i32) {
    cluster.put(
        TARGET,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ollama", "namespace": "llm"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "ollama"}}}}),
    );
    let pod = |n: i32| format!("/api/v1/namespaces/llm/pods/ollama-{n}");
    (0..5).for_each(|n| cluster.remove(&pod(n)));
    for n in 0..replicas {
        let metadata = json!({"name": format!("ollama-{n}"), "labels": {"app": "ollama"}});
        cluster.put(&pod(n), json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}));
    }
}

fn inventory_with_target(replicas: i32) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.preflight.target = Some(ExistingTarget { replicas, ..ExistingTarget::default() });
    inventory
}

#[tokio::test(start_paused = true)]
async fn an_existing_target_gets_its_replicas_back() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "size");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    put_target(&cluster, 2);
    record_target_scale(&journal, &scenario("good"), &inventory_with_target(2)).unwrap();
    assert_eq!(
        dry_run_undo(&env, &journal).await.unwrap(),
        ["setting Deployment llm/ollama back to 2 replicas: nothing to do, it has these replicas"]
    );
    // The HPA scaled it, and the run was interrupted.
    put_target(&cluster, 3);
    // The fake API server accepts a patch of the scale and deletes no pods: the undo waits until its bound.
    let error = undo_all(&env, &journal).await.unwrap_err().to_string();
    assert!(error.contains("not deleted within"), "{error}");
    let patched = format!("{TARGET}/scale");
    assert!(cluster.paths().contains(&patched), "{:?}", cluster.paths());
    put_target(&cluster, 2);
    undo_all(&env, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_and_one_that_the_run_installs_have_no_replicas_to_restore() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "no-size");
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    record_target_scale(&journal, &scenario("good"), &Inventory::default()).unwrap();
    assert!(journal.entries().is_empty());
    record_target_scale(&journal, &scenario("good"), &inventory_with_target(2)).unwrap();
    undo_all(&env, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
