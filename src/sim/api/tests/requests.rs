//! Version, discovery, authorization, faults and unsupported requests.

use http::header::{DATE, RETRY_AFTER};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;

use super::*;
use crate::sim::config::{ApiFaultWindow, ApiServerConfig, DeniedPermission, RequestShare};
use crate::units::HumanDuration;

fn always(percent: u64) -> Option<RequestShare> {
    Some(RequestShare {
        window: ApiFaultWindow { start: HumanDuration::default(), duration: HumanDuration::from_secs(3600) },
        percent,
    })
}

async fn get_raw(client: &kube::Client, path: &str) -> kube::Result<Response<Body>> {
    client.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_server_reports_its_version_its_kinds_and_its_time() {
    let config = ApiServerConfig {
        unserved_versions: vec!["autoscaling/v2".into()],
        clock_offset_ms: 5000,
        ..ApiServerConfig::default()
    };
    let (_, client) = platform(config);
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.37.2");
    let apps = client.list_api_group_resources("apps/v1").await.unwrap();
    assert!(apps.resources.iter().any(|one| one.kind == "Deployment" && one.name == "deployments" && one.namespaced));
    let core = client.list_core_api_resources("v1").await.unwrap();
    assert!(core.resources.iter().any(|one| one.kind == "Node" && !one.namespaced));
    let kinds = crate::env::discover_namespaced_kinds(&client).await.unwrap();
    let has_kind = |name: &str| kinds.listable.iter().any(|kind| crate::env::qualified_name(kind) == name);
    assert!(has_kind("configmaps") && has_kind("deployments.apps") && !has_kind("nodes") && !has_kind("events"));
    assert_eq!(kinds.unknown, Vec::<String>::new());
    for group in ["autoscaling/v2", "none.io/v1"] {
        assert_eq!(error_code(client.list_api_group_resources(group).await).0, 404);
    }
    let response = get_raw(&client, "/version").await.unwrap();
    assert_eq!(response.headers()[DATE], "Sat, 22 Aug 2026 10:00:05 GMT", "the cluster's clock, not ours");
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_is_missing_is_reported_and_refused() {
    let denied =
        DeniedPermission { verb: "create".into(), resource: "pods/proxy".into(), ..DeniedPermission::default() };
    let more = DeniedPermission { verb: "list".into(), resource: "pods".into(), ..DeniedPermission::default() };
    let (_, client) =
        platform(ApiServerConfig { denied_permissions: vec![denied, more], ..ApiServerConfig::default() });
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let is_allowed = async |verb: &str| {
        let attributes =
            json!({"verb": verb, "group": "", "resource": "pods", "subresource": "proxy", "namespace": "x"});
        let review = json!({"metadata": {}, "spec": {"resourceAttributes": attributes}});
        let review = serde_json::from_value(review).unwrap();
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    assert!(!is_allowed("create").await && is_allowed("get").await);
    let attributes = json!({"verb": "list", "group": "*", "resource": "*", "namespace": "x"});
    let review = serde_json::from_value(json!({"metadata": {}, "spec": {"resourceAttributes": attributes}})).unwrap();
    let review = reviews.create(&PostParams::default(), &review).await.unwrap();
    assert!(!review.status.unwrap().allowed, "one kind is denied, so not every kind is granted");
    let message =
        "pods is forbidden: User \"gpuhpa\" cannot list resource \"pods\" in API group \"\" in the namespace \"x\"";
    let pods: Api<Pod> = Api::namespaced(client, "x");
    assert_eq!(error_code(pods.list(&ListParams::default()).await), (403, message.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_is_overloaded_failing_slow_or_unavailable() {
    let (_, client) = platform(ApiServerConfig { too_many_requests: always(100), ..ApiServerConfig::default() });
    let response = get_raw(&client, "/version").await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()[RETRY_AFTER].to_str().unwrap()), (429, "1"));
    let (_, client) = platform(ApiServerConfig { server_errors: always(50), ..ApiServerConfig::default() });
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(get_raw(&client, "/version").await.unwrap().status() == 500);
    }
    assert!((30..70).contains(&failed), "{failed}");
    let (cluster, client) = platform(ApiServerConfig { lost_responses: always(100), ..ApiServerConfig::default() });
    let api: Api<Namespace> = Api::all(client);
    let namespace = serde_json::from_value(json!({"metadata": {"name": "y"}})).unwrap();
    let result = api.create(&PostParams::default(), &namespace).await;
    assert!(matches!(result, Err(kube::Error::Service(_))), "the namespace is created, but the response is lost");
    assert!(cluster.get(&find_by_kind("v1", "Namespace").unwrap().kind, "", "y").is_some());
    let window = ApiFaultWindow { start: HumanDuration::from_secs(10), duration: HumanDuration::from_secs(5) };
    let config = ApiServerConfig {
        unavailable: Some(window),
        extra_latency: Some((window, HumanDuration::from_secs(7))),
        ..ApiServerConfig::default()
    };
    let (cluster, client) = platform(config);
    get_raw(&client, "/version").await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    get_raw(&client, "/version").await.unwrap();
    assert_eq!(cluster.clock().now_ms() / 1000, 17, "slow, and available again when the response is due");
    let window = ApiFaultWindow { start: HumanDuration::from_secs(0), duration: HumanDuration::from_secs(5) };
    let (_, client) = platform(ApiServerConfig { unavailable: Some(window), ..ApiServerConfig::default() });
    assert!(matches!(get_raw(&client, "/version").await, Err(kube::Error::Service(_))));
}

#[tokio::test(start_paused = true)]
async fn unsupported_requests_fail_with_not_simulated() {
    let (cluster, client) = platform(ApiServerConfig::default());
    for path in ["/openapi/v2", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn", "/api/v1/pods?labelSelector=a%3E1"] {
        let response = get_raw(&client, path).await.unwrap();
        let (status, body) = (response.status().as_u16(), response.into_body().collect_bytes().await.unwrap());
        let status_object: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, status_object["reason"].as_str().unwrap()), (501, "NotSimulated"), "{status_object}");
    }
    create(&cluster, "k", pod("p", "a"));
    let response = get_raw(&client, "/api/v1/namespaces/x/pods/p:80/proxy/api/ps").await.unwrap();
    assert_eq!(response.status().as_u16(), 503, "no server runs in the pod");
    let text = response.into_body().collect_bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("error trying to reach service"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "x");
    let params = kube::api::LogParams { container: Some("c".into()), tail_lines: Some(5), ..Default::default() };
    let message = "container \"c\" in pod \"p\" is waiting to start: ContainerCreating";
    assert_eq!(error_code(pods.logs("p", &params).await), (400, message.to_owned()));
    assert_eq!(get_raw(&client, "/api/v1/namespaces/x/pods/none:80/proxy/api/ps").await.unwrap().status(), 404);
}
