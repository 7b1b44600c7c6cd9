//! A small simulated platform for tests of the servers, the network and the pipeline: a node, pods and devices, without
//! controllers.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::cluster::{FieldManager, SimCluster};
use super::objects::kinds::{NODE, POD};
use super::platform::SimPlatform;
use crate::clock::RunClock;
use crate::env::{HttpError, ResponseBody};
use crate::model::resource_kind::ResourceKind;
use crate::sim::config::SimConfig;

pub(super) const TEST_MANAGER: FieldManager<'static> = FieldManager::update("test");

/// A platform of one node with four devices, and its background tasks.
pub(super) fn start_platform(config: SimConfig) -> (SimPlatform, JoinSet<()>) {
    let cluster = SimCluster::new(RunClock::start_at("2026-01-01T00:00:00Z".parse().unwrap()), config);
    let platform = SimPlatform::new(cluster);
    let node = json!({"metadata": {"name": "n1"}, "status": {"allocatable": {"nvidia.com/gpu": "4"},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}]}});
    create_object(&platform.cluster, NODE, node);
    let mut tasks = JoinSet::new();
    platform.pipeline.spawn(&mut tasks);
    (platform, tasks)
}

pub(super) fn create_object(cluster: &SimCluster, kind: ResourceKind, object: Value) {
    cluster.create(TEST_MANAGER, &kind, object).unwrap();
}

/// Creates a Ready pod of the target with the device of this index.
pub(super) fn create_pod(cluster: &SimCluster, name: &str, device: usize) {
    let object = json!({
        "metadata": {"namespace": "ai", "name": name, "labels": {"app": "ollama"},
            "annotations": {"simulator.gpuhpa/devices": device.to_string()},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "ollama-1", "uid": "rs", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": "ollama",
            "lifecycle": {"postStart": {"exec": {"command": ["/bin/sh", "-c", "ollama pull m"]}}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "ollama", "restartCount": 0, "state": {"running": {}}}]},
    });
    create_object(cluster, POD, object);
}

pub(super) fn delete_pod(cluster: &SimCluster, name: &str) {
    assert!(cluster.remove(&POD, "ai", name));
}

/// A chat request for this many tokens.
pub(super) fn chat_request(url: &str, tokens: u64) -> http::Request<Bytes> {
    let body = json!({"model": "m", "stream": true, "options": {"num_predict": tokens}, "keep_alive": "30m"});
    http::Request::post(url).body(Bytes::from(body.to_string())).unwrap()
}

/// Status and body of a response; an error ends the text with its failure.
pub(super) async fn read_response(response: Result<http::Response<ResponseBody>, HttpError>) -> (u16, String) {
    let response = match response {
        Ok(response) => response,
        Err(error) => return (0, format!("{:?}", error.failure)),
    };
    let (status, mut body, mut text) = (response.status().as_u16(), response.into_body(), String::new());
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Err(error) => text.push_str(&format!("{:?}", error.failure)),
        }
    }
    (status, text)
}

/// Workers that send chats to the pods in turn until the tasks are aborted.
pub(super) fn spawn_load(
    platform: &SimPlatform,
    tasks: &mut JoinSet<()>,
    workers: usize,
    pods: &'static [&'static str],
) {
    for worker in 0..workers {
        let servers = platform.servers.clone();
        tasks.spawn(async move {
            for n in worker.. {
                let response = servers.handle_request("ai", pods[n % pods.len()], chat_request("/api/chat", 100)).await;
                if read_response(response).await.0 != 200 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }
}

pub(super) async fn sleep_seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}
