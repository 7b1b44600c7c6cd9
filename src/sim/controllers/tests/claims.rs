//! Resource claims (DRA): creation from templates, allocation, sharing, release.

use super::*;
use crate::sim::api;
use crate::sim::config::{AcceleratorOffer, ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger};
use crate::sim::objects::claims::{allocated_devices, pod_claims};
use crate::sim::objects::devices::pod_devices;
use crate::sim::objects::kinds::{NODE, RESOURCE_CLAIM, RESOURCE_CLAIM_TEMPLATE, RESOURCE_SLICE};
use crate::sim::objects::state;
use crate::units::HumanDuration;

const SPEC_OF_ONE: &str =
    r#"{"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}}]}}"#;

/// A cluster of `nodes` nodes with `devices` devices each by claims, and a Deployment whose pods have this claim.
fn claiming(nodes: usize, devices: usize, entry: &Value) -> ControllerFixture {
    claiming_with(
        ControllerConfig { accelerator_nodes: nodes, accelerators_per_node: devices, ..Default::default() },
        entry,
    )
}

fn claiming_with(config: ControllerConfig, entry: &Value) -> ControllerFixture {
    let fixture =
        ControllerFixture::without_workload(ControllerConfig { offer: AcceleratorOffer::DraDriver, ..config });
    fixture.deploy(|pod| {
        pod["resourceClaims"] = json!([entry]);
        pod["containers"][0]["resources"] = json!({"claims": [{"name": "gpu"}]});
    });
    let spec: Value = serde_json::from_str(SPEC_OF_ONE).unwrap();
    let metadata = json!({"name": "one", "namespace": "ai"});
    for (kind, spec) in [(RESOURCE_CLAIM_TEMPLATE, json!({"spec": spec})), (RESOURCE_CLAIM, spec)] {
        let object = json!({"metadata": metadata, "spec": spec});
        let served = api::ServedKind { kind, is_namespaced: true };
        api::create_object(&fixture.cluster, TESTER, &served, object, false).unwrap();
    }
    fixture
}

fn of_template() -> Value {
    json!({"name": "gpu", "resourceClaimTemplateName": "one"})
}

fn claims(fixture: &ControllerFixture) -> Vec<Arc<Value>> {
    let mut all = fixture.cluster.list(&RESOURCE_CLAIM, Some("ai"));
    all.retain(|claim| metadata_text(claim, "name") != "one");
    all
}

#[tokio::test(start_paused = true)]
async fn each_pod_gets_a_claim_of_its_own_after_its_creation_and_gives_its_device_back() {
    let fixture = claiming(1, 4, &of_template());
    fixture.advance(20).await;
    fixture.set_replicas(3);
    fixture.advance(20).await;
    let (pods, ready) = fixture.pods();
    assert_eq!((pods.len(), ready, claims(&fixture).len()), (3, 3, 3));
    let mut devices = Vec::new();
    for pod in &pods {
        let claim = pod_claims(pod).remove(0).claim.unwrap();
        assert!(claim.starts_with(&format!("{}-gpu-", metadata_text(pod, "name"))), "{claim}");
        let object = fixture.cluster.get(&RESOURCE_CLAIM, "ai", &claim).unwrap();
        let [(driver, pool, device)] = &allocated_devices(&object)[..] else { panic!("{object}") };
        assert_eq!((driver.as_str(), pool.as_str()), ("gpu.nvidia.com", "gpu-1"));
        assert_eq!(object["status"]["reservedFor"][0]["uid"], pod["metadata"]["uid"]);
        let status = &pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"][0];
        assert_eq!(status["name"], "claim:gpu");
        assert_eq!(status["resources"][0]["resourceID"], format!("gpu.nvidia.com/gpu-1/{device}").as_str());
        devices.push((device.clone(), pod_devices(pod).remove(0).2));
    }
    devices.sort();
    assert_eq!(devices, [("gpu-0".to_owned(), 0), ("gpu-1".to_owned(), 1), ("gpu-2".to_owned(), 2)]);
    // The pod is there, without its claim's name and without a node, before the claim is.
    let changes = fixture.cluster.changes_since(1000).unwrap();
    let first = changes.iter().find(|change| change.group_resource == "pods" && !lacks_entry(&change.object)).unwrap();
    assert!(pod_claims(&first.object)[0].claim.is_none() && first.object["spec"]["nodeName"].is_null());
    fixture.set_replicas(1);
    fixture.advance(20).await;
    assert_eq!((fixture.pods().0.len(), claims(&fixture).len()), (1, 1));
}

fn lacks_entry(pod: &Value) -> bool {
    pod["spec"]["resourceClaims"].is_null()
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_free_device_is_pending_with_the_allocators_words_until_one_is_free() {
    let fixture = claiming(2, 1, &of_template());
    fixture.set_replicas(3);
    fixture.advance(30).await;
    assert_eq!(fixture.pods().1, 2);
    let message = "0/2 nodes are available: 2 cannot allocate all claims. preemption: 0/2 nodes are available: 2 Preemption is not \
                   helpful for scheduling.";
    assert!(fixture.recorded_events("Pod").contains(&("FailedScheduling".to_owned(), message.to_owned())));
    let holder = fixture.pods().0.into_iter().find(|pod| condition::is_condition_true(pod, "Ready")).unwrap();
    fixture.cluster.remove(&POD, "ai", &metadata_text(&holder, "name"));
    fixture.advance(30).await;
    assert_eq!((fixture.pods().1, claims(&fixture).len()), (2, 3), "the pending pod is scheduled");
}

#[tokio::test(start_paused = true)]
async fn one_claim_keeps_all_its_pods_on_one_node_and_its_device_until_the_last_is_gone() {
    let fixture = claiming(2, 1, &json!({"name": "gpu", "resourceClaimName": "one"}));
    fixture.set_replicas(3);
    fixture.advance(30).await;
    let (pods, ready) = fixture.pods();
    assert_eq!(ready, 3);
    assert!(pods.iter().all(|pod| pod_devices(pod) == pod_devices(&pods[0])));
    let claim = || fixture.cluster.get(&RESOURCE_CLAIM, "ai", "one").unwrap();
    assert_eq!(claim()["status"]["reservedFor"].as_array().unwrap().len(), 3);
    fixture.set_replicas(1);
    fixture.advance(20).await;
    assert_eq!((claim()["status"]["reservedFor"].as_array().unwrap().len(), allocated_devices(&claim()).len()), (1, 1));
    // A claim in use stays until its pod is gone.
    api::delete(&fixture.cluster, &RESOURCE_CLAIM, "ai", "one", None).unwrap();
    fixture.advance(5).await;
    assert!(state::is_deleting(&claim()));
    fixture.set_replicas(0);
    fixture.advance(20).await;
    assert!(fixture.cluster.get(&RESOURCE_CLAIM, "ai", "one").is_none());
}

#[tokio::test(start_paused = true)]
async fn another_tenant_takes_devices_by_claims() {
    let time = InjectionTime { trigger: InjectionTrigger::Start, after: HumanDuration::from_secs(20) };
    let injections = vec![ClusterInjection { time, action: InjectionAction::TenantPods(64) }];
    let config =
        ControllerConfig { accelerator_nodes: 1, accelerators_per_node: 3, injections, ..ControllerConfig::default() };
    let fixture = claiming_with(config, &of_template());
    fixture.advance(30).await;
    fixture.set_replicas(2);
    fixture.advance(30).await;
    assert_eq!((fixture.pods().0.len(), fixture.pods().1), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn accelerators_of_claims_are_no_extended_resource() {
    let fixture = claiming(1, 2, &of_template());
    let node = &fixture.cluster.list(&NODE, None)[0];
    assert!(node["status"]["allocatable"]["nvidia.com/gpu"].is_null());
    let slice = &fixture.cluster.list(&RESOURCE_SLICE, None)[0];
    let uuids: Vec<_> = slice["spec"]["devices"].as_array().unwrap().iter().collect();
    assert_eq!((slice["spec"]["nodeName"].as_str(), uuids.len()), (Some("gpu-1"), 2));
    assert!(uuids[0]["attributes"]["uuid"]["string"].as_str().unwrap().starts_with("GPU-"));
}

#[test]
fn a_request_in_the_form_of_another_version_is_refused() {
    let cluster = SimCluster::new(RunClock::start_at("2026-01-01T00:00:00Z".parse().unwrap()), SimConfig::default());
    cluster.create(TESTER, &NAMESPACE, json!({"metadata": {"name": "ai"}})).unwrap();
    let served = api::ServedKind { kind: RESOURCE_CLAIM_TEMPLATE, is_namespaced: true };
    let request = json!({"name": "gpu", "deviceClassName": "gpu.nvidia.com", "count": 1});
    let template =
        json!({"metadata": {"name": "t", "namespace": "ai"}, "spec": {"spec": {"devices": {"requests": [request]}}}});
    let error = api::create_object(&cluster, TESTER, &served, template, false).unwrap_err();
    let expected =
        "spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required";
    assert!(error.message.ends_with(expected), "{}", error.message);
}
