//! A fake API server with objects, and a fake helm with releases, in process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tower::service_fn;

use crate::clock::RunClock;
use crate::env::{
    Bundle, ChartMeta, HelmClient, HelmError, HttpClient, HttpError, HttpFailure, KubeClients, ReleaseArgs, RunEnv,
    TimelineWriter,
};
use crate::model::inventory::ExistingRelease;
use crate::model::journal::ReleaseRef;
use crate::units::HumanDuration;

/// The objects of the cluster by path, and the releases of helm.
#[derive(Default)]
pub(super) struct InstallTestCluster {
    objects: Mutex<BTreeMap<String, Value>>,
    /// Release → the run that installed it.
    pub(super) releases: Mutex<BTreeMap<String, String>>,
    /// A method that is forbidden.
    pub(super) denied_method: Mutex<Option<&'static str>>,
    /// It accepts requests and never responds.
    pub(super) is_silent: AtomicBool,
    /// An API version whose kinds it cannot list.
    pub(super) broken_version: Mutex<Option<&'static str>>,
    /// A plural name of a kind that we may not list.
    pub(super) unlisted_kind: Mutex<Option<&'static str>>,
    /// How many more times helm fails to uninstall.
    pub(super) helm_failures: AtomicU32,
}

impl InstallTestCluster {
    pub(super) fn paths(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    /// Stores an object, with a uid if it has none.
    pub(super) fn put(&self, path: &str, object: Value) {
        let object = if object["metadata"]["uid"].is_null() { with_uid(path, object) } else { object };
        self.objects.lock().unwrap().insert(path.to_owned(), object);
    }

    pub(super) fn get(&self, path: &str) -> Value {
        self.objects.lock().unwrap()[path].clone()
    }

    pub(super) fn remove(&self, path: &str) {
        self.objects.lock().unwrap().remove(path);
    }

    fn respond(&self, method: &http::Method, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
        if let Some(response) = self.respond_without_objects(method, path) {
            return response;
        }
        let mut objects = self.objects.lock().unwrap();
        let sent = || serde_json::from_slice::<Value>(body).unwrap();
        match method.as_str() {
            "POST" => {
                let object = with_uid(path, sent());
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if objects.contains_key(&path) {
                    return status_response(409, "it already exists");
                }
                objects.insert(path, object.clone());
                (201, object)
            }
            // A server-side apply has a kind, a merge patch has none. A subresource is stored beside its object.
            "PATCH" if sent()["kind"].is_null() && !path.ends_with("/scale") => {
                match apply_merge_patch(objects.get_mut(path), sent()) {
                    Ok(object) => (200, object),
                    Err((code, message)) => status_response(code, message),
                }
            }
            "PATCH" => {
                let object = with_uid(path, sent());
                objects.insert(path.to_owned(), object.clone());
                (201, object)
            }
            "DELETE" => match objects.remove(path) {
                Some(object) => (200, object),
                None => status_response(404, "NotFound"),
            },
            _ if query.contains("fieldSelector") => {
                let name = query.split("metadata.name%3D").nth(1).unwrap().split('&').next().unwrap();
                let items: Vec<Value> = objects.get(&format!("{path}/{name}")).cloned().into_iter().collect();
                (200, json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
            }
            _ if query.contains("labelSelector") || is_list(path) => {
                let selector = query.split("labelSelector=").nth(1).map(|rest| rest.split('&').next().unwrap());
                let (group, plural) = path.rsplit_once('/').unwrap();
                let of_kind = |at: &str| at.starts_with(group) && at.rsplit('/').nth(1) == Some(plural);
                let labelled = |object: &Value| {
                    let labels = &object["metadata"]["labels"];
                    selector.unwrap_or_default().split("%2C").filter(|one| !one.is_empty()).all(|one| {
                        let (key, value) = one.split_once("%3D").unwrap_or((one, ""));
                        let found = &labels[key.replace("%2F", "/")];
                        found.is_string() && (value.is_empty() || found == value)
                    })
                };
                let items: Vec<&Value> =
                    objects.iter().filter(|(at, object)| of_kind(at) && labelled(object)).map(|(_, o)| o).collect();
                (200, json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
            }
            _ => match objects.get(path) {
                Some(object) => (200, object.clone()),
                None => status_response(404, "NotFound"),
            },
        }
    }
}

/// API version, plural name, kind and verbs of the namespaced kinds.
const KINDS: [(&str, &str, &str, &str); 16] = [
    ("v1", "pods", "Pod", "list delete"),
    ("v1", "pods/log", "Pod", "get"),
    ("v1", "services", "Service", "list delete"),
    ("v1", "endpoints", "Endpoints", "list delete"),
    ("v1", "configmaps", "ConfigMap", "list delete"),
    ("v1", "secrets", "Secret", "list delete"),
    ("v1", "serviceaccounts", "ServiceAccount", "list delete"),
    ("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "list delete"),
    ("v1", "events", "Event", "list delete"),
    ("apps/v1", "deployments", "Deployment", "list delete"),
    ("apps/v1", "replicasets", "ReplicaSet", "list delete"),
    ("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "list delete"),
    ("coordination.k8s.io/v1", "leases", "Lease", "list delete"),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "list delete"),
    ("example.org/v1alpha1", "widgets", "Widget", "list delete"),
    ("metrics.k8s.io/v1beta1", "pods", "PodMetrics", "get list"),
];

impl InstallTestCluster {
    /// A refusal, or a response of discovery.
    fn respond_without_objects(&self, method: &http::Method, path: &str) -> Option<(u16, Value)> {
        if self.denied_method.lock().unwrap().is_some_and(|verb| method.as_str() == verb) {
            return Some(status_response(403, "Forbidden"));
        }
        if self.unlisted_kind.lock().unwrap().is_some_and(|plural| path.ends_with(&format!("/{plural}"))) {
            return Some(status_response(403, "the account may not list them"));
        }
        self.respond_to_discovery(path)
    }

    /// The response to a path of discovery, which has no namespace.
    fn respond_to_discovery(&self, path: &str) -> Option<(u16, Value)> {
        let version = match path {
            "/api" => {
                return Some((
                    200,
                    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
                ));
            }
            "/apis" => {
                let versions: BTreeSet<&str> =
                    KINDS.iter().map(|(version, ..)| *version).filter(|v| *v != "v1").collect();
                let group = |all: &str| {
                    let (group, version) = all.split_once('/').unwrap();
                    json!({"name": group, "versions": [{"groupVersion": all, "version": version}]})
                };
                let groups: Vec<Value> = versions.into_iter().map(group).collect();
                return Some((200, json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})));
            }
            _ => path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?,
        };
        let of_version = KINDS.iter().filter(|(one, ..)| *one == version);
        let resource = |(_, plural, kind, verbs): &(&str, &str, &str, &str)| {
            json!({"name": plural, "singularName": "", "namespaced": true, "kind": kind,
                "verbs": verbs.split(' ').collect::<Vec<_>>()})
        };
        let resources: Vec<Value> = of_version.map(resource).collect();
        if resources.is_empty() {
            return None;
        }
        if self.broken_version.lock().unwrap().is_some_and(|broken| broken == version) {
            return Some(status_response(503, "the server is currently unable to handle the request"));
        }
        Some((
            200,
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}),
        ))
    }
}

/// A merge patch of an object's spec.
fn apply_merge_patch(object: Option<&mut Value>, mut sent: Value) -> Result<Value, (u16, &'static str)> {
    let object = object.ok_or((404, "NotFound"))?;
    if object["metadata"]["uid"] != sent["metadata"]["uid"] {
        return Err((409, "Conflict"));
    }
    let Value::Object(fields) = sent["spec"].take() else { return Err((400, "no spec")) };
    fields.into_iter().for_each(|(name, value)| object["spec"][name] = value);
    Ok(object.clone())
}

/// A collection within a namespace.
fn is_list(path: &str) -> bool {
    path.rsplit('/').nth(2) == Some("namespaces")
}

fn status_response(code: u16, message: &str) -> (u16, Value) {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "message": message, "reason": message});
    (code, status)
}

/// Adds namespace and uid. The uid is derived from the name, so a test that needs another one for the same name sets it.
fn with_uid(path: &str, mut object: Value) -> Value {
    if let Some((_, rest)) = path.split_once("/namespaces/") {
        object["metadata"]["namespace"] = json!(rest.split('/').next());
    }
    object["metadata"]["uid"] = json!(format!("uid-of-{}", object["metadata"]["name"].as_str().unwrap_or_default()));
    object
}

struct FakeHelm(Arc<InstallTestCluster>);

fn ready_ok<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, HelmError>> {
    async move { Ok(value) }.boxed()
}

impl HelmClient for FakeHelm {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        ready_ok("v4".to_owned())
    }
    fn show_chart<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        ready_ok(ChartMeta::default())
    }
    fn show_values<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<Value, HelmError>> {
        ready_ok(Value::Null)
    }
    fn template<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        ready_ok(String::new())
    }
    fn status<'a>(
        &'a self,
        release: &'a ReleaseRef,
        selector: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        let run = self.0.releases.lock().unwrap().get(&release.name).cloned();
        let of_run = run.filter(|run| selector.is_none_or(|selector| selector == format!("gpuhpa.dev/run={run}")));
        ready_ok(of_run.map(|_| ExistingRelease { status: "deployed".to_owned(), ..ExistingRelease::default() }))
    }
    fn install<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        // A failed install leaves a release behind, as with helm.
        self.0.releases.lock().unwrap().insert(args.release.name.clone(), args.labels[0].1.clone());
        if args.chart == "broken" {
            let failed = HelmError::Failed { command: "install".to_owned(), stderr: "no such chart".to_owned() };
            return async move { Err(failed) }.boxed();
        }
        ready_ok(())
    }
    fn upgrade<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        ready_ok(())
    }
    fn rollback<'a>(&'a self, _: &'a ReleaseRef, _: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        ready_ok(())
    }
    fn uninstall<'a>(&'a self, release: &'a ReleaseRef, _: HumanDuration) -> BoxFuture<'a, Result<(), HelmError>> {
        let failures = &self.0.helm_failures;
        if failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let (command, stderr) = ("uninstall".to_owned(), "kubernetes cluster unreachable".to_owned());
            return async move { Err(HelmError::Failed { command, stderr }) }.boxed();
        }
        self.0.releases.lock().unwrap().remove(&release.name);
        ready_ok(())
    }
}

/// An I/O boundary for this cluster, with a bundle in a temporary folder.
pub(super) fn test_env(cluster: &Arc<InstallTestCluster>, name: &str) -> (RunEnv, PathBuf) {
    let dir = std::env::temp_dir().join(format!("gpuhpa-install-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let bundle = Bundle::create(&dir).unwrap();
    let clock = RunClock::start();
    let server = Arc::clone(cluster);
    let service = service_fn(move |request: http::Request<kube::client::Body>| {
        let server = Arc::clone(&server);
        async move {
            if server.is_silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let query = head.uri.query().unwrap_or_default();
            let (code, result) = server.respond(&head.method, head.uri.path(), query, &body);
            let response =
                http::Response::builder().status(code).body(kube::client::Body::from(result.to_string().into_bytes()));
            Ok::<_, std::convert::Infallible>(response.unwrap())
        }
    });
    let http = HttpClient::new(service_fn(|_: http::Request<Bytes>| async {
        Err(HttpError { failure: HttpFailure::ConnectRefused, message: "refused".to_owned() })
    }));
    let kube = kube::Client::new(service, "default");
    let env = RunEnv {
        kube: KubeClients { retrying: kube.clone(), no_retry: kube },
        http,
        bearer_token: None,
        helm: Arc::new(FakeHelm(Arc::clone(cluster))),
        timeline: Arc::new(TimelineWriter::new(clock, bundle.clone())),
        bundle,
        clock,
        seed: 0,
    };
    (env, dir)
}
