use serde_json::json;

use super::*;
use crate::model::load::{LoadSpec, ProtocolName};
use crate::protocol::{self, ChatStream};
use crate::sim::config::{ActiveWindow, AffectedPods, ChatFault, FaultyChats, OllamaConfig, SimConfig, WindowStart};
use crate::sim::fixtures::{
    TEST_MANAGER, chat_request, create_pod, delete_pod, read_response, sleep_seconds, spawn_load, start_platform,
};
use crate::sim::objects::kinds::NODE;
use crate::sim::platform::SimPlatform;

fn config_with(edit: impl FnOnce(&mut OllamaConfig)) -> SimConfig {
    let mut config = SimConfig::default();
    edit(&mut config.ollama);
    config
}

async fn send_chat(platform: &SimPlatform, tokens: u64) -> (u16, String) {
    read_response(platform.servers.handle_request("ai", "a", chat_request("/api/chat", tokens)).await).await
}

async fn get_path(platform: &SimPlatform, pod: &str, path: &str) -> (u16, String) {
    read_response(
        platform.servers.handle_request("ai", pod, http::Request::get(path).body(Bytes::new()).unwrap()).await,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_read_as_a_good_one_and_ends_at_num_predict() {
    let protocol = protocol::by_name(ProtocolName::Ollama);
    let (platform, _tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let clock = platform.cluster.clock();
    let (status, text) = send_chat(&platform, 256).await;
    let mut stream = ChatStream::new(protocol);
    stream.push(text.as_bytes()).unwrap();
    let totals = stream.finish().unwrap();
    // 2 s to load the model, 50 ms for the prompt, 256 tokens at 100/s: a chunk per second, and two at the end.
    assert_eq!((status, totals.tokens, totals.end_reason.as_deref()), (200, 256, Some("length")));
    assert_eq!((clock.now_ms(), stream.chunks()), (4610, 5));
    assert_eq!((totals.total_ns, totals.load_ns), (Some(4_610_000_000), Some(2_000_000_000)));
    let (_, text) = send_chat(&platform, 5000).await;
    assert!(text.contains(r#""done_reason":"stop""#) && !text.contains(r#""load_duration":2"#), "{text}");
    let ps = get_path(&platform, "a", "/api/ps").await.1;
    let model = protocol.parse_placement(ps.as_bytes(), "m").unwrap();
    assert!(model.bytes == model.accelerator_bytes && model.bytes > Some(0));
    assert_eq!(get_path(&platform, "a", "/api/tags").await.0, 501);
    assert_eq!(get_path(&platform, "b", "/").await, (0, "ConnectRefused".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_chat_in_openais_form_takes_as_long_and_has_as_many_tokens() {
    let protocol = protocol::by_name(ProtocolName::OpenAi);
    let load = LoadSpec { model: "m".to_owned(), max_tokens: 256, ..LoadSpec::default() };
    let send = async |platform: &SimPlatform, load: &LoadSpec| {
        let request = http::Request::post(protocol.chat_path()).body(Bytes::from(protocol.chat_body(load, 1))).unwrap();
        read_response(platform.servers.handle_request("ai", "a", request).await).await
    };
    let (platform, _tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let (status, text) = send(&platform, &load).await;
    let mut stream = ChatStream::new(protocol);
    stream.push(text.as_bytes()).unwrap();
    let totals = stream.finish().unwrap();
    assert_eq!((status, totals.tokens, totals.end_reason.as_deref()), (200, 256, Some("length")));
    assert_eq!((platform.cluster.clock().now_ms(), stream.has_content()), (4610, true));
    let ps = get_path(&platform, "a", protocol.placement_path().unwrap()).await.1;
    assert!(protocol.parse_placement(ps.as_bytes(), "m").is_some());
    let (status, text) = send(&platform, &LoadSpec { model: "other".to_owned(), ..load.clone() }).await;
    assert_eq!((status, protocol.refusal_text(text.as_bytes()).as_str()), (404, "model 'other' not found"));
    let fault = FaultyChats {
        faults: vec![ChatFault::ErrorLine],
        window: ActiveWindow::starting_at(WindowStart::NthChat(1)),
        every_nth: 1,
    };
    let (platform, _tasks) = start_platform(config_with(|s| s.faulty_chats = Some(fault)));
    create_pod(&platform.cluster, "a", 0);
    let (_, text) = send(&platform, &load).await;
    let error = ChatStream::new(protocol).push(text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("CUDA error: out of memory"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn chats_wait_in_a_queue_of_bounded_length_and_a_dropped_one_frees_its_slot() {
    let (platform, mut tasks) = start_platform(config_with(|s| s.max_queue = 1));
    create_pod(&platform.cluster, "a", 0);
    let first = platform.servers.handle_request("ai", "a", chat_request("/api/chat", 100_000)).await.unwrap();
    let (sender, mut results) = tokio::sync::mpsc::unbounded_channel();
    let chat_platform = platform.clone();
    tasks.spawn(async move { sender.send(send_chat(&chat_platform, 100).await).unwrap() });
    sleep_seconds(1).await;
    let (status, text) = send_chat(&platform, 100).await;
    assert_eq!(status, 503);
    assert!(text.contains("maximum pending requests exceeded"));
    assert!(results.try_recv().is_err());
    drop(first);
    sleep_seconds(2).await;
    assert_eq!(results.try_recv().unwrap().0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_resets_its_connections_at_once() {
    let (platform, mut tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let (sender, mut results) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..2 {
        let (platform, sender) = (platform.clone(), sender.clone());
        tasks.spawn(async move {
            sender.send((send_chat(&platform, 600).await, platform.cluster.clock().now_ms())).unwrap()
        });
    }
    sleep_seconds(4).await;
    delete_pod(&platform.cluster, "a");
    let (first, second) = (results.recv().await.unwrap(), results.recv().await.unwrap());
    let mut texts = [first.0.1, second.0.1];
    texts.sort();
    assert_eq!((texts[0].as_str(), first.1, second.1), ("BeforeHeaders", 4000, 4000));
    assert!(texts[1].ends_with("InBody") && !texts[1].contains("\"done\":true"));
    // Another pod of that name is another server: its model is not loaded yet.
    create_pod(&platform.cluster, "a", 1);
    assert_eq!(get_path(&platform, "a", "/api/ps").await.1, r#"{"models":[]}"#);
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_sends_neither_data_nor_the_end_of_a_connection() {
    let (platform, mut tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let (sender, mut results) = tokio::sync::mpsc::unbounded_channel();
    let chat_platform = platform.clone();
    tasks.spawn(async move { sender.send(send_chat(&chat_platform, 600).await).unwrap() });
    sleep_seconds(4).await;
    let lose = |node: &mut Value| node["metadata"]["annotations"]["simulator.gpuhpa/node-lost"] = json!("true");
    platform.cluster.update(TEST_MANAGER, &NODE, "", "n1", lose).unwrap();
    let start_ms = platform.cluster.clock().now_ms();
    assert_eq!(send_chat(&platform, 100).await, (0, "ConnectTimeout".to_owned()));
    assert_eq!(platform.cluster.clock().now_ms() - start_ms, 10_000);
    assert_eq!(platform.pipeline.exporter_metrics("ai", "a", 9400).unwrap_err().code, 503);
    sleep_seconds(600).await;
    assert!(results.try_recv().is_err(), "the chat must wait for the rest of its response");
}

#[tokio::test(start_paused = true)]
async fn utilization_is_that_of_busy_slots() {
    for (percent_per_slot, expected) in [(None, 98.0), (Some(20.0), 40.0)] {
        let (platform, mut tasks) =
            start_platform(config_with(|s| (s.slots, s.percent_per_slot) = (4, percent_per_slot)));
        create_pod(&platform.cluster, "a", 0);
        spawn_load(&platform, &mut tasks, 2, &["a"]);
        sleep_seconds(10).await;
        let before = platform.servers.usage("ai", "a");
        sleep_seconds(10).await;
        let after = platform.servers.usage("ai", "a");
        assert_eq!(((after.percent_us - before.percent_us) / 10e6).round(), expected);
        assert_eq!(after.memory_mib, 1900);
    }
}

/// What some drivers count beside work: the device's idle value, and a model in its memory, for as long as it stays there.
#[tokio::test(start_paused = true)]
async fn a_device_may_show_activity_without_a_chat() {
    let (platform, _tasks) = start_platform(config_with(|s| {
        (s.idle_percent, s.resident_percent, s.busy_percent) = (13.0, Some(60.0), 50.0);
    }));
    create_pod(&platform.cluster, "a", 0);
    let mut shown = Vec::new();
    let mut before = platform.servers.usage("ai", "a").percent_us;
    // Without a model, for longer than 2^32 microseconds; with a chat and its model; and until its keep_alive of 30 minutes ends.
    for minutes in [80, 1, 29, 10] {
        if minutes == 1 {
            let chat = platform.servers.handle_request("ai", "a", chat_request("/api/chat", 100)).await;
            assert_eq!(read_response(chat).await.0, 200);
            before = platform.servers.usage("ai", "a").percent_us;
        }
        sleep_seconds(minutes * 60).await;
        let after = platform.servers.usage("ai", "a").percent_us;
        shown.push(((after - before) / (minutes as f64 * 60e6)).round());
        before = after;
    }
    assert_eq!(shown, [13.0, 60.0, 60.0, 13.0]);
    let chat = platform.servers.handle_request("ai", "a", chat_request("/api/chat", 400)).await;
    sleep_seconds(1).await;
    let before = platform.servers.usage("ai", "a").percent_us;
    sleep_seconds(1).await;
    assert_eq!((platform.servers.usage("ai", "a").percent_us - before).round(), 60e6);
    drop(chat);
}

#[tokio::test(start_paused = true)]
async fn each_fault_shows_as_it_does_with_ollama() {
    type Edit = fn(&mut OllamaConfig);
    const TOKEN_CHUNK_END: &str = "\"done\":false}\n";
    let faulty = |fault| FaultyChats {
        faults: vec![fault],
        window: ActiveWindow::starting_at(WindowStart::NthChat(2)),
        every_nth: 1,
    };
    let cases: [(ChatFault, u16, &str); 7] = [
        (ChatFault::Status500, 500, "terminated: signal: killed\"}"),
        (ChatFault::Status503, 503, "pending requests exceeded\"}"),
        (ChatFault::Status404, 404, "model 'm' not found\"}"),
        (ChatFault::ErrorLine, 200, "CUDA error: out of memory\"}\n"),
        (ChatFault::Truncated, 200, TOKEN_CHUNK_END),
        (ChatFault::Reset, 200, "InBody"),
        (ChatFault::LoginPage, 200, "</html>\n"),
    ];
    for (fault, status, end) in cases {
        let (platform, _tasks) = start_platform(config_with(|s| s.faulty_chats = Some(faulty(fault))));
        create_pod(&platform.cluster, "a", 0);
        assert!(send_chat(&platform, 5).await.1.contains("\"done\":true"));
        let (received, text) = send_chat(&platform, 5).await;
        assert!(received == status && text.ends_with(end), "{fault:?}: {received} {text}");
    }
    let edits: [(Edit, &str); 3] = [
        (|s| s.on_cpu = AffectedPods::NewPods, "b on the CPU"),
        (|s| s.hanging = AffectedPods::NewPods, "b hangs"),
        (|s| s.slowdown = Some((AffectedPods::NewPods, 3.0)), "b slow"),
    ];
    for (edit, name) in edits {
        let (platform, _tasks) = start_platform(config_with(edit));
        create_pod(&platform.cluster, "a", 0);
        create_pod(&platform.cluster, "b", 1);
        let took = async |pod: &str| {
            let start_ms = platform.cluster.clock().now_ms();
            let chat = async {
                read_response(platform.servers.handle_request("ai", pod, chat_request("/api/chat", 100)).await).await
            };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(60), chat).await;
            platform.cluster.clock().now_ms() - start_ms
        };
        let (first, second) = (took("a").await, took("b").await);
        assert!(first == 3050 && second > 5000, "{name}: {first} {second}");
        let on_cpu = get_path(&platform, "b", "/api/ps").await.1.contains("\"size_vram\":0");
        assert_eq!(on_cpu, name == "b on the CPU");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_the_pod_did_not_pull_is_missing() {
    let (platform, _tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let request = http::Request::post("/api/chat").body(Bytes::from(r#"{"model":"other"}"#)).unwrap();
    let (status, text) = read_response(platform.servers.handle_request("ai", "a", request).await).await;
    assert_eq!((status, text.as_str()), (404, r#"{"error":"model 'other' not found"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_the_hook_runs_is_loaded_until_its_keep_alive_ends() {
    let (platform, _tasks) = start_platform(SimConfig::default());
    create_pod(&platform.cluster, "a", 0);
    let start = json!(["sh", "-c", "while ! /bin/ollama ps; do sleep 1; done\n/bin/ollama run m </dev/null\n"]);
    let edit = |pod: &mut Value| {
        pod["spec"]["containers"][0]["lifecycle"]["postStart"]["exec"]["command"] = start;
        pod["spec"]["containers"][0]["env"] = json!([{"name": "OLLAMA_KEEP_ALIVE", "value": "60s"}]);
        pod["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    };
    platform.cluster.update(TEST_MANAGER, &POD, "ai", "a", edit).unwrap();
    let mut used = Vec::new();
    for wait in [1, 2, 50, 10] {
        sleep_seconds(wait).await;
        used.push(platform.servers.usage("ai", "a").memory_mib);
    }
    assert_eq!(used, [0, 1900, 1900, 0]);
}
