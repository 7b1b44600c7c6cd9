//! The Lease of a run on its target.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_target_lease_is_held_by_one_run() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "lease");
    let plan =
        |run: &str| Plan { run: run.to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let (first, second) =
        (Journal::new(env.bundle.clone(), env.clock, "1"), Journal::new(env.bundle.clone(), env.clock, "2"));
    acquire_lease(&env, &first, &scenario("good"), &plan("1")).await.unwrap();
    let error = acquire_lease(&env, &second, &scenario("good"), &plan("2")).await.unwrap_err();
    assert!(error.to_string().contains("holds the Lease llm/gpuhpa-deployment-ollama of the target"), "{error}");
    undo_all(&env, &second).await.unwrap();
    assert_eq!(cluster.paths().len(), 1);
    undo_all(&env, &first).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_while_it_exists_and_never_another_runs() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "renew");
    let plan = Plan { run: "1".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    acquire_lease(&env, &journal, &scenario("good"), &plan).await.unwrap();
    let lease = cluster.paths().remove(0);
    let renewed = || cluster.get(&lease)["spec"]["renewTime"].clone();
    let first = renewed();
    let renewing = tokio::spawn(renew_lease(env.clone(), "llm".to_owned(), plan.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(25)).await;
    let second = renewed();
    assert!(first.is_string() && second.is_string() && first != second, "{first} {second}");
    // Another run's, created again under the same name.
    let mut another = cluster.get(&lease);
    another["metadata"]["uid"] = json!("another");
    cluster.put(&lease, another);
    renewing.await.unwrap();
    assert_eq!(renewed(), second);
    cluster.remove(&lease);
    renew_lease(env.clone(), "llm".to_owned(), plan).await;
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_active_run_is_told_from_a_killed_one() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (env, dir) = test_env(&cluster, "active");
    let plan = Plan { run: "1".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let journal = Journal::new(env.bundle.clone(), env.clock, "1");
    assert!(!is_run_active(&env, &journal).await.unwrap(), "it has no Lease yet");
    acquire_lease(&env, &journal, &scenario("good"), &plan).await.unwrap();
    let renewing = tokio::spawn(renew_lease(env.clone(), "llm".to_owned(), plan));
    for _ in 0..3 {
        assert!(is_run_active(&env, &journal).await.unwrap());
    }
    renewing.abort();
    assert!(!is_run_active(&env, &journal).await.unwrap());
    // The Lease now belongs to another run, which is active.
    let lease = cluster.paths().remove(0);
    let mut another = cluster.get(&lease);
    another["spec"]["holderIdentity"] = json!("2");
    cluster.put(&lease, another);
    let another = Plan { run: "2".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let renewing = tokio::spawn(renew_lease(env.clone(), "llm".to_owned(), another));
    assert!(!is_run_active(&env, &journal).await.unwrap());
    renewing.abort();
    std::fs::remove_dir_all(&dir).unwrap();
}
