use serde_json::json;
use tower::ServiceExt;

use super::super::servers::Since;
use super::super::servers::bench::{chat, create, platform, pod, read, remove};
use super::*;
use crate::sim::Setting;

const PORT: &str = "http://192.0.2.11:32481/api/chat";

fn service(platform: &Platform) {
    let service = json!({"metadata": {"namespace": "ai", "name": "web"},
        "spec": {"selector": {"app": "ollama"}, "ports": [{"port": 11434, "nodePort": 32481},
            {"port": 80, "targetPort": 8080, "nodePort": 32480}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.99"}]}}});
    create(&platform.cluster, SERVICE, service);
}

async fn ask(platform: &Platform, url: &str) -> (u16, String) {
    let (status, text) = read(http(platform).oneshot(chat(url, 1)).await).await;
    (status, if text.contains("\"done\":true") { "good".to_owned() } else { text })
}

fn setting(edit: impl FnOnce(&mut NetworkSetting)) -> Setting {
    let mut setting = Setting::default();
    edit(&mut setting.network);
    setting
}

#[tokio::test(start_paused = true)]
async fn addresses_lead_to_a_ready_pod_or_nowhere() {
    let (platform, _tasks) = platform(setting(|s| s.store_url = "http://store:9090/".to_owned()));
    service(&platform);
    assert_eq!(ask(&platform, PORT).await, (0, "ConnectRefused".to_owned()));
    pod(&platform.cluster, "a", 0);
    let cases = [
        (PORT, 200, "good"),
        ("http://192.0.2.99:11434/api/chat", 200, "good"),
        ("http://192.0.2.99:32481/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.11:32480/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.11:32482/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.12:32481/api/chat", 0, "ConnectTimeout"),
        ("http://web.ai.svc:11434/api/chat", 0, "Dns"),
    ];
    for (url, status, text) in cases {
        assert_eq!(ask(&platform, url).await, (status, text.to_owned()), "{url}");
    }
    let (status, text) = ask(&platform, "http://store:9090/api/v1/query?query=u%5B2m%5D").await;
    assert_eq!((status, text.as_str()), (200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#));
    remove(&platform.cluster, "a");
    assert_eq!(ask(&platform, PORT).await, (0, "ConnectRefused".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn connections_are_spread_over_the_pods_unless_one_is_all_that_is_reached() {
    for (only, expected) in [(false, true), (true, false)] {
        let (platform, mut tasks) = platform(setting(|s| s.one_pod_only = only));
        service(&platform);
        pod(&platform.cluster, "a", 0);
        pod(&platform.cluster, "b", 1);
        for _ in 0..10 {
            let platform = platform.clone();
            tasks.spawn(async move { assert_eq!(ask(&platform, PORT).await.1, "good") });
        }
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        let used = |pod: &str| platform.servers.usage("ai", pod).area > 0.0;
        assert_eq!((used("a"), used("b")), (true, expected));
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_the_way_has_its_failure() {
    let from_second = || During::from(Since::Chats(1));
    let cases: [(Setting, u16, &str); 3] = [
        (setting(|s| s.refused = Some(from_second())), 0, "ConnectRefused"),
        (setting(|s| s.slow_accept = Some((from_second(), Span::from_secs(60)))), 0, "ConnectTimeout"),
        (setting(|s| s.resets = Some((from_second(), 2))), 200, "InBody"),
    ];
    for (setting, status, end) in cases {
        let (platform, _tasks) = platform(setting);
        service(&platform);
        pod(&platform.cluster, "a", 0);
        let door = http(&platform);
        let ask = async || read(door.clone().oneshot(chat(PORT, 200)).await).await;
        assert!(ask().await.1.contains("\"done\":true"));
        let (given, text) = ask().await;
        assert!(given == status && text.ends_with(end) && !text.contains("\"done\":true"), "{end}: {given} {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_load_of_the_scenarios_keeps_three_pods_busy() {
    for (workers, tokens) in [(10, 256), (6, 64)] {
        let (platform, mut tasks) = platform(Setting::default());
        service(&platform);
        let pods = ["a", "b", "c"];
        for (device, name) in pods.into_iter().enumerate() {
            pod(&platform.cluster, name, device);
        }
        for _ in 0..workers {
            let door = http(&platform);
            tasks.spawn(async move {
                loop {
                    assert!(read(door.clone().oneshot(chat(PORT, tokens)).await).await.1.contains("\"done\":true"));
                }
            });
        }
        let areas = || pods.map(|pod| platform.servers.usage("ai", pod).area);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let mut least = f64::MAX;
        let mut before = areas();
        for _ in 0..60 {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            let now = areas();
            let sum: f64 = now.iter().zip(before).map(|(now, before)| (now - before) / 10e6).sum();
            least = least.min(sum);
            before = now;
        }
        // With a target of 60 all of three pods are asked for, tolerance included.
        assert!(least > 162.0, "{workers} workers: {least}");
    }
}
