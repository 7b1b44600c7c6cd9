//! A small cluster with its controllers, driven through `SimCluster` alone.

mod claims;
mod faults;
mod hpa_controller;
mod pods;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::keda_operator::ScalerAccess;
use super::manager::ControllerManager;
use super::populate;
use crate::clock::RunClock;
use crate::model::scenario::Scenario;
use crate::sim::cluster::{FieldManager, SimCluster, StatusError, metadata_text};
use crate::sim::config::{ControllerConfig, SimConfig};
use crate::sim::objects::condition;
use crate::sim::objects::kinds::{API_SERVICE, DEPLOYMENT, HPA, NAMESPACE, POD, SERVICE};

const TESTER: FieldManager<'static> = FieldManager::update("tester");

struct ControllerFixture {
    cluster: SimCluster,
    /// The metrics API's value for each pod, or its error.
    metric_value: Arc<Mutex<Result<i64, String>>>,
    _tasks: JoinSet<()>,
}

impl ControllerFixture {
    /// Starts a populated cluster with a Deployment of one pod.
    fn with_config(controllers: ControllerConfig) -> Self {
        let fixture = Self::without_workload(controllers);
        fixture.deploy(|_| ());
        fixture
    }

    /// Starts a populated cluster.
    fn without_workload(controllers: ControllerConfig) -> Self {
        let clock = RunClock::start_at("2026-01-01T00:00:00Z".parse().unwrap());
        let cluster = SimCluster::new(clock, SimConfig { seed: 7, controllers, ..SimConfig::default() });
        populate::populate_cluster(&cluster, &Scenario::default());
        let value = Arc::new(Mutex::new(Ok(10)));
        let (served, metrics_cluster) = (Arc::clone(&value), cluster.clone());
        let metrics_api = Box::new(move |path: &str| {
            assert!(path.starts_with("/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/pods/*/gpu?labelSelector=app"));
            let value = served.lock().unwrap().clone().map_err(|message| StatusError::new(404, "NotFound", message))?;
            let item =
                |pod: Arc<Value>| json!({"describedObject": {"name": metadata_text(&pod, "name")}, "value": value});
            let items: Vec<_> = metrics_cluster.list(&POD, Some("ai")).into_iter().map(item).collect();
            Ok(json!({"kind": "MetricValueList", "items": items}))
        });
        let mut tasks = JoinSet::new();
        let keda_scalers = ScalerAccess { is_away: Box::new(|| false), check: Box::new(|_, _| None) };
        tasks.spawn(ControllerManager::new(cluster.clone(), metrics_api, keda_scalers).run());
        Self { cluster, metric_value: value, _tasks: tasks }
    }

    /// Creates the Deployment of one pod, after an edit of its pods' spec.
    fn deploy(&self, edit: impl FnOnce(&mut Value)) {
        let namespace = json!({"metadata": {"name": "ai"}, "status": {"phase": "Active"}});
        self.cluster.create(TESTER, &NAMESPACE, namespace).unwrap();
        let container = json!({"name": "ollama", "image": "ollama", "resources": {"limits": {"nvidia.com/gpu": "1"}},
            "ports": [{"name": "http", "containerPort": 11434}],
            "readinessProbe": {"initialDelaySeconds": 5, "periodSeconds": 5}});
        let mut pod = json!({"containers": [container]});
        edit(&mut pod);
        let deployment = json!({"metadata": {"name": "ollama", "namespace": "ai"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "ollama"}}, "template": {
                "metadata": {"labels": {"app": "ollama"}}, "spec": pod}}});
        self.cluster.create(TESTER, &DEPLOYMENT, deployment).unwrap();
        let service = json!({"metadata": {"name": "ollama", "namespace": "ai"}, "spec": {
            "selector": {"app": "ollama"}, "ports": [{"port": 80, "targetPort": "http"}]}});
        self.cluster.create(TESTER, &SERVICE, service).unwrap();
    }

    /// Creates the HPA, and registers the metrics API.
    fn create_hpa(&self) {
        let api = json!({"metadata": {"name": "v1beta1.custom.metrics.k8s.io"}, "spec": {
            "service": {"namespace": "ai", "name": "ollama"}}});
        self.cluster.create(TESTER, &API_SERVICE, api).unwrap();
        let hpa = json!({"metadata": {"name": "llm", "namespace": "ai"}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ollama"},
            "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "gpu"},
                "target": {"type": "AverageValue", "averageValue": "60"}}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}});
        self.cluster.create(TESTER, &HPA, hpa).unwrap();
    }

    async fn advance(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn set_metric(&self, value: Result<i64, &str>) {
        *self.metric_value.lock().unwrap() = value.map_err(str::to_owned);
    }

    fn set_replicas(&self, size: i64) {
        self.cluster.update(TESTER, &DEPLOYMENT, "ai", "ollama", |one| one["spec"]["replicas"] = json!(size)).unwrap();
    }

    fn replicas(&self) -> i64 {
        self.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap()["spec"]["replicas"].as_i64().unwrap()
    }

    /// The pods of the namespace, and how many of them are ready.
    fn pods(&self) -> (Vec<Arc<Value>>, usize) {
        let pods = self.cluster.list(&POD, Some("ai"));
        let ready = pods.iter().filter(|pod| condition::is_condition_true(pod, "Ready")).count();
        (pods, ready)
    }

    /// Reasons and messages of the events about a kind of object.
    fn recorded_events(&self, kind: &str) -> Vec<(String, String)> {
        let events = self.cluster.list(&crate::sim::objects::kinds::EVENT, Some("ai"));
        let about = events.iter().filter(|event| event["involvedObject"]["kind"] == kind);
        let field = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        about.map(|event| (field(event, "reason"), field(event, "message"))).collect()
    }

    fn hpa(&self) -> Arc<Value> {
        self.cluster.get(&HPA, "ai", "llm").unwrap()
    }

    /// Status and reason of a condition of the HPA.
    fn hpa_condition(&self, kind: &str) -> String {
        let hpa = self.hpa();
        let all = hpa["status"]["conditions"].as_array().into_iter().flatten();
        let mut matching = all.filter(|one| one["type"] == kind);
        matching.next().map_or(String::new(), |one| format!("{}/{}", one["status"], one["reason"]).replace('"', ""))
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_history() {
    let history = async || {
        let fixture = ControllerFixture::with_config(ControllerConfig::default());
        fixture.create_hpa();
        fixture.advance(60).await;
        fixture.set_metric(Ok(100));
        fixture.advance(300).await;
        fixture.set_metric(Ok(0));
        fixture.advance(360).await;
        fixture
            .cluster
            .changes_since(1000)
            .unwrap()
            .into_iter()
            .map(|change| change.object.to_string())
            .collect::<Vec<_>>()
    };
    let first = history().await;
    assert!(first.len() > 100 && first == history().await);
}
