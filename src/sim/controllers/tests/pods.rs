//! Workloads, pods, endpoints, deletion.

use super::*;
use crate::sim::api;
use crate::sim::objects::condition;
use crate::sim::objects::devices::pod_devices;
use crate::sim::objects::kinds::{ENDPOINT_SLICE, NAMESPACE, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET};

#[tokio::test(start_paused = true)]
async fn a_deployment_scales_up_to_ready_pods_with_devices_of_their_own() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    fixture.advance(3).await;
    assert_eq!(fixture.pods().1, 0, "image, start and probe take their time");
    fixture.advance(17).await;
    fixture.set_replicas(4);
    fixture.advance(20).await;
    let (pods, ready) = fixture.pods();
    assert_eq!((pods.len(), ready), (4, 4));
    let mut devices: Vec<_> = pods.iter().flat_map(|pod| pod_devices(pod)).collect();
    devices.sort();
    devices.dedup();
    assert_eq!(devices.len(), 4);
    let status = &pods[0]["status"]["containerStatuses"][0]["allocatedResourcesStatus"][0];
    assert_eq!(status["resources"][0]["resourceID"], pod_devices(&pods[0]).remove(0).1.as_str());
    let deployment = fixture.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap();
    assert_eq!(
        (&deployment["status"]["readyReplicas"], &deployment["status"]["observedGeneration"]),
        (&json!(4), &json!(2))
    );
    assert!(condition::is_condition_true(&deployment, "Available"));
    let slice = &fixture.cluster.list(&ENDPOINT_SLICE, Some("ai"))[0];
    assert_eq!((slice["endpoints"].as_array().unwrap().len(), &slice["ports"][0]["port"]), (4, &json!(11434)));
}

#[tokio::test(start_paused = true)]
async fn time_sliced_accelerators_take_several_pods_each_after_all_have_one() {
    let config = ControllerConfig {
        accelerator_nodes: 1,
        accelerators_per_node: 2,
        devices_per_accelerator: 2,
        ..ControllerConfig::default()
    };
    let fixture = ControllerFixture::with_config(config);
    for (size, expected) in [(2, ["0", "0"].as_slice()), (5, ["0", "0", "1", "1"].as_slice())] {
        fixture.set_replicas(size);
        fixture.advance(30).await;
        let devices =
            fixture.pods().0.iter().flat_map(|pod| pod_devices(pod)).map(|device| device.1).collect::<Vec<_>>();
        let mut parts: Vec<_> = devices.iter().filter_map(|id| Some(id.split_once("::")?.1)).collect();
        parts.sort_unstable();
        assert_eq!(parts, expected, "{devices:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_free_accelerator_is_pending_with_the_schedulers_message_until_one_is_free() {
    let fixture =
        ControllerFixture::with_config(ControllerConfig { accelerators_per_node: 1, ..ControllerConfig::default() });
    fixture.set_replicas(3);
    fixture.advance(30).await;
    assert_eq!(fixture.pods().1, 2);
    let message = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: \
                   0/2 nodes are available: 2 No preemption victims found for incoming pod.";
    assert!(fixture.recorded_events("Pod").contains(&("FailedScheduling".to_owned(), message.to_owned())));
    let holder = fixture.pods().0.into_iter().find(|pod| condition::is_condition_true(pod, "Ready")).unwrap();
    fixture.cluster.remove(&POD, "ai", &metadata_text(&holder, "name"));
    fixture.advance(30).await;
    assert_eq!(fixture.pods().1, 2, "the pending pod is scheduled");
}

#[tokio::test(start_paused = true)]
async fn the_pod_that_is_not_ready_is_deleted_first_and_takes_its_time_to_stop() {
    let fixture = ControllerFixture::with_config(ControllerConfig {
        container_stop: crate::units::HumanDuration::from_secs(8),
        ..ControllerConfig::default()
    });
    fixture.advance(20).await;
    let first = metadata_text(&fixture.pods().0[0], "name");
    fixture.set_replicas(2);
    fixture.advance(3).await;
    fixture.set_replicas(1);
    fixture.advance(2).await;
    let (pods, _) = fixture.pods();
    let ending: Vec<_> = pods.iter().filter(|pod| !pod["metadata"]["deletionTimestamp"].is_null()).collect();
    assert_eq!((pods.len(), ending.len()), (2, 1));
    assert_ne!(metadata_text(ending[0], "name"), first);
    assert_eq!(fixture.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap()["status"]["replicas"], 1);
    fixture.advance(10).await;
    assert_eq!(fixture.pods().0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_scales_up_in_order_and_its_claims_stay() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    fixture.cluster.remove(&DEPLOYMENT, "ai", "ollama");
    fixture.advance(5).await;
    assert_eq!(fixture.pods().0.len(), 0, "pods are deleted with their owner");
    let template = json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db"}]}});
    let set = json!({"metadata": {"name": "db", "namespace": "ai"}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"app": "db"}}, "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]}});
    fixture.cluster.create(TESTER, &STATEFUL_SET, set).unwrap();
    fixture.advance(4).await;
    assert_eq!(fixture.pods().0.len(), 1, "the second waits for the first");
    fixture.advance(20).await;
    assert_eq!(fixture.pods().1, 2);
    fixture.cluster.update(TESTER, &STATEFUL_SET, "ai", "db", |set| set["spec"]["replicas"] = json!(1)).unwrap();
    fixture.advance(5).await;
    let names: Vec<_> = fixture.pods().0.iter().map(|pod| metadata_text(pod, "name")).collect();
    let claims: Vec<_> = fixture
        .cluster
        .list(&PERSISTENT_VOLUME_CLAIM, Some("ai"))
        .iter()
        .map(|one| metadata_text(one, "name"))
        .collect();
    assert_eq!((names, claims), (vec!["db-0".to_owned()], vec!["data-db-0".to_owned(), "data-db-1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_is_removed_when_its_pods_have_ended() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    fixture.advance(20).await;
    api::delete(&fixture.cluster, &NAMESPACE, "", "ai", None).unwrap();
    fixture.advance(1).await;
    assert_eq!(fixture.cluster.get(&NAMESPACE, "", "ai").unwrap()["status"]["phase"], "Terminating");
    fixture.advance(5).await;
    assert!(fixture.cluster.get(&NAMESPACE, "", "ai").is_none() && fixture.pods().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_single_node_volume_blocks_a_pod_on_another_node_and_an_unknown_class_every_pod() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    let claim = |name: &str, class: &str| {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class});
        fixture
            .cluster
            .create(
                TESTER,
                &PERSISTENT_VOLUME_CLAIM,
                json!({"metadata": {"name": name, "namespace": "ai"}, "spec": spec}),
            )
            .unwrap();
    };
    let mount_claim = |name: &str| {
        let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": name}}]);
        let edit = |one: &mut Value| one["spec"]["template"]["spec"]["volumes"] = volumes;
        fixture.cluster.update(TESTER, &DEPLOYMENT, "ai", "ollama", edit).unwrap();
    };
    claim("local", "standard");
    claim("odd", "nowhere");
    mount_claim("local");
    fixture.set_replicas(2);
    fixture.advance(60).await;
    assert_eq!(fixture.pods().1, 1);
    assert!(fixture.recorded_events("Pod").iter().any(|event| event.0 == "FailedAttachVolume"));
    mount_claim("odd");
    fixture.advance(60).await;
    let unbound = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are \
                   available: 2 Preemption is not helpful for scheduling.";
    assert!(fixture.recorded_events("Pod").contains(&("FailedScheduling".to_owned(), unbound.to_owned())));
    assert_eq!(fixture.pods().1, 1, "the old pod stays ready");
}
