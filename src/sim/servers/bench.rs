//! A small simulated cluster for the tests of the doors: nodes, pods and their devices, without controllers.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::cluster::{Cluster, Hand};
use super::super::pipeline::Pipeline;
use super::super::{Platform, Setting};
use super::{POD, Servers};
use crate::clock::Clock;
use crate::record::kind::Kind;
use crate::world::{Body, HttpError};

pub(in crate::sim) const HAND: Hand<'static> = Hand::of("test");

/// A platform of one node with four devices, and everything of it that happens by itself here.
pub(in crate::sim) fn platform(setting: Setting) -> (Platform, JoinSet<()>) {
    let cluster = Cluster::new(Clock::start_at("2026-01-01T00:00:00Z".parse().unwrap()), setting);
    let servers = Servers::new(cluster.clone());
    let pipeline = Pipeline::new(cluster.clone(), servers.clone());
    let node = json!({"metadata": {"name": "n1"}, "status": {"allocatable": {"nvidia.com/gpu": "4"},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}]}});
    create(&cluster, Kind::of("", "v1", "Node", "nodes"), node);
    let mut tasks = JoinSet::new();
    pipeline.spawn(&mut tasks);
    (Platform { cluster, servers, pipeline }, tasks)
}

pub(in crate::sim) fn create(cluster: &Cluster, kind: Kind, object: Value) {
    cluster.create(HAND, &kind, object).unwrap();
}

/// A Ready pod of the target that holds this card.
pub(in crate::sim) fn pod(cluster: &Cluster, name: &str, card: usize) {
    let object = json!({
        "metadata": {"namespace": "ai", "name": name, "labels": {"app": "ollama"},
            "annotations": {"simulated.gpuhpa/devices": card.to_string()},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "ollama-1", "uid": "rs", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": "ollama",
            "lifecycle": {"postStart": {"exec": {"command": ["/bin/sh", "-c", "ollama pull m"]}}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "ollama", "restartCount": 0, "state": {"running": {}}}]},
    });
    create(cluster, POD, object);
}

pub(in crate::sim) fn remove(cluster: &Cluster, name: &str) {
    assert!(cluster.remove(&POD, "ai", name));
}

/// A chat of so many tokens.
pub(in crate::sim) fn chat(url: &str, tokens: u64) -> http::Request<Bytes> {
    let body = json!({"model": "m", "stream": true, "options": {"num_predict": tokens}, "keep_alive": "30m"});
    http::Request::post(url).body(Bytes::from(body.to_string())).unwrap()
}

/// Status and text of an answer, or the words of what broke it.
pub(in crate::sim) async fn read(answer: Result<http::Response<Body>, HttpError>) -> (u16, String) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return (0, format!("{:?}", error.failure)),
    };
    let (status, mut body, mut text) = (answer.status().as_u16(), answer.into_body(), String::new());
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Err(error) => text.push_str(&format!("{:?}", error.failure)),
        }
    }
    (status, text)
}

/// So many workers that chat with the service or the pods in turn, for ever.
pub(in crate::sim) fn load(
    platform: &Platform,
    tasks: &mut JoinSet<()>,
    workers: usize,
    pods: &'static [&'static str],
) {
    for worker in 0..workers {
        let servers = platform.servers.clone();
        tasks.spawn(async move {
            for turn in worker.. {
                let answer = servers.answer("ai", pods[turn % pods.len()], chat("/api/chat", 100)).await;
                if read(answer).await.0 != 200 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }
}

pub(in crate::sim) async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}
