use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchParams};
use kube::runtime::wait::{await_condition, conditions};

use super::*;
use crate::clock::RunClock;
use crate::sim::config::{ApiServerConfig, SimConfig};
use serde_json::{Value, json};

mod requests;
mod watches;
mod writes;

/// A cluster with a namespace `x`, and a client of it.
fn platform(api: ApiServerConfig) -> (SimCluster, kube::Client) {
    let clock = RunClock::start_at("2026-08-22T10:00:00Z".parse().unwrap());
    let cluster = SimCluster::new(clock, SimConfig { api, ..SimConfig::default() });
    let platform = SimPlatform::new(cluster.clone());
    create(&cluster, "helm", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}));
    (cluster, kube_client(&platform))
}

fn create(cluster: &SimCluster, manager: &str, object: Value) -> std::sync::Arc<Value> {
    let text = |field: &str| object[field].as_str().unwrap().to_owned();
    let served = find_by_kind(&text("apiVersion"), &text("kind")).unwrap();
    create_object(cluster, FieldManager::update(manager), served, object, false).unwrap()
}

fn pod(name: &str, label: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "x", "labels": {"app": label}},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}
    })
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "x"},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        }
    })
}

fn error_code<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    }
}
