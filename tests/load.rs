//! The load generator against fakes in virtual time, and its HTTP door against raw sockets on this machine.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test crate, which `allow-*-in-tests` does not reach"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use gpuhpa::clock::Clock;
use gpuhpa::live::http::http;
use gpuhpa::load::{Caller, LoadError, Turn, chat, start};
use gpuhpa::record::inventory::ExistingRelease;
use gpuhpa::record::journal::ReleaseRef;
use gpuhpa::record::load::{Connection, Load, Outcome, RequestRecord, Timeouts};
use gpuhpa::record::observation::{LoadSeen, Seen};
use gpuhpa::units::Span;
use gpuhpa::world::{Body, Book, Bundle, ChartMeta, Helm, HelmError, Http, HttpError, HttpFailure, ReleaseArgs, World};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

const URL: &str = "http://node:30000/";
const TOKEN: &str = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n";
const EMPTY: &str = "{\"message\":{\"content\":\"\"},\"done\":false}\n";
const DONE: &str =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"total_duration\":5,\"load_duration\":2,\"eval_count\":7}\n";

// ── A fake Ollama ──────────────────────────────────────────────────────────────────────────────────────────────────

/// How the fake answers one request; times in milliseconds.
#[derive(Clone)]
enum Answer {
    Fail(HttpFailure),
    Hang,
    /// Wait, then a status, then the steps of the body.
    Speak(u64, u16, Vec<Step>),
}

#[derive(Clone)]
enum Step {
    Wait(u64),
    Send(&'static str),
    Break,
    Hang,
}
use Step::{Break, Send, Wait};

#[derive(Default)]
struct Gauge {
    now: AtomicU64,
    peak: AtomicU64,
    asked: AtomicU64,
}

struct InFlight(Arc<Gauge>);

impl InFlight {
    fn enter(gauge: &Arc<Gauge>) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.peak.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(gauge))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A server that answers its n-th request with `answer(n)`.
fn fake(answer: impl Fn(u64) -> Answer + std::marker::Send + Sync + 'static) -> (Http, Arc<Gauge>) {
    let gauge = Arc::new(Gauge::default());
    let (seen, answer) = (Arc::clone(&gauge), Arc::new(answer));
    let service = tower::service_fn(move |request: http::Request<Bytes>| {
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", format!("{URL}api/chat")));
        let (nth, guard) = (seen.asked.fetch_add(1, Ordering::SeqCst), InFlight::enter(&seen));
        let answer = answer(nth);
        async move {
            match answer {
                Answer::Fail(failure) => Err(HttpError { failure, message: format!("{failure:?} of the fake") }),
                Answer::Hang => std::future::pending().await,
                Answer::Speak(wait_ms, status, steps) => {
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                    let mut response = http::Response::new(body(steps, guard));
                    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                    Ok(response)
                }
            }
        }
    });
    (BoxCloneSyncService::new(service), gauge)
}

fn body(steps: Vec<Step>, guard: InFlight) -> Body {
    stream::unfold((steps.into_iter(), guard), |(mut steps, guard)| async move {
        loop {
            let item = match steps.next()? {
                Step::Wait(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    continue;
                }
                Step::Send(text) => Ok(Bytes::from_static(text.as_bytes())),
                Step::Break => Err(HttpError { failure: HttpFailure::InBody, message: "reset by the fake".to_owned() }),
                Step::Hang => std::future::pending().await,
            };
            return Some((item, (steps, guard)));
        }
    })
    .boxed()
}

fn good() -> Answer {
    Answer::Speak(20, 200, vec![Wait(80), Send(TOKEN), Wait(50), Send(TOKEN), Wait(30), Send(DONE)])
}

fn load(concurrency: u32) -> Load {
    let timeouts = Timeouts {
        connect: Span::from_secs(1),
        first_token: Span::from_secs(3),
        idle: Span::from_secs(2),
        total: Span::from_secs(10),
    };
    Load { concurrency, timeouts, ..Load::default() }
}

/// One chat with a server that answers like this.
async fn one(answer: Answer) -> RequestRecord {
    let (http, _) = fake(move |_| answer.clone());
    let caller = Caller::new(http, Clock::start(), load(1), URL).unwrap();
    chat(&caller, Turn { id: 0, worker: 0, due_us: 0 }, std::future::pending(), &mut ()).await
}

// ── A world without a cluster ──────────────────────────────────────────────────────────────────────────────────────

struct NoHelm;

impl Helm for NoHelm {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        unused()
    }
    fn show_chart<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        unused()
    }
    fn template<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        unused()
    }
    fn status<'a>(
        &'a self,
        _: &'a ReleaseRef,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        unused()
    }
    fn install<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        unused()
    }
    fn upgrade<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        unused()
    }
    fn rollback<'a>(&'a self, _: &'a ReleaseRef, _: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        unused()
    }
    fn uninstall<'a>(&'a self, _: &'a ReleaseRef, _: Span) -> BoxFuture<'a, Result<(), HelmError>> {
        unused()
    }
}

fn unused<T: std::marker::Send + 'static>() -> BoxFuture<'static, T> {
    async { panic!("the load asked helm") }.boxed()
}

/// A folder for one test's evidence, removed at its end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn world(http: Http, name: &str) -> (World, Folder) {
    let dir = std::env::temp_dir().join(format!("gpuhpa-load-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let (clock, bundle) = (Clock::start(), Bundle::create(&dir).unwrap());
    let kube = tower::service_fn(|_: http::Request<kube::client::Body>| async {
        Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("the load asked the cluster"))
    });
    let kube = kube::Client::new(kube, "default");
    let world = World {
        plain: kube.clone(),
        kube,
        http,
        helm: Arc::new(NoHelm),
        bundle: bundle.clone(),
        book: Arc::new(Book::new(clock, bundle)),
        clock,
        seed: 0,
    };
    (world, Folder(dir))
}

fn records(folder: &Folder) -> Vec<RequestRecord> {
    let text = zstd::decode_all(std::fs::File::open(folder.0.join("requests.jsonl.zst")).unwrap()).unwrap();
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn samples(world: &World) -> Vec<(u64, LoadSeen)> {
    world.book.read(|all| {
        let load = |seen: &Seen| if let Seen::Load(seen) = seen { seen.clone() } else { panic!("{seen:?}") };
        all.iter().map(|o| (o.at_ms, load(&o.seen))).collect()
    })
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

// ── One chat ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// Each way in which a request can end, but for our own cancellation.
fn taxonomy() -> Vec<(Answer, Outcome)> {
    let speak = |status, steps| Answer::Speak(10, status, steps);
    let trickle = (0..100).flat_map(|_| [Send(TOKEN), Wait(1000)]).collect();
    let silent = (0..100).flat_map(|_| [Send(EMPTY), Wait(1000)]).collect();
    vec![
        (good(), Outcome::Good),
        (Answer::Fail(HttpFailure::Dns), Outcome::Dns),
        (Answer::Fail(HttpFailure::ConnectRefused), Outcome::ConnectRefused),
        (Answer::Fail(HttpFailure::ConnectTimeout), Outcome::ConnectTimeout),
        (Answer::Fail(HttpFailure::BeforeHeaders), Outcome::ResetBeforeHeaders),
        (speak(404, vec![Send("{\"error\":\"model 'm' not found\"}")]), Outcome::Http4xx),
        (speak(500, vec![Send("{\"error\":\"boom\"}")]), Outcome::Http5xx),
        (speak(502, vec![Send("<html>bad gateway</html>"), Step::Hang]), Outcome::Http5xx),
        (speak(503, vec![Send("{\"error\":\"server busy\"}"), Break]), Outcome::Http503),
        (speak(302, vec![]), Outcome::HttpOther),
        (speak(200, vec![Send(TOKEN), Send("{\"error\":\"runner died\"}\n")]), Outcome::ErrorLine),
        (speak(200, vec![Send(TOKEN), Send(DONE), Send("{\"error\":\"late\"}\n")]), Outcome::ErrorLine),
        (speak(200, vec![Send(TOKEN), Send(TOKEN)]), Outcome::Truncated),
        (speak(200, vec![Send(TOKEN), Send("{\"mess"), Break]), Outcome::Truncated),
        (speak(200, vec![]), Outcome::Truncated),
        (speak(200, vec![Send("<html><h1>It works!</h1></html>")]), Outcome::BadJson),
        (speak(200, vec![Send(TOKEN), Send("{nonsense}\n"), Send(DONE)]), Outcome::BadJson),
        (Answer::Hang, Outcome::TtftTimeout),
        (speak(200, vec![Step::Hang]), Outcome::TtftTimeout),
        (speak(200, silent), Outcome::TtftTimeout),
        (speak(200, vec![Send(TOKEN), Step::Hang]), Outcome::IdleTimeout),
        (speak(200, trickle), Outcome::TotalTimeout),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_way_to_end_has_its_outcome_and_its_words() {
    for (index, (answer, outcome)) in taxonomy().into_iter().enumerate() {
        let record = one(answer).await;
        assert_eq!(record.outcome, outcome, "case {index}: {record:?}");
        assert_eq!(record.error.is_none(), outcome == Outcome::Good, "case {index}: {record:?}");
    }
    let words = |record: RequestRecord| record.error.unwrap();
    assert_eq!(words(one(taxonomy().remove(5).0).await), "HTTP 404: model 'm' not found");
    assert_eq!(words(one(taxonomy().remove(9).0).await), "HTTP 302: no words");
    assert_eq!(words(one(taxonomy().remove(10).0).await), "runner died");
    assert_eq!(
        words(one(taxonomy().remove(13).0).await),
        "the answer ended after 1 chunks without done:true: reset by the fake"
    );
    assert_eq!(words(one(Answer::Hang).await), "gave up 3s after sending, without a status line");
}

#[tokio::test(start_paused = true)]
async fn stamps_are_exact() {
    let record = one(good()).await;
    let expected = RequestRecord {
        id: 0,
        worker: 0,
        due_us: 0,
        sent_us: 0,
        headers_us: Some(20_000),
        first_token_us: Some(100_000),
        ended_us: 180_000,
        status: Some(200),
        outcome: Outcome::Good,
        chunks: 3,
        largest_gap_us: 50_000,
        tokens: 7,
        server_total_ns: Some(5),
        server_load_ns: Some(2),
        error: None,
    };
    assert_eq!(record, expected);
}

#[tokio::test(start_paused = true)]
async fn each_bound_runs_from_its_own_start() {
    let ended = async |answer| one(answer).await.ended_us / 1000;
    assert_eq!(ended(Answer::Hang).await, 3000);
    let speak = |steps| Answer::Speak(500, 200, steps);
    assert_eq!(ended(speak(vec![Wait(1000), Send(EMPTY), Step::Hang])).await, 3000, "an empty chunk is no token");
    assert_eq!(ended(speak(vec![Wait(1000), Send(TOKEN), Wait(1900), Send(EMPTY), Step::Hang])).await, 5400);
    let trickle = (0..100).flat_map(|_| [Send(TOKEN), Wait(1000)]).collect();
    assert_eq!(ended(speak(trickle)).await, 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stays_open_after_done_holds_no_worker() {
    let clock = Clock::start();
    let record = one(Answer::Speak(0, 200, vec![Wait(10), Send(TOKEN), Wait(10), Send(DONE), Step::Hang])).await;
    assert_eq!((record.outcome, record.ended_us), (Outcome::Good, 20_000));
    assert!(clock.now_ms() <= 1100, "{}", clock.now_ms());
}

#[test]
fn an_outcome_has_one_name() {
    let outcomes: BTreeSet<Outcome> = taxonomy().into_iter().map(|(_, o)| o).collect();
    assert_eq!(outcomes.len() + 1, 16, "the taxonomy of the tests is complete, our own cancellation left out");
    for outcome in outcomes.into_iter().chain([Outcome::CancelledByRampDown]) {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
    }
}

#[tokio::test]
async fn an_address_that_is_no_url_is_refused() {
    let (http, _) = fake(|_| Answer::Hang);
    for url in ["", "node:30000", "ftp://node/", "http://", "http://no de/"] {
        let error = Caller::new(http.clone(), Clock::start(), load(1), url).unwrap_err();
        assert!(matches!(error, LoadError::Url { .. }), "{url}: {error}");
    }
}

// ── The loop ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test(start_paused = true)]
async fn every_outcome_is_counted_exactly() {
    let (http, gauge) = fake(|nth| taxonomy().get(nth as usize).map_or(Answer::Hang, |(answer, _)| answer.clone()));
    let (world, folder) = world(http, "taxonomy");
    let running = start(&world, &load(1), URL).unwrap();
    while gauge.asked.load(Ordering::SeqCst) <= taxonomy().len() as u64 {
        sleep_ms(10).await;
    }
    let report = running.stop().await.unwrap();

    let mut expected = BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 1)]);
    for (_, outcome) in taxonomy() {
        *expected.entry(outcome.name().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(report.outcomes, expected);
    assert_eq!(report.requests, taxonomy().len() as u64 + 1);
    let failures: BTreeSet<&String> =
        expected.keys().filter(|name| !["good", "cancelled-by-ramp-down"].contains(&name.as_str())).collect();
    assert_eq!(report.examples.keys().collect::<BTreeSet<_>>(), failures);
    assert_eq!(report.examples["http-5xx"], "HTTP 500: boom");
    assert_eq!((report.tokens, report.ttft_us.count, report.gap_us.count), (7, 1, 2));
    assert_eq!(report.void, None);

    let (_, last) = samples(&world).pop().unwrap();
    assert_eq!((last.in_flight, last.good, last.failed, last.tokens), (0, 1, taxonomy().len() as u64 - 1, 7));
    let by_kind: u64 = last.failures.values().map(|kind| kind.count).sum();
    assert_eq!(by_kind, last.failed);
    assert!(last.failures["http-503-queue"].example.contains("server busy"), "{:?}", last.failures);

    let records = records(&folder);
    assert_eq!(records.iter().map(|r| r.id).collect::<Vec<_>>(), (0..report.requests).collect::<Vec<_>>());
    let mut kept = BTreeMap::new();
    for record in &records {
        *kept.entry(record.outcome.name().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(kept, report.outcomes);
}

#[tokio::test(start_paused = true)]
async fn each_worker_has_one_request_in_flight_and_sends_the_next_at_once() {
    let (http, gauge) = fake(|_| good());
    let (world, folder) = world(http, "loop");
    let running = start(&world, &load(4), URL).unwrap();
    sleep_ms(5500).await;
    let report = running.stop().await.unwrap();

    assert_eq!((gauge.peak.load(Ordering::SeqCst), gauge.now.load(Ordering::SeqCst)), (4, 0));
    // A chat takes 180 ms, so each worker has ended 30 in 5400 ms and is stopped in its next.
    assert_eq!(report.outcomes, BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 4), ("good".to_owned(), 120)]));
    assert_eq!((report.began_ms, report.ended_ms, report.concurrency, report.tokens), (0, 5500, 4, 840));
    let within = |value: u64, exact: u64, percent: u64| value.abs_diff(exact) * 100 <= exact * percent;
    assert!(within(report.ttft_us.p50, 100_000, 1) && within(report.total_us.p99, 180_000, 1));
    assert!(within(report.gap_us.min, 30_000, 2) && within(report.gap_us.max, 50_000, 2), "{:?}", report.gap_us);
    assert_eq!((report.lateness_us.count, report.lateness_us.max, report.void), (124, 0, None));
    for record in records(&folder) {
        assert_eq!((record.due_us, record.sent_us % 180_000), (record.sent_us, 0), "{record:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_counters_are_noted_at_the_start_each_second_and_at_the_end() {
    let (http, _) = fake(|_| good());
    let (world, _folder) = world(http, "samples");
    let running = start(&world, &load(2), URL).unwrap();
    sleep_ms(3500).await;
    running.stop().await.unwrap();
    let samples = samples(&world);
    assert_eq!(samples.iter().map(|(at_ms, _)| *at_ms).collect::<Vec<_>>(), [0, 1000, 2000, 3000, 3500]);
    assert_eq!(samples[0].1, LoadSeen::default());
    // At 1000 ms each worker has ended five and got the status of its sixth.
    let (_, second) = &samples[1];
    assert_eq!((second.in_flight, second.connections, second.good, second.failed, second.tokens), (2, 12, 10, 0, 70));
    assert!(second.ttft_p50_us.abs_diff(100_000) < 100, "{second:?}");
    assert_eq!(samples[4].1.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn kept_connections_are_counted_once_a_worker() {
    let (http, _) = fake(|_| good());
    let (world, _folder) = world(http, "keepalive");
    let load = Load { connection: Connection::KeepAlive, ..load(3) };
    let running = start(&world, &load, URL).unwrap();
    sleep_ms(2000).await;
    running.stop().await.unwrap();
    assert_eq!(samples(&world).pop().unwrap().1.connections, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_not_hammered_and_waiting_is_not_lateness() {
    let (http, _) = fake(|_| Answer::Fail(HttpFailure::ConnectRefused));
    let (world, folder) = world(http, "refused");
    let running = start(&world, &load(2), URL).unwrap();
    sleep_ms(60_000).await;
    let report = running.stop().await.unwrap();
    // Six waits of at most 50 to 1600 ms, then one every 1 to 2 s: at least 33 a worker, at most 66.
    assert!((60..=140).contains(&report.requests), "{}", report.requests);
    assert!(report.lateness_us.max <= 1000, "{:?}", report.lateness_us);
    assert_eq!(samples(&world).pop().unwrap().1.connections, 0);
    let of = |worker| records(&folder).iter().filter(|r| r.worker == worker).map(|r| r.due_us).collect::<Vec<_>>();
    assert_ne!(of(0), of(1), "workers that fail together do not return together");
}

#[tokio::test(start_paused = true)]
async fn a_load_stops_at_once_whatever_the_server_does() {
    let stuck = [Answer::Hang, Answer::Speak(0, 200, vec![Send(TOKEN), Step::Hang]), Answer::Fail(HttpFailure::Dns)];
    let (http, gauge) = fake(move |nth| stuck[nth as usize % 3].clone());
    let (world, folder) = world(http, "stop");
    let running = start(&world, &load(30), URL).unwrap();
    sleep_ms(10).await;
    let before_ms = world.clock.now_ms();
    let report = running.stop().await.unwrap();
    assert_eq!(world.clock.now_ms(), before_ms);
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
    assert_eq!(report.outcomes, BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 20), ("dns".to_owned(), 10)]));
    let cut: Vec<_> = records(&folder).into_iter().filter(|r| r.chunks == 1).collect();
    assert_eq!(cut.len(), 10, "what had come before the cancellation is kept");
    assert!(cut.iter().all(|r| r.status == Some(200) && r.ended_us == 10_000 + r.due_us), "{cut:?}");
}

#[tokio::test(start_paused = true)]
async fn the_record_can_be_read_while_the_load_runs() {
    let (http, _) = fake(|_| good());
    let (world, folder) = world(http, "prefix");
    let running = start(&world, &load(2), URL).unwrap();
    sleep_ms(2500).await;
    let file = std::fs::File::open(folder.0.join("requests.jsonl.zst")).unwrap();
    let mut text = Vec::new();
    // The frame has no end yet, so that reading fails there, after what was flushed.
    assert!(zstd::Decoder::new(file).unwrap().read_to_end(&mut text).is_err());
    assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 22, "all that had ended by the last full second");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_load_of_a_run_adds_to_the_record() {
    let (http, _) = fake(|_| good());
    let (world, folder) = world(http, "twice");
    let mut requests = 0;
    for _ in 0..2 {
        let running = start(&world, &load(1), URL).unwrap();
        sleep_ms(1000).await;
        requests += running.stop().await.unwrap().requests;
    }
    assert_eq!(records(&folder).len() as u64, requests);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_kept_is_an_error_of_the_run() {
    let (http, gauge) = fake(|_| good());
    let (world, folder) = world(http, "unwritable");
    std::fs::create_dir(folder.0.join("requests.jsonl.zst")).unwrap();
    let running = start(&world, &load(3), URL).unwrap();
    sleep_ms(5000).await;
    assert!(gauge.asked.load(Ordering::SeqCst) > 70, "the load goes on");
    let error = running.stop().await.unwrap_err();
    assert!(matches!(&error, LoadError::Evidence(why) if why.path.ends_with("requests.jsonl.zst")), "{error}");
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_dropped_ends_by_itself() {
    let (http, gauge) = fake(|_| Answer::Speak(0, 200, vec![Send(TOKEN), Step::Hang]));
    let (world, folder) = world(http, "dropped");
    drop(start(&world, &load(3), URL).unwrap());
    sleep_ms(100).await;
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
    assert!(records(&folder).len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_makes_the_same_bytes() {
    let mut files = Vec::new();
    for name in ["seed-a", "seed-b"] {
        let (http, _) = fake(|nth| if nth % 3 == 2 { Answer::Fail(HttpFailure::BeforeHeaders) } else { good() });
        let (world, folder) = world(http, name);
        let running = start(&world, &load(5), URL).unwrap();
        sleep_ms(20_000).await;
        running.stop().await.unwrap();
        files.push(std::fs::read(folder.0.join("requests.jsonl.zst")).unwrap());
    }
    assert!(files[0] == files[1], "{} and {} bytes", files[0].len(), files[1].len());
}

// ── The HTTP door ──────────────────────────────────────────────────────────────────────────────────────────────────

/// A raw server: hands each connection to `serve`, for so many connections.
fn server(connections: usize, serve: impl Fn(TcpStream) + std::marker::Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for _ in 0..connections {
            serve(listener.accept().unwrap().0);
        }
    });
    (address.to_string(), thread)
}

/// Reads one request without a body; false when the client has closed.
fn request(stream: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn door(connection: Connection) -> Http {
    http(connection, Span::from_ms(300)).unwrap()
}

async fn get(http: &Http, url: &str) -> Result<http::Response<Body>, HttpError> {
    http.clone().oneshot(http::Request::get(url).body(Bytes::new()).unwrap()).await
}

async fn failure(url: &str) -> (HttpFailure, String) {
    let error = get(&door(Connection::PerRequest), url).await.err().unwrap();
    (error.failure, error.message)
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_failure() {
    let (failure, message) = failure("http://no-such-host.invalid:80/").await;
    assert_eq!(failure, HttpFailure::Dns, "{message}");
    assert!(message.contains("no-such-host.invalid"), "{message}");
}

#[tokio::test]
async fn a_port_without_a_listener_refuses() {
    // Bound and dropped: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (failure, message) = failure(&format!("http://{address}/")).await;
    assert_eq!(failure, HttpFailure::ConnectRefused, "{message}");
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_runs_into_the_connect_timeout() {
    // The socket is held until the client gives up and closes it: the read returns then.
    let (address, thread) = server(1, |mut stream| {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let (failure, message) = failure(&format!("https://{address}/")).await;
    assert_eq!(failure, HttpFailure::ConnectTimeout, "{message}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_closed_before_the_status_line_is_lost_before_headers() {
    let (address, thread) = server(1, |mut stream| {
        request(&mut stream);
    });
    let (lost, message) = failure(&format!("http://{address}/")).await;
    assert_eq!(lost, HttpFailure::BeforeHeaders, "{message}");
    thread.join().unwrap();

    let (address, thread) = server(1, drop);
    let (no_tls, message) = failure(&format!("https://{address}/")).await;
    assert_eq!(no_tls, HttpFailure::BeforeHeaders, "{message}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_closed_in_the_body_fails_in_the_body_after_what_came() {
    let (address, thread) = server(1, |mut stream| {
        request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo").unwrap();
    });
    let response = get(&door(Connection::PerRequest), &format!("http://{address}/")).await.unwrap();
    let mut body = response.into_body();
    let mut text = Vec::new();
    let error = loop {
        match body.next().await.unwrap() {
            Ok(bytes) => text.extend_from_slice(&bytes),
            Err(error) => break error,
        }
    };
    assert_eq!((error.failure, text.starts_with(b"hello")), (HttpFailure::InBody, true), "{error}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, thread) = server(1, |mut stream| {
        request(&mut stream);
        stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let response = get(&door(Connection::PerRequest), &format!("http://{address}/")).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/elsewhere");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_serves_one_request_or_many_as_asked() {
    for (connection, expected) in [(Connection::PerRequest, 3), (Connection::KeepAlive, 1)] {
        let opened = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&opened);
        let (address, thread) = server(expected, move |mut stream| {
            seen.fetch_add(1, Ordering::SeqCst);
            while request(&mut stream) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        });
        let door = door(connection);
        for _ in 0..3 {
            let body = get(&door, &format!("http://{address}/")).await.unwrap().into_body();
            assert_eq!(body.map(Result::unwrap).collect::<Vec<_>>().await, ["ok"]);
        }
        drop(door);
        // The closing is done by a task of the client's; the server's thread is joined without blocking it.
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), expected as u64, "{connection:?}");
    }
}
