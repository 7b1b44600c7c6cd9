use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchParams};
use kube::runtime::wait::{await_condition, conditions};

use super::*;
use crate::clock::Clock;
use crate::sim::Setting;
use crate::sim::pipeline::Pipeline;
use crate::sim::servers::Servers;
use serde_json::{Value, json};

mod doors;
mod making;
mod watching;

/// A platform with a namespace `x`.
fn platform(api: ApiSetting) -> (Cluster, kube::Client) {
    let clock = Clock::start_at("2026-08-22T10:00:00Z".parse().unwrap());
    let cluster = Cluster::new(clock, Setting { api, ..Setting::default() });
    let servers = Servers::new(cluster.clone());
    let pipeline = Pipeline::new(cluster.clone(), servers.clone());
    let platform = Platform { cluster: cluster.clone(), servers, pipeline };
    make(&cluster, "helm", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}));
    (cluster, client(&platform))
}

fn make(cluster: &Cluster, manager: &str, object: Value) -> std::sync::Arc<Value> {
    let text = |field: &str| object[field].as_str().unwrap().to_owned();
    let facts = by_kind(&text("apiVersion"), &text("kind")).unwrap();
    admit(cluster, Hand::of(manager), facts, object, false).unwrap()
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

fn code<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    }
}
