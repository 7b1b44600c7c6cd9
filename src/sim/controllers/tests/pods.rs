//! Workloads, pods, endpoints, deletion.

use super::*;
use crate::sim::api;
use crate::sim::controllers::kinds::{ENDPOINT_SLICE, NAMESPACE, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET};
use crate::sim::controllers::pod_devices;

#[tokio::test(start_paused = true)]
async fn a_deployment_grows_to_ready_pods_with_devices_of_their_own() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    bench.advance(3).await;
    assert_eq!(bench.pods().1, 0, "image, start and probe take their time");
    bench.advance(17).await;
    bench.set_replicas(4);
    bench.advance(20).await;
    let (pods, ready) = bench.pods();
    assert_eq!((pods.len(), ready), (4, 4));
    let mut held: Vec<_> = pods.iter().flat_map(|pod| pod_devices(pod)).collect();
    held.sort();
    held.dedup();
    assert_eq!(held.len(), 4);
    let status = &pods[0]["status"]["containerStatuses"][0]["allocatedResourcesStatus"][0];
    assert_eq!(status["resources"][0]["resourceID"], pod_devices(&pods[0]).remove(0).1.as_str());
    let deployment = bench.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap();
    assert_eq!(
        (&deployment["status"]["readyReplicas"], &deployment["status"]["observedGeneration"]),
        (&json!(4), &json!(2))
    );
    assert!(condition::is_condition_true(&deployment, "Available"));
    let slice = &bench.cluster.list(&ENDPOINT_SLICE, Some("ai"))[0];
    assert_eq!((slice["endpoints"].as_array().unwrap().len(), &slice["ports"][0]["port"]), (4, &json!(11434)));
}

#[tokio::test(start_paused = true)]
async fn shared_cards_hold_more_pods_than_they_are_and_each_is_taken_before_one_is_shared() {
    let setting = ControllerConfig {
        accelerator_nodes: 1,
        accelerators_per_node: 2,
        devices_per_accelerator: 2,
        ..ControllerConfig::default()
    };
    let bench = ControllerFixture::with_config(setting);
    for (size, expected) in [(2, ["0", "0"].as_slice()), (5, ["0", "0", "1", "1"].as_slice())] {
        bench.set_replicas(size);
        bench.advance(30).await;
        let held = bench.pods().0.iter().flat_map(|pod| pod_devices(pod)).map(|device| device.1).collect::<Vec<_>>();
        let mut parts: Vec<_> = held.iter().filter_map(|id| Some(id.split_once("::")?.1)).collect();
        parts.sort_unstable();
        assert_eq!(parts, expected, "{held:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_free_accelerator_waits_in_the_schedulers_words_until_one_is_free() {
    let bench =
        ControllerFixture::with_config(ControllerConfig { accelerators_per_node: 1, ..ControllerConfig::default() });
    bench.set_replicas(3);
    bench.advance(30).await;
    assert_eq!(bench.pods().1, 2);
    let message = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: \
                   0/2 nodes are available: 2 No preemption victims found for incoming pod.";
    assert!(bench.recorded_events("Pod").contains(&("FailedScheduling".to_owned(), message.to_owned())));
    let holder = bench.pods().0.into_iter().find(|pod| condition::is_condition_true(pod, "Ready")).unwrap();
    bench.cluster.remove(&POD, "ai", &metadata_text(&holder, "name"));
    bench.advance(30).await;
    assert_eq!(bench.pods().1, 2, "the one that waited took its place");
}

#[tokio::test(start_paused = true)]
async fn the_pod_that_is_not_ready_goes_first_and_takes_its_time() {
    let bench = ControllerFixture::with_config(ControllerConfig {
        container_stop: crate::units::HumanDuration::from_secs(8),
        ..ControllerConfig::default()
    });
    bench.advance(20).await;
    let first = metadata_text(&bench.pods().0[0], "name");
    bench.set_replicas(2);
    bench.advance(3).await;
    bench.set_replicas(1);
    bench.advance(2).await;
    let (pods, _) = bench.pods();
    let ending: Vec<_> = pods.iter().filter(|pod| !pod["metadata"]["deletionTimestamp"].is_null()).collect();
    assert_eq!((pods.len(), ending.len()), (2, 1));
    assert_ne!(metadata_text(ending[0], "name"), first);
    assert_eq!(bench.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap()["status"]["replicas"], 1);
    bench.advance(10).await;
    assert_eq!(bench.pods().0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_grows_in_order_and_its_claims_stay() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    bench.cluster.remove(&DEPLOYMENT, "ai", "ollama");
    bench.advance(5).await;
    assert_eq!(bench.pods().0.len(), 0, "they go with their owner");
    let template = json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db"}]}});
    let set = json!({"metadata": {"name": "db", "namespace": "ai"}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"app": "db"}}, "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]}});
    bench.cluster.create(TESTER, &STATEFUL_SET, set).unwrap();
    bench.advance(4).await;
    assert_eq!(bench.pods().0.len(), 1, "the second waits for the first");
    bench.advance(20).await;
    assert_eq!(bench.pods().1, 2);
    bench.cluster.update(TESTER, &STATEFUL_SET, "ai", "db", |set| set["spec"]["replicas"] = json!(1)).unwrap();
    bench.advance(5).await;
    let names: Vec<_> = bench.pods().0.iter().map(|pod| metadata_text(pod, "name")).collect();
    let claims: Vec<_> =
        bench.cluster.list(&PERSISTENT_VOLUME_CLAIM, Some("ai")).iter().map(|one| metadata_text(one, "name")).collect();
    assert_eq!((names, claims), (vec!["db-0".to_owned()], vec!["data-db-0".to_owned(), "data-db-1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_goes_when_its_pods_have_ended() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    bench.advance(20).await;
    api::delete(&bench.cluster, &NAMESPACE, "", "ai", None).unwrap();
    bench.advance(1).await;
    assert_eq!(bench.cluster.get(&NAMESPACE, "", "ai").unwrap()["status"]["phase"], "Terminating");
    bench.advance(5).await;
    assert!(bench.cluster.get(&NAMESPACE, "", "ai").is_none() && bench.pods().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_volume_of_one_node_holds_a_pod_on_another_back_and_an_unknown_class_every_pod() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    let claim = |name: &str, class: &str| {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class});
        bench
            .cluster
            .create(
                TESTER,
                &PERSISTENT_VOLUME_CLAIM,
                json!({"metadata": {"name": name, "namespace": "ai"}, "spec": spec}),
            )
            .unwrap();
    };
    let mount = |name: &str| {
        let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": name}}]);
        let edit = |one: &mut Value| one["spec"]["template"]["spec"]["volumes"] = volumes;
        bench.cluster.update(TESTER, &DEPLOYMENT, "ai", "ollama", edit).unwrap();
    };
    claim("local", "standard");
    claim("odd", "nowhere");
    mount("local");
    bench.set_replicas(2);
    bench.advance(60).await;
    assert_eq!(bench.pods().1, 1);
    assert!(bench.recorded_events("Pod").iter().any(|told| told.0 == "FailedAttachVolume"));
    mount("odd");
    bench.advance(60).await;
    let unbound = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are \
                   available: 2 Preemption is not helpful for scheduling.";
    assert!(bench.recorded_events("Pod").contains(&("FailedScheduling".to_owned(), unbound.to_owned())));
    assert_eq!(bench.pods().1, 1, "the old one serves on");
}
