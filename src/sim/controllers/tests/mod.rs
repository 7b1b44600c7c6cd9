//! A small cluster in which the controllers work, driven through `Cluster` alone.

mod autoscaler;
mod faults;
mod pods;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::kinds::{API_SERVICE, DEPLOYMENT, HPA, NAMESPACE, POD, SERVICE};
use super::manager::Manager;
use super::setting::ControllerSetting;
use super::{condition, populate};
use crate::clock::Clock;
use crate::record::scenario::Scenario;
use crate::sim::Setting;
use crate::sim::cluster::{Cluster, Hand, Refusal, text};

const TESTER: Hand<'static> = Hand::of("tester");

struct Bench {
    cluster: Cluster,
    /// What the metrics API answers for each pod.
    value: Arc<Mutex<Result<i64, String>>>,
    _tasks: JoinSet<()>,
}

impl Bench {
    /// A populated cluster with a Deployment of one pod.
    fn with(controllers: ControllerSetting) -> Self {
        let clock = Clock::start_at("2026-01-01T00:00:00Z".parse().unwrap());
        let cluster = Cluster::new(clock, Setting { seed: 7, controllers, ..Setting::default() });
        populate::all(&cluster, &Scenario::default());
        let value = Arc::new(Mutex::new(Ok(10)));
        let (served, of) = (Arc::clone(&value), cluster.clone());
        let ask = Box::new(move |path: &str| {
            assert!(path.starts_with("/apis/custom.metrics.k8s.io/v1beta1/namespaces/ai/pods/*/gpu?labelSelector=app"));
            let value = served.lock().unwrap().clone().map_err(|why| Refusal::new(404, "NotFound", why))?;
            let item = |pod: Arc<Value>| json!({"describedObject": {"name": text(&pod, "name")}, "value": value});
            let items: Vec<_> = of.list(&POD, Some("ai")).into_iter().map(item).collect();
            Ok(json!({"kind": "MetricValueList", "items": items}))
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(Manager::new(cluster.clone(), ask).run());
        let bench = Self { cluster, value, _tasks: tasks };
        bench.deploy();
        bench
    }

    fn deploy(&self) {
        let namespace = json!({"metadata": {"name": "ai"}, "status": {"phase": "Active"}});
        self.cluster.create(TESTER, &NAMESPACE, namespace).unwrap();
        let container = json!({"name": "ollama", "image": "ollama", "resources": {"limits": {"nvidia.com/gpu": "1"}},
            "ports": [{"name": "http", "containerPort": 11434}],
            "readinessProbe": {"initialDelaySeconds": 5, "periodSeconds": 5}});
        let deployment = json!({"metadata": {"name": "ollama", "namespace": "ai"}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "ollama"}}, "template": {
                "metadata": {"labels": {"app": "ollama"}}, "spec": {"containers": [container]}}}});
        self.cluster.create(TESTER, &DEPLOYMENT, deployment).unwrap();
        let service = json!({"metadata": {"name": "ollama", "namespace": "ai"}, "spec": {
            "selector": {"app": "ollama"}, "ports": [{"port": 80, "targetPort": "http"}]}});
        self.cluster.create(TESTER, &SERVICE, service).unwrap();
    }

    /// The HPA, for which the metric has to be registered.
    fn autoscale(&self) {
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

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn serve(&self, value: Result<i64, &str>) {
        *self.value.lock().unwrap() = value.map_err(str::to_owned);
    }

    fn scale(&self, size: i64) {
        self.cluster.change(TESTER, &DEPLOYMENT, "ai", "ollama", |one| one["spec"]["replicas"] = json!(size)).unwrap();
    }

    fn size(&self) -> i64 {
        self.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap()["spec"]["replicas"].as_i64().unwrap()
    }

    /// The pods of the namespace, and how many of them are ready.
    fn pods(&self) -> (Vec<Arc<Value>>, usize) {
        let pods = self.cluster.list(&POD, Some("ai"));
        let ready = pods.iter().filter(|pod| condition::holds(pod, "Ready")).count();
        (pods, ready)
    }

    /// Reasons and messages of the events about a kind of object.
    fn told(&self, kind: &str) -> Vec<(String, String)> {
        let events = self.cluster.list(&super::kinds::EVENT, Some("ai"));
        let about = events.iter().filter(|event| event["involvedObject"]["kind"] == kind);
        let field = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        about.map(|event| (field(event, "reason"), field(event, "message"))).collect()
    }

    fn hpa(&self) -> Arc<Value> {
        self.cluster.get(&HPA, "ai", "llm").unwrap()
    }

    /// Status and reason of a condition of the HPA.
    fn hpa_says(&self, kind: &str) -> String {
        let hpa = self.hpa();
        let all = hpa["status"]["conditions"].as_array().into_iter().flatten();
        let mut said = all.filter(|one| one["type"] == kind);
        said.next().map_or(String::new(), |one| format!("{}/{}", one["status"], one["reason"]).replace('"', ""))
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_history() {
    let history = async || {
        let bench = Bench::with(ControllerSetting::default());
        bench.autoscale();
        bench.pass(60).await;
        bench.serve(Ok(100));
        bench.pass(300).await;
        bench.serve(Ok(0));
        bench.pass(360).await;
        bench.cluster.since(1000).unwrap().into_iter().map(|change| change.object.to_string()).collect::<Vec<_>>()
    };
    let first = history().await;
    assert!(first.len() > 100 && first == history().await);
}
