//! Lists and watches.

use futures::{StreamExt, TryStreamExt};
use kube::api::WatchEvent;
use kube::core::PartialObjectMeta;

use super::*;
use crate::sim::config::{ApiFaultWindow, ApiServerConfig};
use crate::units::HumanDuration;

/// The events of a watch that starts at the current version, until it ends, and its error.
async fn watch_events(client: &kube::Client, params: &WatchParams) -> (Vec<String>, Option<String>) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "x");
    let version = pods.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = pods.watch(params, &version).await.unwrap().boxed();
    let mut all = Vec::new();
    loop {
        let name = |pod: Pod| pod.metadata.name.unwrap();
        match events.try_next().await {
            Ok(Some(WatchEvent::Added(pod))) => all.push(format!("+{}", name(pod))),
            Ok(Some(WatchEvent::Modified(pod))) => all.push(format!("~{}", name(pod))),
            Ok(Some(WatchEvent::Deleted(pod))) => all.push(format!("-{}", name(pod))),
            Ok(Some(WatchEvent::Bookmark(_))) => all.push("mark".to_owned()),
            Ok(Some(WatchEvent::Error(status))) => all.push(format!("{}", status.code)),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error.to_string())),
        }
    }
}

/// Creates two pods; relabels the first one, relabels it back, and removes it.
async fn change_pods(cluster: &SimCluster) {
    let kind = find_by_kind("v1", "Pod").unwrap().kind;
    let label = |to: &'static str| {
        let edit = |pod: &mut Value| pod["metadata"]["labels"]["app"] = json!(to);
        cluster.update(FieldManager::update("k"), &kind, "x", "p", edit).unwrap();
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    create(cluster, "k", pod("p", "a"));
    create(cluster, "k", pod("q", "b"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    label("b");
    label("a");
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.remove(&kind, "x", "p");
}

#[tokio::test(start_paused = true)]
async fn a_watch_follows_what_its_selector_matches_and_ends_at_its_timeout() {
    let (cluster, client) = platform(ApiServerConfig::default());
    let params = WatchParams::default().labels("app=a").timeout(60);
    let ((events, error), ()) = tokio::join!(watch_events(&client, &params), change_pods(&cluster));
    assert_eq!((events.join(" ").as_str(), error), ("+p -p +p -p mark", None));
    assert_eq!(cluster.clock().now_ms() / 1000, 60);
}

#[tokio::test(start_paused = true)]
async fn watch_faults_end_watches() {
    let at = Some(HumanDuration::from_secs(2));
    let window = Some(ApiFaultWindow { start: HumanDuration::from_secs(2), duration: HumanDuration::from_secs(5) });
    let cases = [
        (ApiServerConfig { watch_lifetime: at, ..ApiServerConfig::default() }, "+p +q ~p ~p", None),
        (ApiServerConfig { gone_interval: at, ..ApiServerConfig::default() }, "+p +q ~p ~p 410", None),
        (ApiServerConfig { unavailable: window, ..ApiServerConfig::default() }, "+p +q ~p ~p", Some(())),
    ];
    for (config, expected, broken) in cases {
        let (cluster, client) = platform(config);
        let params = WatchParams::default().timeout(60);
        let ((events, error), ()) = tokio::join!(watch_events(&client, &params), change_pods(&cluster));
        assert_eq!((events.join(" ").as_str(), error.map(drop)), (expected, broken));
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_dropped_from_the_log_is_gone() {
    let (cluster, client) = platform(ApiServerConfig::default());
    create(&cluster, "k", pod("p", "a"));
    let kind = find_by_kind("v1", "Pod").unwrap().kind;
    for number in 0..10_001 {
        let edit = |pod: &mut Value| pod["status"]["number"] = json!(number);
        cluster.update(FieldManager::update_status("k"), &kind, "x", "p", edit).unwrap();
    }
    let pods: Api<Pod> = Api::namespaced(client, "x");
    let mut events = pods.watch(&WatchParams::default(), "1001").await.unwrap().boxed();
    let Some(WatchEvent::Error(status)) = events.try_next().await.unwrap() else { panic!() };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_a_deletion_sees_it() {
    let (cluster, client) = platform(ApiServerConfig::default());
    let created = create(&cluster, "k", pod("p", "a"));
    let uid = created["metadata"]["uid"].as_str().unwrap();
    let pods: Api<Pod> = Api::namespaced(client, "x");
    let kind = find_by_kind("v1", "Pod").unwrap().kind;
    let gone = await_condition(pods.clone(), "p", conditions::is_deleted(uid));
    let kubelet = async {
        tokio::time::sleep(Duration::from_secs(300)).await;
        cluster.remove(&kind, "x", "p");
    };
    let (result, ()) = tokio::join!(gone, kubelet);
    result.unwrap();
    assert_eq!(cluster.clock().now_ms() / 1000, 300);
    create(&cluster, "k", pod("q", "a"));
    let all = pods.list_metadata(&ListParams::default().labels("app,app!=b").limit(500)).await.unwrap();
    let names: Vec<_> = all.items.iter().map(|one: &PartialObjectMeta<Pod>| one.metadata.name.clone()).collect();
    assert_eq!(names, [Some("q".to_owned())]);
    assert!(pods.get_metadata_opt("p").await.unwrap().is_none());
}
