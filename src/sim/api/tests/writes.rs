//! Creating, updating and deleting objects.

use super::*;
use crate::model::snapshot::ReplicasManager;
use crate::sim::config::ApiServerConfig;
use crate::snapshot::replicas_managers;

#[tokio::test(start_paused = true)]
async fn managed_fields_show_who_set_replicas() {
    let (cluster, client) = platform(ApiServerConfig::default());
    let served = find_by_kind("apps/v1", "Deployment").unwrap();
    apply(&cluster, "helm", served, deployment()).unwrap();
    let api: Api<Deployment> = Api::namespaced(client, "x");
    let created = api.get("d").await.unwrap();
    assert_eq!(created.spec.replicas, Some(1), "the server's default");
    assert_eq!(replicas_managers(&created.metadata), [], "an apply does not own the server's defaults");
    update_scale(&cluster, FieldManager::update_scale("kube-controller-manager"), &served.kind, "x", "d", 3).unwrap();
    let status = |object: &mut Value| object["status"] = json!({"replicas": 1, "conditions": [{"type": "A"}]});
    cluster.update(FieldManager::update_status("kube-controller-manager"), &served.kind, "x", "d", status).unwrap();
    let scaled = api.get("d").await.unwrap();
    let by = |manager: &str| ReplicasManager {
        manager: manager.into(),
        operation: "Update".into(),
        subresource: "scale".into(),
        time: None,
    };
    assert_eq!(replicas_managers(&scaled.metadata), [by("kube-controller-manager")]);
    assert_eq!(scaled.metadata.generation, Some(2));
    let entries = scaled.metadata.managed_fields.unwrap();
    assert_eq!(entries.len(), 3);
    let applied = entries.iter().find(|entry| entry.manager.as_deref() == Some("helm")).unwrap();
    assert_eq!(applied.operation.as_deref(), Some("Apply"));
    let mut again = deployment();
    again["spec"]["replicas"] = json!(1);
    let error = apply(&cluster, "helm", served, again).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (
            409,
            "Apply failed with 1 conflict: conflict with \"kube-controller-manager\" with subresource \"scale\" \
             using apps/v1: .spec.replicas"
        )
    );
    let params = PatchParams { field_manager: Some("gpuhpa".into()), ..PatchParams::default() };
    let back = api.patch_scale("d", &params, &Patch::Merge(json!({"spec": {"replicas": 1}}))).await.unwrap();
    assert_eq!((back.spec.unwrap().replicas, back.status.unwrap().replicas), (Some(1), 1));
    assert_eq!(replicas_managers(&api.get("d").await.unwrap().metadata), [by("gpuhpa")]);
}

#[tokio::test(start_paused = true)]
async fn an_equal_status_is_no_change_and_another_one_changes_only_its_own_entry() {
    let (cluster, _) = platform(ApiServerConfig::default());
    let created = create(&cluster, "kubectl", pod("p", "a"));
    let kind = find_by_kind("v1", "Pod").unwrap().kind;
    let set_phase = |phase: &'static str| {
        cluster
            .update(FieldManager::update_status("kubelet"), &kind, "x", "p", |pod| {
                pod["status"]["phase"] = json!(phase)
            })
            .unwrap()
    };
    assert_eq!(set_phase("Pending")["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
    tokio::time::sleep(Duration::from_secs(7)).await;
    let running = set_phase("Running");
    let entries = running["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries[0]["time"], "2026-08-22T10:00:00Z");
    assert!(entries[0]["fieldsV1"]["f:status"].is_null(), "moved to the kubelet's entry");
    assert_eq!(entries[1]["fieldsV1"], json!({"f:status": {"f:phase": {}}}));
    assert_eq!((&entries[1]["time"], &entries[1]["subresource"]), (&json!("2026-08-22T10:00:07Z"), &json!("status")));
}

#[tokio::test(start_paused = true)]
async fn an_applied_object_gets_defaults_and_a_second_apply_changes_nothing() {
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
    let created = api.patch("h", &params, &Patch::Apply(&hpa)).await.unwrap();
    let behavior = created.spec.behavior.as_ref().unwrap();
    assert_eq!(created.spec.min_replicas, Some(1));
    assert_eq!(behavior.scale_up.as_ref().unwrap().policies.as_ref().unwrap().len(), 2);
    assert_eq!(behavior.scale_down.as_ref().unwrap().stabilization_window_seconds, Some(60));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let again = api.patch("h", &params, &Patch::Apply(&hpa)).await.unwrap();
    assert_eq!(again.metadata.resource_version, created.metadata.resource_version);
}

#[tokio::test(start_paused = true)]
async fn a_node_port_is_allocated_once() {
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
    assert!(api.get_opt("a").await.unwrap().is_none(), "a dry run stores nothing");
    let params = PostParams::default();
    api.create(&params, &service("a", Some(32_481))).await.unwrap();
    let (code, message) = error_code(api.create(&dry, &service("b", Some(32_481))).await);
    assert_eq!(
        (code, message.as_str()),
        (
            422,
            "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 32481: provided port is already \
             allocated"
        )
    );
    let allocated = api.create(&params, &service("b", None)).await.unwrap().spec.unwrap();
    let port = allocated.ports.unwrap()[0].node_port.unwrap();
    assert!((30_000..32_768).contains(&port) && allocated.cluster_ip.unwrap().starts_with("10.96."));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_only_by_the_uid_that_it_has() {
    let (_, client) = platform(ApiServerConfig::default());
    let api: Api<Lease> = Api::namespaced(client, "x");
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "r", "leaseDurationSeconds": 60}});
    let lease: Lease = serde_json::from_value(lease).unwrap();
    let created = api.create(&PostParams::default(), &lease).await.unwrap();
    assert_eq!(error_code(api.create(&PostParams::default(), &lease).await).0, 409);
    let renewal = |uid: &str| {
        Patch::Merge(json!({"metadata": {"uid": uid}, "spec": {"renewTime": "2026-08-22T10:00:10.000000Z"}}))
    };
    let renewed = api.patch("l", &PatchParams::default(), &renewal(&created.metadata.uid.unwrap())).await.unwrap();
    assert!(renewed.spec.unwrap().renew_time.is_some());
    assert_eq!(error_code(api.patch("l", &PatchParams::default(), &renewal("other")).await).0, 409);
    assert_eq!(error_code(api.patch("m", &PatchParams::default(), &renewal("other")).await).0, 404);
}

#[tokio::test(start_paused = true)]
async fn admission_rejects_a_pod_over_quota_or_with_an_unknown_class() {
    let (cluster, _) = platform(ApiServerConfig::default());
    let served = find_by_kind("v1", "Pod").unwrap();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "x"},
        "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}
    });
    create(&cluster, "k", quota);
    create(&cluster, "k", pod("p", "a"));
    let quota = cluster.get(&find_by_kind("v1", "ResourceQuota").unwrap().kind, "x", "q").unwrap();
    assert_eq!(quota["status"]["used"], json!({"requests.nvidia.com/gpu": "1"}));
    let error = create_object(&cluster, FieldManager::update("k"), served, pod("r", "a"), false).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (
            403,
            "pods \"r\" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: \
             requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=1"
        )
    );
    let mut classed = pod("r", "a");
    classed["spec"]["runtimeClassName"] = json!("nvidia");
    let error = create_object(&cluster, FieldManager::update("k"), served, classed, true).unwrap_err();
    assert_eq!(error.message, "pods \"r\" is forbidden: pod rejected: RuntimeClass \"nvidia\" not found");
}

#[tokio::test(start_paused = true)]
async fn deletion_depends_on_the_kind() {
    let (cluster, client) = platform(ApiServerConfig::default());
    create(&cluster, "kubectl", pod("p", "a"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "x");
    let other = Preconditions { uid: Some("other".into()), resource_version: None };
    let params = DeleteParams { preconditions: Some(other), ..DeleteParams::background() };
    assert_eq!(error_code(pods.delete("p", &params).await).0, 409);
    let going = pods.delete("p", &DeleteParams::background()).await.unwrap().left().unwrap();
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(30), "the kubelet removes the pod");
    let until = going.metadata.deletion_timestamp.unwrap().0;
    assert_eq!(until, "2026-08-22T10:00:30Z".parse().unwrap());
    let namespaces: Api<Namespace> = Api::all(client);
    let going = namespaces.delete("x", &DeleteParams::background()).await.unwrap().left().unwrap();
    assert_eq!(going.status.unwrap().phase.as_deref(), Some("Terminating"));
    let result = pods.create(&PostParams::default(), &serde_json::from_value(pod("q", "a")).unwrap()).await;
    let message = "pods \"q\" is forbidden: unable to create new content in namespace x because it is being terminated";
    assert_eq!(error_code(result), (403, message.to_owned()));
    let mut orphan = pod("q", "a");
    orphan["metadata"]["namespace"] = json!("y");
    let error = create_object(&cluster, FieldManager::update("k"), find_by_kind("v1", "Pod").unwrap(), orphan, false)
        .unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (404, "namespaces \"y\" not found"));
}
