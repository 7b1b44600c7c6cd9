//! Objects made, changed and deleted.

use super::*;
use crate::model::snapshot::ReplicasManager;

#[tokio::test(start_paused = true)]
async fn who_wrote_the_size_shows_as_on_a_real_server() {
    let (cluster, client) = platform(ApiServerConfig::default());
    let facts = find_by_kind("apps/v1", "Deployment").unwrap();
    apply(&cluster, "helm", facts, deployment()).unwrap();
    let api: Api<Deployment> = Api::namespaced(client, "x");
    let made = api.get("d").await.unwrap();
    assert_eq!(made.spec.replicas, Some(1), "the server's default");
    assert_eq!(ReplicasManager::from_metadata(&made.metadata), [], "who applies does not own what the server fills in");
    update_scale(&cluster, FieldManager::update_scale("kube-controller-manager"), &facts.kind, "x", "d", 3).unwrap();
    let status = |object: &mut Value| object["status"] = json!({"replicas": 1, "conditions": [{"type": "A"}]});
    cluster.update(FieldManager::update_status("kube-controller-manager"), &facts.kind, "x", "d", status).unwrap();
    let scaled = api.get("d").await.unwrap();
    let by = |manager: &str| ReplicasManager {
        manager: manager.into(),
        operation: "Update".into(),
        subresource: "scale".into(),
        time: None,
    };
    assert_eq!(ReplicasManager::from_metadata(&scaled.metadata), [by("kube-controller-manager")]);
    assert_eq!(scaled.metadata.generation, Some(2));
    let entries = scaled.metadata.managed_fields.unwrap();
    assert_eq!(entries.len(), 3);
    let applied = entries.iter().find(|entry| entry.manager.as_deref() == Some("helm")).unwrap();
    assert_eq!(applied.operation.as_deref(), Some("Apply"));
    let mut again = deployment();
    again["spec"]["replicas"] = json!(1);
    let refused = apply(&cluster, "helm", facts, again).unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            409,
            "Apply failed with 1 conflict: conflict with \"kube-controller-manager\" with subresource \"scale\" \
             using apps/v1: .spec.replicas"
        )
    );
    let params = PatchParams { field_manager: Some("gpuhpa".into()), ..PatchParams::default() };
    let back = api.patch_scale("d", &params, &Patch::Merge(json!({"spec": {"replicas": 1}}))).await.unwrap();
    assert_eq!((back.spec.unwrap().replicas, back.status.unwrap().replicas), (Some(1), 1));
    assert_eq!(ReplicasManager::from_metadata(&api.get("d").await.unwrap().metadata), [by("gpuhpa")]);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_says_the_same_is_no_change_and_one_that_does_not_moves_only_its_own_entry() {
    let (cluster, _) = platform(ApiServerConfig::default());
    let made = create(&cluster, "kubectl", pod("p", "a"));
    let kind = find_by_kind("v1", "Pod").unwrap().kind;
    let say = |phase: &'static str| {
        cluster
            .update(FieldManager::update_status("kubelet"), &kind, "x", "p", |pod| {
                pod["status"]["phase"] = json!(phase)
            })
            .unwrap()
    };
    assert_eq!(say("Pending")["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    tokio::time::sleep(Duration::from_secs(7)).await;
    let running = say("Running");
    let entries = running["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries[0]["time"], "2026-08-22T10:00:00Z");
    assert!(entries[0]["fieldsV1"]["f:status"].is_null(), "taken over");
    assert_eq!(entries[1]["fieldsV1"], json!({"f:status": {"f:phase": {}}}));
    assert_eq!((&entries[1]["time"], &entries[1]["subresource"]), (&json!("2026-08-22T10:00:07Z"), &json!("status")));
}

#[tokio::test(start_paused = true)]
async fn what_we_apply_is_filled_in_and_applied_again_is_the_same() {
    let (_, client) = platform(ApiServerConfig::default());
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client, "x");
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}
        }
    });
    let params = PatchParams::apply("gpuhpa");
    let made = api.patch("h", &params, &Patch::Apply(&hpa)).await.unwrap();
    let behavior = made.spec.behavior.as_ref().unwrap();
    assert_eq!(made.spec.min_replicas, Some(1));
    assert_eq!(behavior.scale_up.as_ref().unwrap().policies.as_ref().unwrap().len(), 2);
    assert_eq!(behavior.scale_down.as_ref().unwrap().stabilization_window_seconds, Some(60));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let again = api.patch("h", &params, &Patch::Apply(&hpa)).await.unwrap();
    assert_eq!(again.metadata.resource_version, made.metadata.resource_version);
}

#[tokio::test(start_paused = true)]
async fn node_ports_are_handed_out_once() {
    let (_, client) = platform(ApiServerConfig::default());
    let api: Api<Service> = Api::namespaced(client, "x");
    let service = |name: &str, port: Option<i32>| {
        let ports = json!([{"port": 80, "nodePort": port}]);
        let spec = json!({"type": "NodePort", "selector": {"app": "a"}, "ports": ports});
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
        serde_json::from_value::<Service>(service).unwrap()
    };
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &service("a", Some(32_481))).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none(), "nothing is kept of a dry run");
    let params = PostParams::default();
    api.create(&params, &service("a", Some(32_481))).await.unwrap();
    let (code, why) = error_code(api.create(&dry, &service("b", Some(32_481))).await);
    assert_eq!(
        (code, why.as_str()),
        (
            422,
            "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 32481: provided port is already \
             allocated"
        )
    );
    let handed = api.create(&params, &service("b", None)).await.unwrap().spec.unwrap();
    let port = handed.ports.unwrap()[0].node_port.unwrap();
    assert!((30_000..32_768).contains(&port) && handed.cluster_ip.unwrap().starts_with("10.96."));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_only_by_the_uid_that_it_has() {
    let (_, client) = platform(ApiServerConfig::default());
    let api: Api<Lease> = Api::namespaced(client, "x");
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "r", "leaseDurationSeconds": 60}});
    let lease: Lease = serde_json::from_value(lease).unwrap();
    let made = api.create(&PostParams::default(), &lease).await.unwrap();
    assert_eq!(error_code(api.create(&PostParams::default(), &lease).await).0, 409);
    let renewal = |uid: &str| {
        Patch::Merge(json!({"metadata": {"uid": uid}, "spec": {"renewTime": "2026-08-22T10:00:10.000000Z"}}))
    };
    let renewed = api.patch("l", &PatchParams::default(), &renewal(&made.metadata.uid.unwrap())).await.unwrap();
    assert!(renewed.spec.unwrap().renew_time.is_some());
    assert_eq!(error_code(api.patch("l", &PatchParams::default(), &renewal("other")).await).0, 409);
    assert_eq!(error_code(api.patch("m", &PatchParams::default(), &renewal("other")).await).0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_quota_and_a_class_that_is_not_there_keep_a_pod_from_being_made() {
    let (cluster, _) = platform(ApiServerConfig::default());
    let facts = find_by_kind("v1", "Pod").unwrap();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "x"},
        "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}
    });
    create(&cluster, "k", quota);
    create(&cluster, "k", pod("p", "a"));
    let quota = cluster.get(&find_by_kind("v1", "ResourceQuota").unwrap().kind, "x", "q").unwrap();
    assert_eq!(quota["status"]["used"], json!({"requests.nvidia.com/gpu": "1"}));
    let refused = create_object(&cluster, FieldManager::update("k"), facts, pod("r", "a"), false).unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            403,
            "pods \"r\" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: \
             requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=1"
        )
    );
    let mut classed = pod("r", "a");
    classed["spec"]["runtimeClassName"] = json!("nvidia");
    let refused = create_object(&cluster, FieldManager::update("k"), facts, classed, true).unwrap_err();
    assert_eq!(refused.message, "pods \"r\" is forbidden: pod rejected: RuntimeClass \"nvidia\" not found");
}

#[tokio::test(start_paused = true)]
async fn what_goes_goes_by_its_kind() {
    let (cluster, client) = platform(ApiServerConfig::default());
    create(&cluster, "kubectl", pod("p", "a"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "x");
    let other = Preconditions { uid: Some("other".into()), resource_version: None };
    let params = DeleteParams { preconditions: Some(other), ..DeleteParams::background() };
    assert_eq!(error_code(pods.delete("p", &params).await).0, 409);
    let going = pods.delete("p", &DeleteParams::background()).await.unwrap().left().unwrap();
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(30), "the kubelet takes it out");
    let until = going.metadata.deletion_timestamp.unwrap().0;
    assert_eq!(until, "2026-08-22T10:00:30Z".parse().unwrap());
    let namespaces: Api<Namespace> = Api::all(client);
    let going = namespaces.delete("x", &DeleteParams::background()).await.unwrap().left().unwrap();
    assert_eq!(going.status.unwrap().phase.as_deref(), Some("Terminating"));
    let refused = pods.create(&PostParams::default(), &serde_json::from_value(pod("q", "a")).unwrap()).await;
    let why = "pods \"q\" is forbidden: unable to create new content in namespace x because it is being terminated";
    assert_eq!(error_code(refused), (403, why.to_owned()));
    let mut homeless = pod("q", "a");
    homeless["metadata"]["namespace"] = json!("y");
    let refused =
        create_object(&cluster, FieldManager::update("k"), find_by_kind("v1", "Pod").unwrap(), homeless, false)
            .unwrap_err();
    assert_eq!((refused.code, refused.message.as_str()), (404, "namespaces \"y\" not found"));
}
