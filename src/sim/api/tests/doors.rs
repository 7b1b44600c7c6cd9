//! What the server tells of itself, and what becomes of requests that it does not take.

use http::header::{DATE, RETRY_AFTER};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;

use super::*;
use crate::units::Span;

fn all_the_time(percent: u64) -> Option<Share> {
    Some(Share { during: Window { from: Span::default(), lasts: Span::from_secs(3600) }, percent })
}

async fn raw(client: &kube::Client, path: &str) -> kube::Result<Response<Body>> {
    client.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_server_tells_its_version_its_kinds_and_its_time() {
    let setting = ApiSetting { unserved: vec!["autoscaling/v2".into()], ahead_ms: 5000, ..ApiSetting::default() };
    let (_, client) = platform(setting);
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.37.2");
    let apps = client.list_api_group_resources("apps/v1").await.unwrap();
    assert!(apps.resources.iter().any(|one| one.kind == "Deployment" && one.name == "deployments" && one.namespaced));
    let core = client.list_core_api_resources("v1").await.unwrap();
    assert!(core.resources.iter().any(|one| one.kind == "Node" && !one.namespaced));
    for group in ["autoscaling/v2", "none.io/v1"] {
        assert_eq!(code(client.list_api_group_resources(group).await).0, 404);
    }
    let answer = raw(&client, "/version").await.unwrap();
    assert_eq!(answer.headers()[DATE], "Sat, 22 Aug 2026 10:00:05 GMT", "the cluster's clock, not ours");
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_told_and_refused() {
    let denied = Denied { verb: "create".into(), resource: "pods/proxy".into(), ..Denied::default() };
    let more = Denied { verb: "list".into(), resource: "pods".into(), ..Denied::default() };
    let (_, client) = platform(ApiSetting { denied: vec![denied, more], ..ApiSetting::default() });
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let ask = async |verb: &str| {
        let wanted = json!({"verb": verb, "group": "", "resource": "pods", "subresource": "proxy", "namespace": "x"});
        let review = json!({"metadata": {}, "spec": {"resourceAttributes": wanted}});
        let review = serde_json::from_value(review).unwrap();
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    assert!(!ask("create").await && ask("get").await);
    let why =
        "pods is forbidden: User \"gpuhpa\" cannot list resource \"pods\" in API group \"\" in the namespace \"x\"";
    let pods: Api<Pod> = Api::namespaced(client, "x");
    assert_eq!(code(pods.list(&ListParams::default()).await), (403, why.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_is_busy_failing_slow_or_away() {
    let (_, client) = platform(ApiSetting { busy: all_the_time(100), ..ApiSetting::default() });
    let answer = raw(&client, "/version").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()[RETRY_AFTER].to_str().unwrap()), (429, "1"));
    let (_, client) = platform(ApiSetting { failing: all_the_time(50), ..ApiSetting::default() });
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(raw(&client, "/version").await.unwrap().status() == 500);
    }
    assert!((30..70).contains(&failed), "{failed}");
    let (cluster, client) = platform(ApiSetting { lost: all_the_time(100), ..ApiSetting::default() });
    let api: Api<Namespace> = Api::all(client);
    let namespace = serde_json::from_value(json!({"metadata": {"name": "y"}})).unwrap();
    let made = api.create(&PostParams::default(), &namespace).await;
    assert!(matches!(made, Err(kube::Error::Service(_))), "it is made, and nobody hears of it");
    assert!(cluster.get(&by_kind("v1", "Namespace").unwrap().kind, "", "y").is_some());
    let window = Window { from: Span::from_secs(10), lasts: Span::from_secs(5) };
    let setting = ApiSetting { away: Some(window), slow: Some((window, Span::from_secs(7))), ..ApiSetting::default() };
    let (cluster, client) = platform(setting);
    raw(&client, "/version").await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    raw(&client, "/version").await.unwrap();
    assert_eq!(cluster.clock().now_ms() / 1000, 17, "slow, and back when the answer is due");
    let window = Window { from: Span::from_secs(0), lasts: Span::from_secs(5) };
    let (_, client) = platform(ApiSetting { away: Some(window), ..ApiSetting::default() });
    assert!(matches!(raw(&client, "/version").await, Err(kube::Error::Service(_))));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_refused_loudly() {
    let (cluster, client) = platform(ApiSetting::default());
    for path in
        ["/openapi/v2", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn", "/api/v1/pods?labelSelector=a+in+%28b%29"]
    {
        let answer = raw(&client, path).await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.into_body().collect_bytes().await.unwrap());
        let said: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, said["reason"].as_str().unwrap()), (501, "NotSimulated"), "{said}");
    }
    make(&cluster, "k", pod("p", "a"));
    let answer = raw(&client, "/api/v1/namespaces/x/pods/p:80/proxy/api/ps").await.unwrap();
    assert_eq!(answer.status().as_u16(), 503, "nobody listens in the pod");
    let text = answer.into_body().collect_bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("error trying to reach service"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "x");
    let params = kube::api::LogParams { container: Some("c".into()), tail_lines: Some(5), ..Default::default() };
    let why = "container \"c\" in pod \"p\" is waiting to start: ContainerCreating";
    assert_eq!(code(pods.logs("p", &params).await), (400, why.to_owned()));
    assert_eq!(raw(&client, "/api/v1/namespaces/x/pods/none:80/proxy/api/ps").await.unwrap().status(), 404);
}
