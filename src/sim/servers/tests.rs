use super::bench::{chat, platform, pod, read, remove, seconds};
use serde_json::json;

use super::*;
use crate::ollama::{ChatStream, find, loaded};
use crate::sim::{Platform, Setting};

fn setting(edit: impl FnOnce(&mut ServerSetting)) -> Setting {
    let mut setting = Setting::default();
    edit(&mut setting.servers);
    setting
}

async fn ask(platform: &Platform, tokens: u64) -> (u16, String) {
    read(platform.servers.answer("ai", "a", chat("/api/chat", tokens)).await).await
}

async fn get(platform: &Platform, pod: &str, path: &str) -> (u16, String) {
    read(platform.servers.answer("ai", pod, http::Request::get(path).body(Bytes::new()).unwrap()).await).await
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_read_as_a_good_one_and_ends_at_num_predict() {
    let (platform, _tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    let clock = platform.cluster.clock();
    let (status, text) = ask(&platform, 256).await;
    let mut stream = ChatStream::default();
    stream.push(text.as_bytes()).unwrap();
    let totals = stream.finish().unwrap();
    // 2 s to load the model, 50 ms for the prompt, 256 tokens at 100 a second: a line a second, and two at the end.
    assert_eq!((status, totals.tokens, totals.done_reason.as_deref()), (200, 256, Some("length")));
    assert_eq!((clock.now_ms(), stream.chunks()), (4610, 5));
    assert_eq!((totals.total_ns, totals.load_ns), (Some(4_610_000_000), Some(2_000_000_000)));
    let (_, text) = ask(&platform, 5000).await;
    assert!(text.contains(r#""done_reason":"stop""#) && !text.contains(r#""load_duration":2"#), "{text}");
    let ps = get(&platform, "a", "/api/ps").await.1;
    let models = loaded(ps.as_bytes()).unwrap();
    let model = find(&models, "m").unwrap();
    assert!(model.size == model.size_vram && model.size > Some(0));
    assert_eq!(get(&platform, "a", "/api/tags").await.0, 501);
    assert_eq!(get(&platform, "b", "/").await, (0, "ConnectRefused".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn chats_wait_in_a_queue_of_bounded_length_and_a_dropped_one_frees_its_slot() {
    let (platform, mut tasks) = platform(setting(|s| s.queue = 1));
    pod(&platform.cluster, "a", 0);
    let first = platform.servers.answer("ai", "a", chat("/api/chat", 100_000)).await.unwrap();
    let (send, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let again = platform.clone();
    tasks.spawn(async move { send.send(ask(&again, 100).await).unwrap() });
    seconds(1).await;
    let (status, text) = ask(&platform, 100).await;
    assert_eq!(status, 503);
    assert!(text.contains("maximum pending requests exceeded"));
    assert!(ended.try_recv().is_err());
    drop(first);
    seconds(2).await;
    assert_eq!(ended.try_recv().unwrap().0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_takes_its_connections_with_it_at_once() {
    let (platform, mut tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    let (send, mut ended) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..2 {
        let (again, send) = (platform.clone(), send.clone());
        tasks.spawn(async move { send.send((ask(&again, 600).await, again.cluster.clock().now_ms())).unwrap() });
    }
    seconds(4).await;
    remove(&platform.cluster, "a");
    let (first, second) = (ended.recv().await.unwrap(), ended.recv().await.unwrap());
    let mut words = [first.0.1, second.0.1];
    words.sort();
    assert_eq!((words[0].as_str(), first.1, second.1), ("BeforeHeaders", 4000, 4000));
    assert!(words[1].ends_with("InBody") && !words[1].contains("\"done\":true"));
    // Another pod of that name is another server: its model is not loaded yet.
    pod(&platform.cluster, "a", 1);
    assert_eq!(get(&platform, "a", "/api/ps").await.1, r#"{"models":[]}"#);
}

#[tokio::test(start_paused = true)]
async fn from_a_lost_node_nothing_comes_any_more_not_even_an_end() {
    const NODE: Kind = Kind::of("", "v1", "Node", "nodes");
    let (platform, mut tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    let (send, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let again = platform.clone();
    tasks.spawn(async move { send.send(ask(&again, 600).await).unwrap() });
    seconds(4).await;
    let lose = |node: &mut Value| node["metadata"]["annotations"]["simulated.gpuhpa/lost"] = json!("true");
    platform.cluster.change(bench::HAND, &NODE, "", "n1", lose).unwrap();
    let from = platform.cluster.clock().now_ms();
    assert_eq!(ask(&platform, 100).await, (0, "ConnectTimeout".to_owned()));
    assert_eq!(platform.cluster.clock().now_ms() - from, 10_000);
    assert_eq!(platform.pipeline.exporter("ai", "a").unwrap_err().code, 503);
    seconds(600).await;
    assert!(ended.try_recv().is_err(), "it waits for the rest of its answer");
}

#[tokio::test(start_paused = true)]
async fn utilization_is_that_of_busy_slots() {
    for (share, expected) in [(None, 98.0), (Some(20.0), 40.0)] {
        let (platform, mut tasks) = platform(setting(|s| (s.slots, s.share_per_slot) = (4, share)));
        pod(&platform.cluster, "a", 0);
        bench::load(&platform, &mut tasks, 2, &["a"]);
        seconds(10).await;
        let before = platform.servers.usage("ai", "a");
        seconds(10).await;
        let after = platform.servers.usage("ai", "a");
        assert_eq!(((after.area - before.area) / 10e6).round(), expected);
        assert_eq!(after.mib, 1900);
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_shows_as_it_does_with_ollama() {
    type Edit = fn(&mut ServerSetting);
    const SPOKEN: &str = "\"done\":false}\n";
    let broken = |how| BrokenChats { how: vec![how], during: During::from(Since::Chats(2)), every: 1 };
    let cases: [(Broken, u16, &str); 7] = [
        (Broken::Status500, 500, "terminated: signal: killed\"}"),
        (Broken::Busy503, 503, "pending requests exceeded\"}"),
        (Broken::Missing404, 404, "model 'm' not found\"}"),
        (Broken::ErrorLine, 200, "CUDA error: out of memory\"}\n"),
        (Broken::Truncated, 200, SPOKEN),
        (Broken::Reset, 200, "InBody"),
        (Broken::Html, 200, "</html>\n"),
    ];
    for (how, status, end) in cases {
        let (platform, _tasks) = platform(setting(|s| s.broken = Some(broken(how))));
        pod(&platform.cluster, "a", 0);
        assert!(ask(&platform, 5).await.1.contains("\"done\":true"));
        let (given, text) = ask(&platform, 5).await;
        assert!(given == status && text.ends_with(end), "{how:?}: {given} {text}");
    }
    let edits: [(Edit, &str); 3] = [
        (|s| s.on_cpu = Who::NewPods, "b on the CPU"),
        (|s| s.hang = Who::NewPods, "b hangs"),
        (|s| s.slow = Some((Who::NewPods, 3.0)), "b slow"),
    ];
    for (edit, name) in edits {
        let (platform, _tasks) = platform(setting(edit));
        pod(&platform.cluster, "a", 0);
        pod(&platform.cluster, "b", 1);
        let took = async |pod: &str| {
            let from = platform.cluster.clock().now_ms();
            let answer = async { read(platform.servers.answer("ai", pod, chat("/api/chat", 100)).await).await };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(60), answer).await;
            platform.cluster.clock().now_ms() - from
        };
        let (first, second) = (took("a").await, took("b").await);
        assert!(first == 3050 && second > 5000, "{name}: {first} {second}");
        let on_cpu = get(&platform, "b", "/api/ps").await.1.contains("\"size_vram\":0");
        assert_eq!(on_cpu, name == "b on the CPU");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_the_pod_did_not_pull_is_missing() {
    let (platform, _tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    let request = http::Request::post("/api/chat").body(Bytes::from(r#"{"model":"other"}"#)).unwrap();
    let (status, text) = read(platform.servers.answer("ai", "a", request).await).await;
    assert_eq!((status, text.as_str()), (404, r#"{"error":"model 'other' not found"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_the_start_runs_is_loaded_until_its_time_is_over() {
    let (platform, _tasks) = platform(Setting::default());
    pod(&platform.cluster, "a", 0);
    let start = json!(["sh", "-c", "while ! /bin/ollama ps; do sleep 1; done\n/bin/ollama run m </dev/null\n"]);
    let edit = |pod: &mut Value| {
        pod["spec"]["containers"][0]["lifecycle"]["postStart"]["exec"]["command"] = start;
        pod["spec"]["containers"][0]["env"] = json!([{"name": "OLLAMA_KEEP_ALIVE", "value": "60s"}]);
        pod["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    };
    platform.cluster.change(bench::HAND, &POD, "ai", "a", edit).unwrap();
    let mut used = Vec::new();
    for wait in [1, 2, 50, 10] {
        seconds(wait).await;
        used.push(platform.servers.usage("ai", "a").mib);
    }
    assert_eq!(used, [0, 1900, 1900, 0]);
}
