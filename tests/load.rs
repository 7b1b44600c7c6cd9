//! Tests of the load generator against a fake server in virtual time, and of its HTTP client against raw sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy's `allow-*-in-tests` does not cover helpers of a test crate"
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
use gpuhpa::clock::RunClock;
use gpuhpa::env::{
    BearerToken, Bundle, ChartMeta, HelmClient, HelmError, HttpClient, HttpError, HttpFailure, KubeClients,
    ReleaseArgs, ResponseBody, RunEnv, TimelineWriter,
};
use gpuhpa::live::http::http_client;
use gpuhpa::load::{ChatClient, LoadError, ScheduledRequest, send_chat, start};
use gpuhpa::model::inventory::ExistingRelease;
use gpuhpa::model::journal::ReleaseRef;
use gpuhpa::model::load::{ConnectionPolicy, LoadSpec, ProtocolName, RequestOutcome, RequestRecord, RequestTimeouts};
use gpuhpa::model::observation::{LoadSnapshot, ObservationKind};
use gpuhpa::units::HumanDuration;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

const URL: &str = "http://node:30000/";
const TOKEN: &str = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n";
const EMPTY: &str = "{\"message\":{\"content\":\"\"},\"done\":false}\n";
const DONE: &str =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"total_duration\":5,\"load_duration\":2,\"eval_count\":7}\n";

// ── A fake Ollama ───────────────────────────────────────────────────────────────────────────────────────────────────

/// The fake's response to one request; times in milliseconds.
#[derive(Clone)]
enum FakeChatResponse {
    Fail(HttpFailure),
    Hang,
    /// Wait, then a status, then the steps of the body.
    Respond(u64, u16, Vec<FakeBodyStep>),
}

#[derive(Clone)]
enum FakeBodyStep {
    Wait(u64),
    Send(&'static str),
    Break,
    Hang,
}
use FakeBodyStep::{Break, Send, Wait};

#[derive(Default)]
struct InFlightGauge {
    now: AtomicU64,
    peak: AtomicU64,
    requests: AtomicU64,
}

struct InFlightGuard(Arc<InFlightGauge>);

impl InFlightGuard {
    fn enter(gauge: &Arc<InFlightGauge>) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.peak.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(gauge))
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A server that answers its n-th request with `response(n)`.
fn fake_ollama(
    response: impl Fn(u64) -> FakeChatResponse + std::marker::Send + Sync + 'static,
) -> (HttpClient, Arc<InFlightGauge>) {
    let gauge = Arc::new(InFlightGauge::default());
    let (counter, response) = (Arc::clone(&gauge), Arc::new(response));
    let service = tower::service_fn(move |request: http::Request<Bytes>| {
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", format!("{URL}api/chat")));
        let (nth, guard) = (counter.requests.fetch_add(1, Ordering::SeqCst), InFlightGuard::enter(&counter));
        let response = response(nth);
        async move {
            match response {
                FakeChatResponse::Fail(failure) => {
                    Err(HttpError { failure, message: format!("{failure:?} of the fake") })
                }
                FakeChatResponse::Hang => std::future::pending().await,
                FakeChatResponse::Respond(wait_ms, status, steps) => {
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                    let mut response = http::Response::new(fake_body(steps, guard));
                    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                    Ok(response)
                }
            }
        }
    });
    (BoxCloneSyncService::new(service), gauge)
}

fn fake_body(steps: Vec<FakeBodyStep>, guard: InFlightGuard) -> ResponseBody {
    stream::unfold((steps.into_iter(), guard), |(mut steps, guard)| async move {
        loop {
            let item = match steps.next()? {
                FakeBodyStep::Wait(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    continue;
                }
                FakeBodyStep::Send(text) => Ok(Bytes::from_static(text.as_bytes())),
                FakeBodyStep::Break => {
                    Err(HttpError { failure: HttpFailure::InBody, message: "reset by the fake".to_owned() })
                }
                FakeBodyStep::Hang => std::future::pending().await,
            };
            return Some((item, (steps, guard)));
        }
    })
    .boxed()
}

fn good_response() -> FakeChatResponse {
    FakeChatResponse::Respond(20, 200, vec![Wait(80), Send(TOKEN), Wait(50), Send(TOKEN), Wait(30), Send(DONE)])
}

fn load(concurrency: u32) -> LoadSpec {
    let timeouts = RequestTimeouts {
        connect: HumanDuration::from_secs(1),
        first_token: HumanDuration::from_secs(3),
        idle: HumanDuration::from_secs(2),
        total: HumanDuration::from_secs(10),
    };
    LoadSpec { concurrency, timeouts, ..LoadSpec::default() }
}

/// Sends one chat to a server with this response.
async fn chat_once(response: FakeChatResponse) -> RequestRecord {
    let (http, _) = fake_ollama(move |_| response.clone());
    let client = ChatClient::new(http, RunClock::start(), load(1), URL).unwrap();
    send_chat(&client, ScheduledRequest { id: 0, worker: 0, due_us: 0 }, std::future::pending(), &mut ()).await
}

// ── A RunEnv without a cluster ──────────────────────────────────────────────────────────────────────────────────────

struct NoHelm;

impl HelmClient for NoHelm {
    fn version(&self) -> BoxFuture<'_, Result<String, HelmError>> {
        unused_helm()
    }
    fn show_chart<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<ChartMeta, HelmError>> {
        unused_helm()
    }
    fn show_values<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<serde_json::Value, HelmError>> {
        unused_helm()
    }
    fn template<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<String, HelmError>> {
        unused_helm()
    }
    fn status<'a>(
        &'a self,
        _: &'a ReleaseRef,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<ExistingRelease>, HelmError>> {
        unused_helm()
    }
    fn install<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        unused_helm()
    }
    fn upgrade<'a>(&'a self, _: &'a ReleaseArgs) -> BoxFuture<'a, Result<(), HelmError>> {
        unused_helm()
    }
    fn rollback<'a>(&'a self, _: &'a ReleaseRef, _: i64) -> BoxFuture<'a, Result<(), HelmError>> {
        unused_helm()
    }
    fn uninstall<'a>(&'a self, _: &'a ReleaseRef, _: HumanDuration) -> BoxFuture<'a, Result<(), HelmError>> {
        unused_helm()
    }
}

fn unused_helm<T: std::marker::Send + 'static>() -> BoxFuture<'static, T> {
    async { panic!("the load called helm") }.boxed()
}

/// A directory for the evidence of one test, removed at its end.
struct LoadTempDir(PathBuf);

impl Drop for LoadTempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load_env(http: HttpClient, name: &str) -> (RunEnv, LoadTempDir) {
    let dir = std::env::temp_dir().join(format!("gpuhpa-load-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let (clock, bundle) = (RunClock::start(), Bundle::create(&dir).unwrap());
    let kube = tower::service_fn(|_: http::Request<kube::client::Body>| async {
        Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("the load called the cluster"))
    });
    let kube = kube::Client::new(kube, "default");
    let env = RunEnv {
        kube: KubeClients { retrying: kube.clone(), no_retry: kube },
        http,
        bearer_token: None,
        helm: Arc::new(NoHelm),
        bundle: bundle.clone(),
        timeline: Arc::new(TimelineWriter::new(clock, bundle)),
        clock,
        seed: 0,
    };
    (env, LoadTempDir(dir))
}

fn read_records(dir: &LoadTempDir) -> Vec<RequestRecord> {
    let text = zstd::decode_all(std::fs::File::open(dir.0.join("requests.jsonl.zst")).unwrap()).unwrap();
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn load_samples(env: &RunEnv) -> Vec<(u64, LoadSnapshot)> {
    env.timeline.with_observations(|all| {
        let load = |kind: &ObservationKind| {
            if let ObservationKind::Load(snapshot) = kind { snapshot.clone() } else { panic!("{kind:?}") }
        };
        all.iter().map(|o| (o.at_ms, load(&o.kind))).collect()
    })
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

// ── One chat ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Every way in which a request can end, except cancellation by ramp-down.
fn taxonomy() -> Vec<(FakeChatResponse, RequestOutcome)> {
    let respond = |status, steps| FakeChatResponse::Respond(10, status, steps);
    let trickle = (0..100).flat_map(|_| [Send(TOKEN), Wait(1000)]).collect();
    let silent = (0..100).flat_map(|_| [Send(EMPTY), Wait(1000)]).collect();
    vec![
        (good_response(), RequestOutcome::Succeeded),
        (FakeChatResponse::Fail(HttpFailure::Dns), RequestOutcome::Dns),
        (FakeChatResponse::Fail(HttpFailure::ConnectRefused), RequestOutcome::ConnectRefused),
        (FakeChatResponse::Fail(HttpFailure::ConnectTimeout), RequestOutcome::ConnectTimeout),
        (FakeChatResponse::Fail(HttpFailure::BeforeHeaders), RequestOutcome::ResetBeforeHeaders),
        (respond(404, vec![Send("{\"error\":\"model 'm' not found\"}")]), RequestOutcome::Http4xx),
        (respond(500, vec![Send("{\"error\":\"boom\"}")]), RequestOutcome::Http5xx),
        (respond(502, vec![Send("<html>bad gateway</html>"), FakeBodyStep::Hang]), RequestOutcome::Http5xx),
        (respond(503, vec![Send("{\"error\":\"server busy\"}"), Break]), RequestOutcome::Http503),
        (respond(302, vec![]), RequestOutcome::HttpOther),
        (respond(200, vec![Send(TOKEN), Send("{\"error\":\"runner died\"}\n")]), RequestOutcome::ErrorLine),
        (respond(200, vec![Send(TOKEN), Send(DONE), Send("{\"error\":\"late\"}\n")]), RequestOutcome::ErrorLine),
        (respond(200, vec![Send(TOKEN), Send(TOKEN)]), RequestOutcome::Truncated),
        (respond(200, vec![Send(TOKEN), Send("{\"mess"), Break]), RequestOutcome::Truncated),
        (respond(200, vec![]), RequestOutcome::Truncated),
        (respond(200, vec![Send("<html><h1>It works!</h1></html>")]), RequestOutcome::BadJson),
        (respond(200, vec![Send(TOKEN), Send("{nonsense}\n"), Send(DONE)]), RequestOutcome::BadJson),
        (FakeChatResponse::Hang, RequestOutcome::TtftTimeout),
        (respond(200, vec![FakeBodyStep::Hang]), RequestOutcome::TtftTimeout),
        (respond(200, silent), RequestOutcome::TtftTimeout),
        (respond(200, vec![Send(TOKEN), FakeBodyStep::Hang]), RequestOutcome::IdleTimeout),
        (respond(200, trickle), RequestOutcome::TotalTimeout),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_way_to_end_has_its_outcome_and_its_error() {
    for (index, (response, outcome)) in taxonomy().into_iter().enumerate() {
        let record = chat_once(response).await;
        assert_eq!(record.outcome, outcome, "case {index}: {record:?}");
        assert_eq!(record.error.is_none(), outcome == RequestOutcome::Succeeded, "case {index}: {record:?}");
    }
    let error_text = |record: RequestRecord| record.error.unwrap();
    assert_eq!(error_text(chat_once(taxonomy().remove(5).0).await), "HTTP 404: model 'm' not found");
    assert_eq!(error_text(chat_once(taxonomy().remove(9).0).await), "HTTP 302: empty body");
    assert_eq!(error_text(chat_once(taxonomy().remove(10).0).await), "runner died");
    assert_eq!(
        error_text(chat_once(taxonomy().remove(13).0).await),
        "the response ended after 1 chunks without done:true: reset by the fake"
    );
    assert_eq!(error_text(chat_once(FakeChatResponse::Hang).await), "timed out after 3s without response headers");
}

#[tokio::test(start_paused = true)]
async fn timestamps_are_exact() {
    let record = chat_once(good_response()).await;
    let expected = RequestRecord {
        id: 0,
        worker: 0,
        scheduled_us: 0,
        sent_us: 0,
        headers_us: Some(20_000),
        first_token_us: Some(100_000),
        ended_us: 180_000,
        status: Some(200),
        outcome: RequestOutcome::Succeeded,
        chunks: 3,
        largest_chunk_gap_us: 50_000,
        tokens: 7,
        server_total_ns: Some(5),
        server_load_ns: Some(2),
        remote_model: None,
        error: None,
    };
    assert_eq!(record, expected);
}

#[tokio::test(start_paused = true)]
async fn each_timeout_runs_from_its_own_start() {
    let ended = async |response| chat_once(response).await.ended_us / 1000;
    assert_eq!(ended(FakeChatResponse::Hang).await, 3000);
    let respond = |steps| FakeChatResponse::Respond(500, 200, steps);
    assert_eq!(
        ended(respond(vec![Wait(1000), Send(EMPTY), FakeBodyStep::Hang])).await,
        3000,
        "an empty chunk is not a token"
    );
    assert_eq!(ended(respond(vec![Wait(1000), Send(TOKEN), Wait(1900), Send(EMPTY), FakeBodyStep::Hang])).await, 5400);
    let trickle = (0..100).flat_map(|_| [Send(TOKEN), Wait(1000)]).collect();
    assert_eq!(ended(respond(trickle)).await, 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stays_open_after_done_blocks_no_worker() {
    let clock = RunClock::start();
    let record = chat_once(FakeChatResponse::Respond(
        0,
        200,
        vec![Wait(10), Send(TOKEN), Wait(10), Send(DONE), FakeBodyStep::Hang],
    ))
    .await;
    assert_eq!((record.outcome, record.ended_us), (RequestOutcome::Succeeded, 20_000));
    assert!(clock.now_ms() <= 1100, "{}", clock.now_ms());
}

#[test]
fn an_outcome_has_one_name() {
    let outcomes: BTreeSet<RequestOutcome> = taxonomy().into_iter().map(|(_, o)| o).collect();
    assert_eq!(outcomes.len() + 1, 16, "the taxonomy of the tests is complete, except cancellation by ramp-down");
    for outcome in outcomes.into_iter().chain([RequestOutcome::CancelledByRampDown]) {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
    }
}

#[tokio::test]
async fn an_address_that_is_not_a_url_is_rejected() {
    let (http, _) = fake_ollama(|_| FakeChatResponse::Hang);
    for url in ["", "node:30000", "ftp://node/", "http://", "http://no de/"] {
        let error = ChatClient::new(http.clone(), RunClock::start(), load(1), url).unwrap_err();
        assert!(matches!(error, LoadError::Url { .. }), "{url}: {error}");
    }
}

// ── OpenAI's protocol, with a bearer token ──────────────────────────────────────────────────────────────────────────

const BEARER_TOKEN: &str = "sk-9fJ2m+Qx7/Lw0Za-4321";
const OPENAI_TOKEN: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const OPENAI_END: &str = concat!(
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"completion_tokens\":5}}\n\n: bye\n\ndata: [DONE]\n\n"
);

fn openai_load(concurrency: u32) -> LoadSpec {
    LoadSpec { protocol: ProtocolName::OpenAi, model: "m".to_owned(), ..load(concurrency) }
}

/// A server that wants the token, streams two chunks, and quotes the token in its errors, whole and cut.
fn fake_openai(chats: Vec<(u16, Vec<FakeBodyStep>)>) -> HttpClient {
    let (requests, gauge) = (Arc::new(AtomicU64::new(0)), Arc::new(InFlightGauge::default()));
    BoxCloneSyncService::new(tower::service_fn(move |request: http::Request<Bytes>| {
        let path = format!("{URL}v1/chat/completions");
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", path));
        let authorization = &request.headers()["authorization"];
        assert_eq!(authorization.to_str().unwrap(), format!("Bearer {BEARER_TOKEN}"));
        assert!(!format!("{request:?}").contains(BEARER_TOKEN), "the header is marked as sensitive");
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&true.into(), &true.into()));
        let nth = usize::try_from(requests.fetch_add(1, Ordering::SeqCst)).unwrap();
        let (status, steps) = chats[nth % chats.len()].clone();
        let body = fake_body([vec![Wait(10)], steps].concat(), InFlightGuard::enter(&gauge));
        async move { Ok(http::Response::builder().status(status).body(body).unwrap()) }
    }))
}

fn openai_chats() -> Vec<(u16, Vec<FakeBodyStep>)> {
    // The token ends at the 200 characters that a message has at most, at the 120 of a quoted line, and inside of both.
    fn text(text: String) -> Vec<FakeBodyStep> {
        vec![Send(Box::leak(text.into_boxed_str()))]
    }
    let mut chats =
        vec![(200, vec![Send(": ping\n\n"), Send(OPENAI_TOKEN), Wait(20), Send(OPENAI_TOKEN), Send(OPENAI_END)])];
    for before in [0, 90, 105, 110, 170, 180, 190] {
        let message = format!("{} key {BEARER_TOKEN}: refused", "x".repeat(before));
        chats.push((401, text(format!("{{\"error\":{{\"message\":\"{message}\"}}}}"))));
        chats.push((403, text(message.clone())));
        chats.push((200, text(format!("data: {{\"error\":\"{message}\"}}\n\n"))));
        chats.push((200, text(format!("<p> {message}\n"))));
    }
    chats
}

#[tokio::test(start_paused = true)]
async fn an_openai_chat_has_its_tokens_and_its_times() {
    let client = ChatClient::new(fake_openai(openai_chats()), RunClock::start(), openai_load(1), URL).unwrap();
    let client = client.with_bearer_token(Some(BearerToken::parse(BEARER_TOKEN).unwrap()));
    let scheduled = ScheduledRequest { id: 0, worker: 0, due_us: 0 };
    let record = send_chat(&client, scheduled, std::future::pending(), &mut ()).await;
    assert_eq!((record.outcome, record.tokens, record.chunks), (RequestOutcome::Succeeded, 5, 3), "{record:?}");
    assert_eq!((record.first_token_us, record.ended_us, record.largest_chunk_gap_us), (Some(10_000), 30_000, 20_000));
    assert!(!format!("{client:?}").contains("9fJ2"), "{client:?}");
}

#[tokio::test(start_paused = true)]
async fn no_file_of_a_bundle_and_no_message_has_a_part_of_the_bearer_token() {
    let (mut env, dir) = load_env(fake_openai(openai_chats()), "bearer-token");
    env.bearer_token = Some(BearerToken::parse(BEARER_TOKEN).unwrap());
    let running = start(&env, &openai_load(2), URL).unwrap();
    sleep_ms(120_000).await;
    let report = running.stop().await.unwrap();
    let failed = ["http-4xx", "error-line", "bad-json"];
    assert!(failed.iter().all(|outcome| report.outcomes[*outcome] >= 7), "{report:?}");
    let records = read_records(&dir);
    let quoted = records.iter().filter_map(|record| record.error.as_deref()).filter(|error| error.contains("REDACTED"));
    assert!(quoted.count() >= 20, "the errors quote the token");
    let texts = [format!("{records:?} {report:?} {env_token:?}", env_token = env.bearer_token)].into_iter();
    let files = std::fs::read_dir(&dir.0).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.chain(files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())).collect();
    assert!(texts.len() >= 3);
    for part in BEARER_TOKEN.as_bytes().windows(8) {
        let part = std::str::from_utf8(part).unwrap();
        assert!(texts.iter().all(|text| !text.contains(part)), "{part}");
    }
}

// ── The loop ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test(start_paused = true)]
async fn every_outcome_is_counted_exactly() {
    let (http, gauge) = fake_ollama(|nth| {
        taxonomy().get(nth as usize).map_or(FakeChatResponse::Hang, |(response, _)| response.clone())
    });
    let (env, dir) = load_env(http, "taxonomy");
    let running = start(&env, &load(1), URL).unwrap();
    while gauge.requests.load(Ordering::SeqCst) <= taxonomy().len() as u64 {
        sleep_ms(10).await;
    }
    let report = running.stop().await.unwrap();

    let mut expected = BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 1)]);
    for (_, outcome) in taxonomy() {
        *expected.entry(outcome.as_str().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(report.outcomes, expected);
    assert_eq!(report.requests, taxonomy().len() as u64 + 1);
    let failures: BTreeSet<&String> =
        expected.keys().filter(|name| !["succeeded", "cancelled-by-ramp-down"].contains(&name.as_str())).collect();
    assert_eq!(report.error_examples.keys().collect::<BTreeSet<_>>(), failures);
    assert_eq!(report.error_examples["http-5xx"], "HTTP 500: boom");
    assert_eq!((report.tokens, report.ttft_us.count, report.chunk_gap_us.count), (7, 1, 2));
    assert_eq!(report.client_bound, None);

    let (_, last) = load_samples(&env).pop().unwrap();
    assert_eq!((last.in_flight, last.succeeded, last.failed, last.tokens), (0, 1, taxonomy().len() as u64 - 1, 7));
    let by_kind: u64 = last.failures.values().map(|kind| kind.count).sum();
    assert_eq!(by_kind, last.failed);
    assert!(last.failures["http-503"].example.contains("server busy"), "{:?}", last.failures);

    let records = read_records(&dir);
    assert_eq!(records.iter().map(|r| r.id).collect::<Vec<_>>(), (0..report.requests).collect::<Vec<_>>());
    let mut counted = BTreeMap::new();
    for record in &records {
        *counted.entry(record.outcome.as_str().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counted, report.outcomes);
}

#[tokio::test(start_paused = true)]
async fn each_worker_has_one_request_in_flight_and_sends_the_next_at_once() {
    let (http, gauge) = fake_ollama(|_| good_response());
    let (env, dir) = load_env(http, "loop");
    let running = start(&env, &load(4), URL).unwrap();
    sleep_ms(5500).await;
    let report = running.stop().await.unwrap();

    assert_eq!((gauge.peak.load(Ordering::SeqCst), gauge.now.load(Ordering::SeqCst)), (4, 0));
    // A chat takes 180 ms, so each worker has ended 30 in 5400 ms and is stopped in its next.
    assert_eq!(
        report.outcomes,
        BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 4), ("succeeded".to_owned(), 120)])
    );
    assert_eq!((report.began_ms, report.ended_ms, report.concurrency, report.tokens), (0, 5500, 4, 840));
    let within = |value: u64, exact: u64, percent: u64| value.abs_diff(exact) * 100 <= exact * percent;
    assert!(within(report.ttft_us.p50, 100_000, 1) && within(report.duration_us.p99, 180_000, 1));
    assert!(
        within(report.chunk_gap_us.min, 30_000, 2) && within(report.chunk_gap_us.max, 50_000, 2),
        "{:?}",
        report.chunk_gap_us
    );
    assert_eq!((report.send_delay_us.count, report.send_delay_us.max, report.client_bound), (124, 0, None));
    for record in read_records(&dir) {
        assert_eq!((record.scheduled_us, record.sent_us % 180_000), (record.sent_us, 0), "{record:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_counters_are_recorded_at_the_start_each_second_and_at_the_end() {
    let (http, _) = fake_ollama(|_| good_response());
    let (env, _dir) = load_env(http, "samples");
    let running = start(&env, &load(2), URL).unwrap();
    sleep_ms(3500).await;
    running.stop().await.unwrap();
    let samples = load_samples(&env);
    assert_eq!(samples.iter().map(|(at_ms, _)| *at_ms).collect::<Vec<_>>(), [0, 1000, 2000, 3000, 3500]);
    assert_eq!(samples[0].1, LoadSnapshot { ttft_sum_us: Some(0), ..LoadSnapshot::default() });
    // At 1000 ms each worker has ended five requests and received the headers of its sixth.
    let (_, second) = &samples[1];
    assert_eq!(
        (second.in_flight, second.answered_connections, second.succeeded, second.failed, second.tokens),
        (2, 12, 10, 0, 70)
    );
    assert!(second.ttft_p50_us.abs_diff(100_000) < 100, "{second:?}");
    assert_eq!(samples[4].1.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn reused_connections_are_counted_once_per_worker() {
    let (http, _) = fake_ollama(|_| good_response());
    let (env, _dir) = load_env(http, "keepalive");
    let load = LoadSpec { connection: ConnectionPolicy::Reuse, ..load(3) };
    let running = start(&env, &load, URL).unwrap();
    sleep_ms(2000).await;
    running.stop().await.unwrap();
    assert_eq!(load_samples(&env).pop().unwrap().1.answered_connections, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_not_hammered_and_back_off_is_not_lateness() {
    let (http, _) = fake_ollama(|_| FakeChatResponse::Fail(HttpFailure::ConnectRefused));
    let (env, dir) = load_env(http, "refused");
    let running = start(&env, &load(2), URL).unwrap();
    sleep_ms(60_000).await;
    let report = running.stop().await.unwrap();
    // Six waits of at most 50 to 1600 ms, then one every 1 to 2 s: 33 to 66 requests per worker.
    assert!((60..=140).contains(&report.requests), "{}", report.requests);
    assert!(report.send_delay_us.max <= 1000, "{:?}", report.send_delay_us);
    assert_eq!(load_samples(&env).pop().unwrap().1.answered_connections, 0);
    let of =
        |worker| read_records(&dir).iter().filter(|r| r.worker == worker).map(|r| r.scheduled_us).collect::<Vec<_>>();
    assert_ne!(of(0), of(1), "workers that fail together do not return together");
}

#[tokio::test(start_paused = true)]
async fn a_load_stops_at_once_whatever_the_server_does() {
    let stuck = [
        FakeChatResponse::Hang,
        FakeChatResponse::Respond(0, 200, vec![Send(TOKEN), FakeBodyStep::Hang]),
        FakeChatResponse::Fail(HttpFailure::Dns),
    ];
    let (http, gauge) = fake_ollama(move |nth| stuck[nth as usize % 3].clone());
    let (env, dir) = load_env(http, "stop");
    let running = start(&env, &load(30), URL).unwrap();
    sleep_ms(10).await;
    let before_ms = env.clock.now_ms();
    let report = running.stop().await.unwrap();
    assert_eq!(env.clock.now_ms(), before_ms);
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
    assert_eq!(report.outcomes, BTreeMap::from([("cancelled-by-ramp-down".to_owned(), 20), ("dns".to_owned(), 10)]));
    let cut: Vec<_> = read_records(&dir).into_iter().filter(|r| r.chunks == 1).collect();
    assert_eq!(cut.len(), 10, "what had arrived before the cancellation is recorded");
    assert!(cut.iter().all(|r| r.status == Some(200) && r.ended_us == 10_000 + r.scheduled_us), "{cut:?}");
}

#[tokio::test(start_paused = true)]
async fn the_request_log_can_be_read_while_the_load_runs() {
    let (http, _) = fake_ollama(|_| good_response());
    let (env, dir) = load_env(http, "prefix");
    let running = start(&env, &load(2), URL).unwrap();
    sleep_ms(2500).await;
    let file = std::fs::File::open(dir.0.join("requests.jsonl.zst")).unwrap();
    let mut text = Vec::new();
    // The zstd frame has no end yet, so reading fails there, after the flushed records.
    assert!(zstd::Decoder::new(file).unwrap().read_to_end(&mut text).is_err());
    assert_eq!(text.iter().filter(|b| **b == b'\n').count(), 22, "all that had ended by the last full second");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_load_of_a_run_appends_to_the_request_log() {
    let (http, _) = fake_ollama(|_| good_response());
    let (env, dir) = load_env(http, "twice");
    let mut requests = 0;
    for _ in 0..2 {
        let running = start(&env, &load(1), URL).unwrap();
        sleep_ms(1000).await;
        requests += running.stop().await.unwrap().requests;
    }
    assert_eq!(read_records(&dir).len() as u64, requests);
}

#[tokio::test(start_paused = true)]
async fn a_request_log_that_cannot_be_written_is_an_error_of_the_run() {
    let (http, gauge) = fake_ollama(|_| good_response());
    let (env, dir) = load_env(http, "unwritable");
    std::fs::create_dir(dir.0.join("requests.jsonl.zst")).unwrap();
    let running = start(&env, &load(3), URL).unwrap();
    sleep_ms(5000).await;
    assert!(gauge.requests.load(Ordering::SeqCst) > 70, "the load continues");
    let error = running.stop().await.unwrap_err();
    assert!(matches!(&error, LoadError::Evidence(error) if error.path.ends_with("requests.jsonl.zst")), "{error}");
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_load_ends() {
    let (http, gauge) = fake_ollama(|_| FakeChatResponse::Respond(0, 200, vec![Send(TOKEN), FakeBodyStep::Hang]));
    let (env, dir) = load_env(http, "dropped");
    drop(start(&env, &load(3), URL).unwrap());
    sleep_ms(100).await;
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
    assert!(read_records(&dir).len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_makes_the_same_bytes() {
    let mut files = Vec::new();
    for name in ["seed-a", "seed-b"] {
        let (http, _) = fake_ollama(|nth| {
            if nth % 3 == 2 { FakeChatResponse::Fail(HttpFailure::BeforeHeaders) } else { good_response() }
        });
        let (env, dir) = load_env(http, name);
        let running = start(&env, &load(5), URL).unwrap();
        sleep_ms(20_000).await;
        running.stop().await.unwrap();
        files.push(std::fs::read(dir.0.join("requests.jsonl.zst")).unwrap());
    }
    assert!(files[0] == files[1], "{} and {} bytes", files[0].len(), files[1].len());
}

// ── The HTTP client ─────────────────────────────────────────────────────────────────────────────────────────────────

/// A raw server: hands each connection to `serve`, for so many connections.
fn raw_server(connections: usize, serve: impl Fn(TcpStream) + std::marker::Send + 'static) -> (String, JoinHandle<()>) {
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
fn read_request(stream: &mut TcpStream) -> bool {
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

fn client_with(connection: ConnectionPolicy) -> HttpClient {
    http_client(connection, HumanDuration::from_ms(300)).unwrap()
}

async fn get(http: &HttpClient, url: &str) -> Result<http::Response<ResponseBody>, HttpError> {
    http.clone().oneshot(http::Request::get(url).body(Bytes::new()).unwrap()).await
}

async fn request_failure(url: &str) -> (HttpFailure, String) {
    let error = get(&client_with(ConnectionPolicy::PerRequest), url).await.err().unwrap();
    (error.failure, error.message)
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_failure() {
    let (failure, message) = request_failure("http://no-such-host.invalid:80/").await;
    assert_eq!(failure, HttpFailure::Dns, "{message}");
    assert!(message.contains("no-such-host.invalid"), "{message}");
}

#[tokio::test]
async fn a_port_without_a_listener_refuses() {
    // Bound and dropped: the port has no listener now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (failure, message) = request_failure(&format!("http://{address}/")).await;
    assert_eq!(failure, HttpFailure::ConnectRefused, "{message}");
}

#[tokio::test]
async fn a_handshake_without_response_hits_the_connect_timeout() {
    // The socket stays open until the client times out and closes it: the read returns then.
    let (address, thread) = raw_server(1, |mut stream| {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let (failure, message) = request_failure(&format!("https://{address}/")).await;
    assert_eq!(failure, HttpFailure::ConnectTimeout, "{message}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_closed_before_the_status_line_is_lost_before_headers() {
    let (address, thread) = raw_server(1, |mut stream| {
        read_request(&mut stream);
    });
    let (lost, message) = request_failure(&format!("http://{address}/")).await;
    assert_eq!(lost, HttpFailure::BeforeHeaders, "{message}");
    thread.join().unwrap();

    let (address, thread) = raw_server(1, drop);
    let (no_tls, message) = request_failure(&format!("https://{address}/")).await;
    assert_eq!(no_tls, HttpFailure::BeforeHeaders, "{message}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_closed_in_the_body_fails_in_the_body_after_its_chunks() {
    let (address, thread) = raw_server(1, |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo").unwrap();
    });
    let response = get(&client_with(ConnectionPolicy::PerRequest), &format!("http://{address}/")).await.unwrap();
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
async fn a_redirect_is_a_response_and_is_not_followed() {
    let (address, thread) = raw_server(1, |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let response = get(&client_with(ConnectionPolicy::PerRequest), &format!("http://{address}/")).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/elsewhere");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_connection_serves_one_request_or_many_as_asked() {
    for (connection, expected) in [(ConnectionPolicy::PerRequest, 3), (ConnectionPolicy::Reuse, 1)] {
        let opened = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&opened);
        let (address, thread) = raw_server(expected, move |mut stream| {
            counter.fetch_add(1, Ordering::SeqCst);
            while read_request(&mut stream) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        });
        let client = client_with(connection);
        for _ in 0..3 {
            let body = get(&client, &format!("http://{address}/")).await.unwrap().into_body();
            assert_eq!(body.map(Result::unwrap).collect::<Vec<_>>().await, ["ok"]);
        }
        drop(client);
        // A task of the client closes the connection; joining the server's thread must not block that task.
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), expected as u64, "{connection:?}");
    }
}
