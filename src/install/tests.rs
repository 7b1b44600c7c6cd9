//! Making and undoing, against an API server in process that keeps objects, and a helm that keeps releases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tower::service_fn;

use super::*;
use crate::clock::Clock;
use crate::record::inventory::ExistingRelease;
use crate::record::journal::{Entry, ReleaseRef, Step};
use crate::record::scenario::Release;
use crate::units::Span;
use crate::world::{Book, Bundle, ChartMeta, Helm, Http, HttpError, HttpFailure, ReleaseArgs};

/// The objects of the cluster by path, and the releases of helm.
#[derive(Default)]
struct Cluster {
    objects: Mutex<BTreeMap<String, Value>>,
    releases: Mutex<BTreeSet<String>>,
    refuses: Mutex<Option<&'static str>>,
}

impl Cluster {
    fn paths(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    fn put(&self, path: &str, object: Value) {
        self.objects.lock().unwrap().insert(path.to_owned(), object);
    }

    fn answer(&self, method: &http::Method, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
        let status = |code: u16, why: &str| {
            (
                code,
                json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "message": why, "reason": why}),
            )
        };
        if self.refuses.lock().unwrap().is_some_and(|verb| method.as_str() == verb) {
            return status(403, "Forbidden");
        }
        let mut objects = self.objects.lock().unwrap();
        let sent = || serde_json::from_slice::<Value>(body).unwrap();
        match method.as_str() {
            "POST" => {
                let object = with_uid(sent());
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if objects.contains_key(&path) {
                    return status(409, "AlreadyExists");
                }
                objects.insert(path, object.clone());
                (201, object)
            }
            "PATCH" => {
                let object = with_uid(sent());
                objects.insert(path.to_owned(), object.clone());
                (201, object)
            }
            "DELETE" => match objects.remove(path) {
                Some(object) => (200, object),
                None => status(404, "NotFound"),
            },
            _ if query.contains("fieldSelector") => {
                let name = query.split("metadata.name%3D").nth(1).unwrap().split('&').next().unwrap();
                let items: Vec<Value> = objects.get(&format!("{path}/{name}")).cloned().into_iter().collect();
                (200, json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
            }
            _ => match objects.get(path) {
                Some(object) => (200, object.clone()),
                None => status(404, "NotFound"),
            },
        }
    }
}

/// The uid is a function of the object's name, so that a second one of that name is told apart by hand only.
fn with_uid(mut object: Value) -> Value {
    object["metadata"]["uid"] = json!(format!("uid-of-{}", object["metadata"]["name"].as_str().unwrap_or_default()));
    object
}

struct FakeHelm(Arc<Cluster>);

fn done<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, HelmError>> {
    async move { Ok(value) }.boxed()
}

impl Helm for FakeHelm {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        done("v4".to_owned())
    }
    fn show_chart<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        done(ChartMeta::default())
    }
    fn template<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        done(String::new())
    }
    fn status<'a>(&'a self, _: &'a ReleaseRef) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        done(None)
    }
    fn install<'a>(&'a self, args: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        // A failing install leaves a release behind, as helm does.
        self.0.releases.lock().unwrap().insert(args.release.name.clone());
        if args.chart == "broken" {
            let failed = HelmError::Failed { command: "install".to_owned(), stderr: "no such chart".to_owned() };
            return async move { Err(failed) }.boxed();
        }
        done(())
    }
    fn upgrade<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        done(())
    }
    fn rollback<'a>(&'a self, _: &'a ReleaseRef, _: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        done(())
    }
    fn uninstall<'a>(&'a self, release: &'a ReleaseRef, _: Span) -> BoxFuture<'a, Result<(), HelmError>> {
        self.0.releases.lock().unwrap().remove(&release.name);
        done(())
    }
}

/// A world over this cluster, with a bundle in a folder of its own.
fn world(cluster: &Arc<Cluster>, name: &str) -> (World, std::path::PathBuf) {
    let dir = std::env::temp_dir().join(format!("gpuhpa-install-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let bundle = Bundle::create(&dir).unwrap();
    let clock = Clock::start();
    let server = Arc::clone(cluster);
    let service = service_fn(move |request: http::Request<kube::client::Body>| {
        let server = Arc::clone(&server);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let query = head.uri.query().unwrap_or_default();
            let (code, answer) = server.answer(&head.method, head.uri.path(), query, &body);
            let response =
                http::Response::builder().status(code).body(kube::client::Body::from(answer.to_string().into_bytes()));
            Ok::<_, std::convert::Infallible>(response.unwrap())
        }
    });
    let http = Http::new(service_fn(|_: http::Request<Bytes>| async {
        Err(HttpError { failure: HttpFailure::ConnectRefused, message: "nobody".to_owned() })
    }));
    let world = World {
        kube: kube::Client::new(service, "default"),
        http,
        helm: Arc::new(FakeHelm(Arc::clone(cluster))),
        book: Arc::new(Book::new(clock, bundle.clone())),
        bundle,
        clock,
        seed: 0,
    };
    (world, dir)
}

fn scenario(chart: &str) -> Scenario {
    let release = Release { chart: chart.to_owned(), ..Release::default() };
    let mut scenario = Scenario { namespace: "llm".to_owned(), ..Scenario::default() };
    scenario.releases.insert("ollama".to_owned(), release);
    scenario.hpa.spec.scale_target_ref.kind = "Deployment".to_owned();
    scenario.hpa.spec.scale_target_ref.name = "ollama".to_owned();
    scenario
}

const NAMESPACE: &str = "/api/v1/namespaces/llm";
const HPA: &str = "/apis/autoscaling/v2/namespaces/llm/horizontalpodautoscalers/gpuhpa-1";

/// Makes all that a run makes before its load.
async fn make(world: &World, journal: &Journal, scenario: &Scenario) -> Result<(), InstallError> {
    let (inventory, plan) =
        (Inventory::default(), Plan { run: "1".to_owned(), hpa: "gpuhpa-1".to_owned(), ..Plan::default() });
    namespaces(world, journal, scenario, &inventory, "1").await?;
    install_releases(world, journal, scenario, &inventory, "1", |_| false).await?;
    apply_hpa(world, journal, scenario, &plan).await
}

async fn unmake(world: &World, journal: &Journal) -> Result<(), InstallError> {
    undo(world, journal, Span::from_secs(5), &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn everything_made_is_removed_in_reverse_order_and_a_second_undo_has_nothing_to_do() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "all");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE, HPA]);
    let told = Mutex::new(Vec::new());
    undo(&world, &journal, Span::from_secs(5), &|text| told.lock().unwrap().push(text.to_owned())).await.unwrap();
    assert_eq!(
        *told.lock().unwrap(),
        [
            "deleting HorizontalPodAutoscaler llm/gpuhpa-1",
            "uninstalling helm release llm/ollama",
            "deleting Namespace llm"
        ]
    );
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    let before = journal.entries().len();
    unmake(&world, &journal).await.unwrap();
    assert_eq!(journal.entries().len(), before);
    assert_eq!(read_journal(&dir).unwrap(), journal.entries());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_that_failed_half_way_is_uninstalled() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "half");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let error = make(&world, &journal, &scenario("broken")).await.unwrap_err();
    assert!(error.to_string().contains("no such chart"), "{error}");
    assert_eq!(cluster.releases.lock().unwrap().len(), 1);
    unmake(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_came_meanwhile_is_not_ours_to_make_or_to_remove() {
    let cluster = Arc::new(Cluster::default());
    cluster
        .put(NAMESPACE, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llm", "uid": "theirs"}}));
    let (world, dir) = world(&cluster, "theirs");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let error = make(&world, &journal, &scenario("good")).await.unwrap_err();
    assert!(error.to_string().contains("could not create Namespace llm"), "{error}");
    unmake(&world, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [NAMESPACE]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_that_replaced_ours_stays() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "replaced");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    cluster.put(
        HPA,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "gpuhpa-1", "namespace": "llm", "uid": "another"}, "spec": {}}),
    );
    unmake(&world, &journal).await.unwrap();
    assert_eq!(cluster.paths(), [HPA]);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_try_and_the_answer_is_cleaned_by_the_label() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "crash");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    // What `kill -9` leaves: the intentions, without what became of them.
    let cut: Vec<Entry> =
        journal.entries().into_iter().filter(|entry| matches!(entry.step, Step::Intended(_))).collect();
    let again = Journal::new(world.bundle.clone(), world.clock, cut);
    unmake(&world, &again).await.unwrap();
    assert!(cluster.paths().is_empty() && cluster.releases.lock().unwrap().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_said_and_the_rest_is_removed_all_the_same() {
    let cluster = Arc::new(Cluster::default());
    let (world, dir) = world(&cluster, "refused");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    make(&world, &journal, &scenario("good")).await.unwrap();
    *cluster.refuses.lock().unwrap() = Some("DELETE");
    let error = unmake(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("could not remove HorizontalPodAutoscaler llm/gpuhpa-1"), "{error}");
    assert!(cluster.releases.lock().unwrap().is_empty());
    let left = journal.entries().iter().filter(|entry| matches!(entry.step, Step::NotUndone { .. })).count();
    assert_eq!(left, 2);
    *cluster.refuses.lock().unwrap() = None;
    unmake(&world, &journal).await.unwrap();
    assert!(cluster.paths().is_empty());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_adopted_object_that_somebody_changed_is_named() {
    let cluster = Arc::new(Cluster::default());
    let path = "/apis/apps/v1/namespaces/llm/deployments/ollama";
    let deployment = |size: i32, status: i32| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": size}, "status": {"replicas": status},
            "metadata": {"name": "ollama", "namespace": "llm", "uid": "u", "resourceVersion": format!("{status}")}})
    };
    cluster.put(path, deployment(1, 1));
    let (world, dir) = world(&cluster, "adopted");
    let journal = Journal::new(world.bundle.clone(), world.clock, Vec::new());
    let mut inventory = Inventory::default();
    let chart = crate::record::inventory::ChartFacts { target_resources: Some(BTreeMap::new()), ..Default::default() };
    inventory.charts.insert("ollama".to_owned(), chart);
    install_releases(&world, &journal, &scenario("good"), &inventory, "1", |_| true).await.unwrap();
    cluster.put(path, deployment(2, 2));
    let error = unmake(&world, &journal).await.unwrap_err();
    assert!(error.to_string().contains("Deployment llm/ollama: it is not as it was"), "{error}");
    // Status and resourceVersion are bookkeeping.
    cluster.put(path, deployment(1, 3));
    unmake(&world, &journal).await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
