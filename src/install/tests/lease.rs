//! The claim of a run on its target.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_target_lease_is_held_by_one_run() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "claim");
    let plan =
        |run: &str| Plan { run: run.to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let (first, second) =
        (Journal::new(world.bundle.clone(), world.clock, "1"), Journal::new(world.bundle.clone(), world.clock, "2"));
    acquire_lease(&world, &first, &scenario("good"), &plan("1")).await.unwrap();
    let refused = acquire_lease(&world, &second, &scenario("good"), &plan("2")).await.unwrap_err();
    assert!(refused.to_string().contains("Lease llm/gpuhpa-deployment-ollama is there"), "{refused}");
    undo_all(&world, &second).await.unwrap();
    assert_eq!(cluster.paths().len(), 1);
    undo_all(&world, &first).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_while_it_is_there_and_never_anothers() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "renew");
    let plan = Plan { run: "1".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    acquire_lease(&world, &journal, &scenario("good"), &plan).await.unwrap();
    let lease = cluster.paths().remove(0);
    let renewed = || cluster.get(&lease)["spec"]["renewTime"].clone();
    let first = renewed();
    let renewing = tokio::spawn(renew_lease(world.clone(), "llm".to_owned(), plan.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(25)).await;
    let second = renewed();
    assert!(first.is_string() && second.is_string() && first != second, "{first} {second}");
    // Another run's, made anew under the same name.
    let mut another = cluster.get(&lease);
    another["metadata"]["uid"] = json!("another");
    cluster.put(&lease, another);
    renewing.await.unwrap();
    assert_eq!(renewed(), second);
    cluster.remove(&lease);
    renew_lease(world.clone(), "llm".to_owned(), plan).await;
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_at_work_is_told_from_one_that_was_killed() {
    let cluster = Arc::new(InstallTestCluster::default());
    let (world, dir) = test_env(&cluster, "at-work");
    let plan = Plan { run: "1".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let journal = Journal::new(world.bundle.clone(), world.clock, "1");
    assert!(!is_run_active(&world, &journal).await.unwrap(), "it has not claimed anything yet");
    acquire_lease(&world, &journal, &scenario("good"), &plan).await.unwrap();
    let renewing = tokio::spawn(renew_lease(world.clone(), "llm".to_owned(), plan));
    for _ in 0..3 {
        assert!(is_run_active(&world, &journal).await.unwrap());
    }
    renewing.abort();
    assert!(!is_run_active(&world, &journal).await.unwrap());
    // The claim that is there now is another's, and that one is at work.
    let lease = cluster.paths().remove(0);
    let mut another = cluster.get(&lease);
    another["spec"]["holderIdentity"] = json!("2");
    cluster.put(&lease, another);
    let another = Plan { run: "2".to_owned(), lease: "gpuhpa-deployment-ollama".to_owned(), ..Plan::default() };
    let renewing = tokio::spawn(renew_lease(world.clone(), "llm".to_owned(), another));
    assert!(!is_run_active(&world, &journal).await.unwrap());
    renewing.abort();
    std::fs::remove_dir_all(&dir).unwrap();
}
