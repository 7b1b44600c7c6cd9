use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::sim::config::{ActiveWindow, NetworkConfig, SimConfig, WindowStart};
use crate::sim::fixtures::{chat_request, create_object, create_pod, delete_pod, read_response, start_platform};
use crate::units::HumanDuration;

const NODE_PORT_URL: &str = "http://192.0.2.11:32481/api/chat";

fn create_service(platform: &SimPlatform) {
    let service = json!({"metadata": {"namespace": "ai", "name": "web"},
        "spec": {"selector": {"app": "ollama"}, "ports": [{"port": 11434, "nodePort": 32481},
            {"port": 80, "targetPort": 8080, "nodePort": 32480}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.99"}]}}});
    create_object(&platform.cluster, SERVICE, service);
}

async fn send_chat(platform: &SimPlatform, url: &str) -> (u16, String) {
    let (status, text) = read_response(http_client(platform).oneshot(chat_request(url, 1)).await).await;
    (status, if text.contains("\"done\":true") { "good".to_owned() } else { text })
}

fn config_with(edit: impl FnOnce(&mut NetworkConfig)) -> SimConfig {
    let mut config = SimConfig::default();
    edit(&mut config.network);
    config
}

#[tokio::test(start_paused = true)]
async fn addresses_lead_to_a_ready_pod_or_nowhere() {
    let (platform, _tasks) = start_platform(config_with(|s| s.store_url = "http://store:9090/".to_owned()));
    create_service(&platform);
    assert_eq!(send_chat(&platform, NODE_PORT_URL).await, (0, "ConnectRefused".to_owned()));
    create_pod(&platform.cluster, "a", 0);
    let cases = [
        (NODE_PORT_URL, 200, "good"),
        ("http://192.0.2.99:11434/api/chat", 200, "good"),
        ("http://192.0.2.99:32481/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.11:32480/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.11:32482/api/chat", 0, "ConnectRefused"),
        ("http://192.0.2.12:32481/api/chat", 0, "ConnectTimeout"),
        ("http://web.ai.svc:11434/api/chat", 0, "Dns"),
    ];
    for (url, status, text) in cases {
        assert_eq!(send_chat(&platform, url).await, (status, text.to_owned()), "{url}");
    }
    let (status, text) = send_chat(&platform, "http://store:9090/api/v1/query?query=u%5B2m%5D").await;
    assert_eq!((status, text.as_str()), (200, r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#));
    delete_pod(&platform.cluster, "a");
    assert_eq!(send_chat(&platform, NODE_PORT_URL).await, (0, "ConnectRefused".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn connections_are_spread_over_the_pods_unless_only_one_is_reached() {
    let choices =
        [(EndpointChoice::Random, true), (EndpointChoice::Oldest, false), (EndpointChoice::SourceHash, false)];
    for (choice, second_used) in choices {
        let (platform, mut tasks) = start_platform(config_with(|s| s.endpoint_choice = choice));
        create_service(&platform);
        create_pod(&platform.cluster, "a", 0);
        create_pod(&platform.cluster, "b", 1);
        for _ in 0..10 {
            let platform = platform.clone();
            tasks.spawn(async move { assert_eq!(send_chat(&platform, NODE_PORT_URL).await.1, "good") });
        }
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        let used = |pod: &str| platform.servers.usage("ai", pod).percent_us > 0.0;
        assert_eq!((used("a"), used("b")), (true, second_used));
    }
}

#[tokio::test(start_paused = true)]
async fn each_network_fault_has_its_failure() {
    let under_load = || ActiveWindow::starting_at(WindowStart::NthChat(1));
    let cases: [(SimConfig, u16, &str); 3] = [
        (config_with(|s| s.connections_refused = Some(under_load())), 0, "ConnectRefused"),
        (config_with(|s| s.slow_accept = Some((under_load(), HumanDuration::from_secs(60)))), 0, "ConnectTimeout"),
        (config_with(|s| s.connection_resets = Some((under_load(), 2))), 200, "InBody"),
    ];
    for (config, status, end) in cases {
        let (platform, _tasks) = start_platform(config);
        create_service(&platform);
        create_pod(&platform.cluster, "a", 0);
        let client = http_client(&platform);
        let send_chat = async || read_response(client.clone().oneshot(chat_request(NODE_PORT_URL, 200)).await).await;
        assert!(send_chat().await.1.contains("\"done\":true"));
        let (received, text) = send_chat().await;
        assert!(
            received == status && text.ends_with(end) && !text.contains("\"done\":true"),
            "{end}: {received} {text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_load_of_the_scenarios_keeps_three_pods_busy() {
    for (workers, tokens) in [(10, 256), (6, 64)] {
        let (platform, mut tasks) = start_platform(SimConfig::default());
        create_service(&platform);
        let pods = ["a", "b", "c"];
        for (device, name) in pods.into_iter().enumerate() {
            create_pod(&platform.cluster, name, device);
        }
        for _ in 0..workers {
            let client = http_client(&platform);
            tasks.spawn(async move {
                loop {
                    assert!(
                        read_response(client.clone().oneshot(chat_request(NODE_PORT_URL, tokens)).await)
                            .await
                            .1
                            .contains("\"done\":true")
                    );
                }
            });
        }
        let usage = || pods.map(|pod| platform.servers.usage("ai", pod).percent_us);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        let mut least = f64::MAX;
        let mut before = usage();
        for _ in 0..60 {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            let now = usage();
            let sum: f64 = now.iter().zip(before).map(|(now, before)| (now - before) / 10e6).sum();
            least = least.min(sum);
            before = now;
        }
        // With a target of 60 the HPA recommends three replicas even with its tolerance of 0.1: 3 * 60 * 0.9 = 162.
        assert!(least > 162.0, "{workers} workers: {least}");
    }
}
