//! `init` on simulated clusters: what it writes loads, plans, and passes where it can, without a hand on the file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, PostParams};
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::env::{KubeClients, ReleaseArgs, RunEnv};
use crate::model::inventory::SimulationInfo;
use crate::model::scenario::Scenario;
use crate::model::verdict::CaseResult;
use crate::run::{self, EPOCH, ReceivedSignals};
use crate::sim::config::{ApiFaultWindow, DeniedPermission, RequestShare, SimConfig};
use crate::sim::{self, Simulation};
use crate::units::HumanDuration;

/// A simulated cluster and the scenario that it was made for.
struct TestCluster {
    platform: Simulation,
    scenario: Scenario,
    env: RunEnv,
}

impl TestCluster {
    /// A healthy cluster with an exporter and, unless the scenario has none, a store.
    fn start(scenario: Scenario, configure: impl FnOnce(&mut SimConfig)) -> Self {
        let mut config = SimConfig::from_scenario(&scenario, 1);
        configure(&mut config);
        let platform = sim::start(config, &scenario, RunClock::start_at(EPOCH));
        let env = platform.env(&scenario, &Bundle::discarding());
        Self { platform, scenario, env }
    }

    /// Installs a release of the built-in scenario, and waits until its pods run and the metric has been scraped.
    async fn install(&self, release: &str) {
        let spec = &self.scenario.releases[release];
        let args = ReleaseArgs::from_scenario(release, spec, &self.scenario, Vec::new());
        let namespace = json!({"metadata": {"name": args.release.namespace}});
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.env.kube.no_retry.clone());
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace).unwrap()).await.unwrap();
        self.env.helm.install(&args).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(180)).await;
    }

    /// What init writes for the cluster, and the scenario that it loads as.
    async fn init(&self, name: &str) -> (String, Scenario) {
        let found = discover(&self.env, &|_| ()).await.unwrap();
        let base = load_base(None).unwrap();
        let text = write_scenario(&found, &base, "a test", "gpuhpa plan -f FILE");
        let path: PathBuf = std::env::temp_dir().join(format!("gpuhpa-init-{name}-{}.yaml", std::process::id()));
        std::fs::write(&path, &text).unwrap();
        let scenario = scenario::load(std::slice::from_ref(&path), None);
        std::fs::remove_file(&path).unwrap();
        let scenario = scenario.unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        (text, scenario)
    }

    /// The errors of the plan of a scenario on this cluster.
    async fn plan_errors(&self, scenario: &Scenario) -> Vec<String> {
        let identity = run::simulated_cluster(SimulationInfo::default());
        let prepared = run::prepare(&self.env, scenario, &run::run_id(EPOCH), &identity).await.unwrap();
        prepared.plan.errors.into_iter().map(|one| one.message).collect()
    }

    /// The result of a run of a scenario on this cluster.
    async fn run(&self, scenario: &Scenario) -> CaseResult {
        let (_sender, signals) = watch::channel(ReceivedSignals::default());
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("gpuhpa-init-run-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        let bundle = Bundle::create(&dir).unwrap().without_sync();
        let outcome = run::rehearse(&self.platform, scenario, SimulationInfo::default(), &bundle, signals).await;
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        outcome.verdict.result
    }
}

fn built_in() -> Scenario {
    scenario::load(&[], None).unwrap()
}

/// Runs a test in virtual time.
fn in_virtual_time(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test);
}

fn assert_has(text: &str, parts: &[&str]) {
    let joined = text.replace("\n#", "").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(joined.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn a_bare_cluster_gets_a_scenario_that_passes_as_it_is_written() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |_| ());
        let (text, scenario) = cluster.init("bare").await;
        assert_has(
            &text,
            &[
                "Accelerators: nvidia.com/gpu, 3 on",
                "nothing serves custom.metrics.k8s.io",
                "Exporter: ",
                "pods with app=nvidia-dcgm-exporter in namespace gpu-operator, 3 of them",
                "Store: Service monitoring/prometheus-operated",
                "scrapeInterval: measured",
                "scrapeInterval: 15s",
                "exporterInterval: not measured",
            ],
        );
        assert!(text.ends_with("gpuhpa plan -f FILE\n"), "it ends with the next command");
        assert!(scenario.releases.contains_key("prometheus-adapter") && scenario.releases.contains_key("ollama"));
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
        assert_eq!(cluster.run(&scenario).await, CaseResult::Pass);
    });
}

#[test]
fn a_busy_api_server_hides_nothing() {
    let init = |percent: u64| {
        let mut text = String::new();
        in_virtual_time(async {
            let window =
                ApiFaultWindow { start: HumanDuration::from_secs(0), duration: HumanDuration::from_secs(3600) };
            let busy = (percent > 0).then_some(RequestShare { window, percent });
            let cluster = TestCluster::start(built_in(), |config| config.api.too_many_requests = busy);
            text = cluster.init(&format!("busy-{percent}")).await.0;
        });
        text
    };
    assert_eq!(init(30), init(0));
}

#[test]
fn an_adapter_that_is_there_is_used_and_none_is_installed() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("prometheus-adapter").await;
        let (text, scenario) = cluster.init("adapter").await;
        assert_has(
            &text,
            &[
                "custom.metrics.k8s.io is served by Service gpuhpa-metrics/prometheus-adapter",
                "installs no second adapter",
                "Deployment gpuhpa-metrics/prometheus-adapter points at it",
            ],
        );
        assert!(!text.contains("no run can pass before"), "the adapter has a rule:\n{text}");
        assert_eq!(scenario.releases.keys().collect::<Vec<_>>(), ["ollama"]);
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
        assert_eq!(cluster.run(&scenario).await, CaseResult::Pass);
    });
}

#[test]
fn an_adapter_without_a_rule_for_the_series_gets_one_proposed() {
    in_virtual_time(async {
        let mut scenario = built_in();
        let rules = &mut scenario.releases.get_mut("prometheus-adapter").unwrap().values["rules"]["custom"];
        rules[0]["seriesQuery"] = json!("DCGM_FI_DEV_FB_USED{namespace!=\"\",pod!=\"\"}");
        rules[0]["name"] = json!({"as": "memory"});
        let cluster = TestCluster::start(scenario, |_| ());
        cluster.install("prometheus-adapter").await;
        let (text, _) = cluster.init("no-rule").await;
        assert_has(
            &text,
            &["has no rule that serves DCGM_FI_DEV_GPU_UTIL for each pod", "seriesQuery:", "<<.GroupBy>>"],
        );
    });
}

impl TestCluster {
    /// Creates an HPA on the Deployment of the built-in scenario.
    async fn create_hpa(&self, name: &str, metric: serde_json::Value) {
        let mut hpa = json!({"metadata": {"name": name, "namespace": "gpuhpa"}, "spec": self.scenario.hpa.spec});
        hpa["spec"]["metrics"] = json!([metric]);
        let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(self.env.kube.no_retry.clone(), "gpuhpa");
        hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    }

    /// Registers KEDA's metrics server, and answers with this ScaledObject.
    async fn add_keda(&mut self, scaled_object: serde_json::Value) {
        let service = json!({"metadata": {"name": "v1beta1.external.metrics.k8s.io"}, "spec": {
            "group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"namespace": "keda", "name": "keda-operator-metrics-apiserver"}}});
        let services: Api<APIService> = Api::all(self.env.kube.no_retry.clone());
        services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
        let inner = self.env.kube.no_retry.clone();
        let answer = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (inner, scaled_object) = (inner.clone(), scaled_object.clone());
            async move {
                let path = request.uri().path().to_owned();
                let Some(rest) = path.strip_prefix("/apis/keda.sh/v1alpha1/") else { return inner.send(request).await };
                let body = if rest == "scaledobjects" { json!({"items": [scaled_object]}) } else { scaled_object };
                Ok(http::Response::new(kube::client::Body::from(body.to_string().into_bytes())))
            }
        });
        self.env.kube = KubeClients::new(kube::Client::new(answer, "default"));
    }
}

#[test]
fn an_hpa_that_scales_the_target_already_is_adopted() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("prometheus-adapter").await;
        cluster.install("ollama").await;
        let metric = json!({"type": "Pods", "pods": {"metric": {"name": "gpu_utilization"},
            "target": {"type": "AverageValue", "averageValue": "60"}}});
        cluster.create_hpa("theirs", metric).await;
        let (text, scenario) = cluster.init("adopt").await;
        assert_has(
            &text,
            &[
                "HPA theirs scales the target already, from 1 to 3 replicas on Pods metric gpu_utilization",
                "hpa: \"theirs\"",
            ],
        );
        assert_eq!(scenario.adopt.as_ref().unwrap().hpa, "theirs");
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
        assert_eq!(cluster.run(&scenario).await, CaseResult::Pass);
    });
}

#[test]
fn an_hpa_that_no_run_can_test_is_named_with_the_reason() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("ollama").await;
        let metric = json!({"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}});
        cluster.create_hpa("of-cpu", metric).await;
        let (text, scenario) = cluster.init("of-cpu").await;
        assert_has(
            &text,
            &["scaled already by HPA of-cpu (Resource metric cpu, it does not scale on a metric", "no run can pass"],
        );
        assert_eq!(scenario.adopt, None);
    });
}

/// KEDA scales the target: its HPA is tested as it is, its metric's range is that of the ScaledObject's query.
#[test]
fn the_hpa_of_a_scaled_object_is_adopted_with_the_range_of_its_query() {
    in_virtual_time(async {
        let mut cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("ollama").await;
        let metric = json!({"type": "External", "external": {
            "metric": {"name": "s0-prometheus", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "ollama"}}},
            "target": {"type": "AverageValue", "averageValue": "60"}}});
        cluster.create_hpa("keda-hpa-ollama", metric).await;
        let metadata = json!({"serverAddress": "http://prometheus-operated.monitoring.svc:9090", "threshold": "60",
            "query": "sum(DCGM_FI_DEV_GPU_UTIL{namespace=\"gpuhpa\"})"});
        let spec = json!({"minReplicaCount": 1, "maxReplicaCount": 3, "triggers": [{"type": "prometheus", "metadata": metadata}]});
        cluster.add_keda(json!({"metadata": {"namespace": "gpuhpa", "name": "ollama"}, "spec": spec})).await;
        let (text, scenario) = cluster.init("keda-adopt").await;
        assert_has(
            &text,
            &[
                "HPA keda-hpa-ollama, which KEDA has made of ScaledObject ollama, scales the target already",
                "on External metric s0-prometheus",
                "ScaledObject gpuhpa/ollama points at it",
                "range: [0, 300]",
            ],
        );
        assert_eq!(scenario.adopt.as_ref().unwrap().hpa, "keda-hpa-ollama");
        assert_eq!(scenario.releases.keys().collect::<Vec<_>>(), ["ollama"], "KEDA serves the metric");
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
    });
}

/// The proposal in the comments of a written scenario.
fn proposed_lines(text: &str) -> String {
    let from = text.find("#   releases: {\"prometheus-adapter\": null}").unwrap();
    let lines = text[from..].lines().take_while(|line| line.starts_with("#   "));
    lines.map(|line| format!("{}\n", &line[4..])).collect()
}

/// A scenario over the built-in one.
fn load_over_built_in(text: &str) -> Result<Scenario, scenario::ScenarioError> {
    let path = std::env::temp_dir().join(format!("gpuhpa-init-proposed-{}.yaml", std::process::id()));
    std::fs::write(&path, format!("extends: {BUILT_IN_URL}\n{text}")).unwrap();
    let loaded = scenario::load(std::slice::from_ref(&path), None);
    std::fs::remove_file(&path).unwrap();
    loaded
}

/// KEDA serves external metrics only: the run installs an adapter for custom ones beside it.
#[test]
fn keda_is_named_and_leaves_the_custom_metrics_to_an_adapter() {
    in_virtual_time(async {
        let mut cluster = TestCluster::start(built_in(), |_| ());
        cluster.add_keda(json!({"metadata": {"namespace": "web", "name": "shop"}, "spec": {}})).await;
        let (text, scenario) = cluster.init("keda").await;
        assert_has(
            &text,
            &[
                "external.metrics.k8s.io belongs to Service keda/keda-operator-metrics-apiserver",
                "nothing serves custom",
                "KEDA has the ScaledObjects web/shop",
                "To test an HPA of KEDA, put these lines",
                "serverAddress: \"http://prometheus-operated.monitoring.svc:9090\"",
            ],
        );
        let proposed = proposed_lines(&text);
        let with_keda = load_over_built_in(&proposed).unwrap_or_else(|error| panic!("{error}\n{proposed}"));
        assert_eq!(with_keda.hpa_source(), crate::model::hpa_source::HpaSource::ScaledObject);
        assert!(!with_keda.releases.contains_key("prometheus-adapter"));
        assert!(scenario.releases.contains_key("prometheus-adapter"));
        // The simulator has no KEDA that could answer, so that the run ends here.
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
    });
}

#[test]
fn an_ollama_that_is_there_is_adopted() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("ollama").await;
        let (text, scenario) = cluster.init("ollama").await;
        assert_has(
            &text,
            &[
                "Ollama is there: Deployment gpuhpa/ollama, whose pods request nvidia.com/gpu=1",
                "ifExists: adopt",
                "Which models Ollama has could not be read",
            ],
        );
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
        assert_eq!(cluster.run(&scenario).await, CaseResult::Pass);
    });
}

#[test]
fn a_cluster_without_a_store_is_told_what_to_do() {
    in_virtual_time(async {
        let mut scenario = built_in();
        scenario.metric.store = None;
        scenario.releases.clear();
        let cluster = TestCluster::start(scenario, |_| ());
        let (text, scenario) = cluster.init("no-store").await;
        assert_has(
            &text,
            &[
                "Store: no Service of a known name answers Prometheus queries",
                "or no run can pass",
                "scrapeInterval: not measured",
            ],
        );
        assert!(scenario.metric.store.is_none());
        let errors = cluster.plan_errors(&scenario).await;
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0]
                .starts_with("Service monitoring/prometheus-operated does not exist: Deployment prometheus-adapter"),
            "{errors:?}"
        );
    });
}

/// Without any right the file has every part as a comment, and still loads.
#[test]
fn without_rights_every_part_is_a_comment() {
    in_virtual_time(async {
        let denied = [
            ("", "nodes"),
            ("", "pods"),
            ("", "services"),
            ("apps", "deployments"),
            ("apps", "statefulsets"),
            ("resource.k8s.io", "resourceslices"),
            ("apiregistration.k8s.io", "apiservices"),
        ];
        let cluster = TestCluster::start(built_in(), |config| {
            config.api.denied_permissions.extend(denied.map(|(group, resource)| DeniedPermission {
                verb: "*".to_owned(),
                group: group.to_owned(),
                resource: resource.to_owned(),
                namespace: String::new(),
            }));
        });
        let (text, scenario) = cluster.init("no-rights").await;
        assert_has(
            &text,
            &[
                "Not readable with these rights",
                "- nodes: ",
                "User \"gpuhpa\" cannot list resource \"nodes\"",
                "Exporter: the pods could not be read, which takes the right to list pods of all namespaces",
                "Store: the Services could not be read, which takes the right to list services of all namespaces",
                "Whether Ollama runs already could not be read",
                "Whether a metrics adapter is there could not be read",
            ],
        );
        assert_eq!(scenario.releases.len(), 2);
        // What could not be looked for is not known to be absent: the base's stays.
        let base = built_in();
        let kept = |scenario: Scenario| {
            let exporter = scenario.metric.exporter.map(|exporter| (exporter.namespace, exporter.metric_name));
            (exporter, scenario.metric.store.map(|store| store.series))
        };
        assert_eq!(kept(scenario), kept(base));
    });
}

/// Labels of a base scenario would have to hold as well: the written file removes them.
#[test]
fn the_labels_of_another_exporter_replace_those_of_the_base() {
    in_virtual_time(async {
        let mut scenario = built_in();
        let exporter = scenario.metric.exporter.as_mut().unwrap();
        exporter.pod_labels = [("app.kubernetes.io/name".to_owned(), "dcgm-exporter".to_owned())].into();
        exporter.namespace = "monitoring".to_owned();
        let cluster = TestCluster::start(scenario.clone(), |_| ());
        let (text, written) = cluster.init("labels").await;
        assert_has(&text, &["app: null", "\"app.kubernetes.io/name\": \"dcgm-exporter\""]);
        let (written, expected) = (written.metric.exporter.unwrap(), scenario.metric.exporter.unwrap());
        assert_eq!((written.pod_labels, written.namespace), (expected.pod_labels, expected.namespace));
    });
}

/// One accelerator more than minReplicas bounds maxReplicas; none more is said.
#[test]
fn the_sizes_follow_the_free_accelerators() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |config| config.set_accelerators(2));
        let (text, scenario) = cluster.init("two").await;
        assert_has(&text, &["Accelerators that are free for the target: 2, so many replicas at most"]);
        assert_eq!(scenario.hpa.spec.max_replicas, 2);
        let cluster = TestCluster::start(built_in(), |config| config.set_accelerators(1));
        let (text, scenario) = cluster.init("one").await;
        assert_has(&text, &["Accelerators that are free for the target: 1. It needs 2 at least"]);
        assert_eq!(scenario.hpa.spec.max_replicas, 3);
    });
}

/// Whether a rule of `ci/rbac-init.yaml` allows a request.
fn is_allowed(rules: &serde_json::Value, path: &str) -> bool {
    let parts: Vec<&str> = path.split('?').next().unwrap_or_default().trim_matches('/').split('/').collect();
    let (group, rest) = match parts[..] {
        ["api", _, ref rest @ ..] => ("", rest),
        ["apis", group, _, ref rest @ ..] => (group, rest),
        // Versions and discovery, which every user may read.
        _ => return true,
    };
    let (resource, verb) = match rest {
        [] => return true,
        ["namespaces", _, resource, _, "proxy", ..] => (format!("{resource}/proxy"), "get"),
        ["namespaces", _, resource] | [resource] => ((*resource).to_owned(), "list"),
        _ => return false,
    };
    let has = |rule: &serde_json::Value, key: &str, value: &str| {
        rule[key].as_array().is_some_and(|all| all.iter().any(|one| one == value))
    };
    let mut rules = rules.as_array().unwrap().iter();
    rules.any(|rule| has(rule, "apiGroups", group) && has(rule, "resources", &resource) && has(rule, "verbs", verb))
}

#[test]
fn init_only_reads_and_no_more_than_its_role_allows() {
    in_virtual_time(async {
        let mut cluster = TestCluster::start(built_in(), |_| ());
        cluster.install("prometheus-adapter").await;
        cluster.install("ollama").await;
        let requests: Arc<Mutex<BTreeSet<(String, String)>>> = Arc::default();
        let (inner, seen) = (cluster.env.kube.no_retry.clone(), Arc::clone(&requests));
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            seen.lock().unwrap().insert((request.method().to_string(), request.uri().path().to_owned()));
            let inner = inner.clone();
            async move { inner.send(request).await }
        });
        cluster.env.kube = KubeClients::new(kube::Client::new(service, "default"));
        cluster.init("requests").await;
        let role: Vec<serde_json::Value> =
            serde_saphyr::from_multiple(include_str!("../../../ci/rbac-init.yaml")).unwrap();
        let requests = requests.lock().unwrap().clone();
        assert!(requests.len() > 10, "{requests:#?}");
        for (method, path) in requests {
            assert!(method == "GET" && is_allowed(&role[0]["rules"], &path), "{method} {path}");
        }
    });
}

#[test]
fn a_store_that_renames_labels_gets_a_rule_for_its_names() {
    in_virtual_time(async {
        let cluster = TestCluster::start(built_in(), |config| config.pipeline.honor_labels = false);
        cluster.install("ollama").await;
        let (text, scenario) = cluster.init("renamed").await;
        assert_has(&text, &["scrapes without honorLabels", "exported_pod: {resource: pod}"]);
        let store = scenario.metric.store.as_ref().unwrap();
        assert_eq!(store.series, "DCGM_FI_DEV_GPU_UTIL{exported_namespace=\"gpuhpa\"}");
        assert_eq!(cluster.plan_errors(&scenario).await, Vec::<String>::new());
    });
}
