//! One chat to one pod alone, through the API server's pod proxy, and where the pod says its model is. The same
//! reading of the answer as under load; only the way is another one.

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use tower::service_fn;

use super::{ChatClient, LoadError, ScheduledRequest, send_chat};
use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody, RunEnv};
use crate::model::load::{LoadSpec, RequestOutcome, RequestRecord};
use crate::model::observation::ProbeRecord;
use crate::model::scenario::Scenario;
use crate::ollama;

/// Tokens of a probe: enough to show that the pod generates, few enough not to disturb the measurement.
const PROBE_TOKENS: i64 = 16;

/// Number of a probe's request, apart from those of the load.
const PROBE_ID: u64 = u64::MAX;

/// Sends one chat to this pod and asks it where its model is. Ends within the load's timeouts.
///
/// # Errors
/// The scenario's names do not make a URL. What goes wrong at the pod or on the way is in the result.
pub async fn probe_pod(world: &RunEnv, scenario: &Scenario, pod: &str) -> Result<ProbeRecord, LoadError> {
    let base = format!("/api/v1/namespaces/{}/pods/{pod}:{}/proxy", scenario.namespace, scenario.endpoint.port);
    let mut load: LoadSpec = scenario.load.clone();
    load.options.insert("num_predict".to_owned(), PROBE_TOKENS.into());
    // The client puts the API server's address in place of this host.
    let caller = ChatClient::new(
        proxy_http_client(world.kube_no_retry.clone()),
        world.clock,
        load,
        &format!("http://api-server{base}"),
    )?;
    let turn = ScheduledRequest { id: PROBE_ID, worker: 0, due_us: world.clock.now_us() };
    let record = send_chat(&caller, turn, std::future::pending(), &mut ()).await;
    let mut seen =
        ProbeRecord { pod: pod.to_owned(), not_delivered: is_transport_failure(&record), ..probe_from_record(&record) };
    if seen.error.is_none() {
        read_model_placement(world, &base, &scenario.load.model, &mut seen).await;
    }
    Ok(seen)
}

/// A request as an observation of its own: the first chat, or a probe.
#[must_use]
pub fn probe_from_record(record: &RequestRecord) -> ProbeRecord {
    let words = || format!("{}: {}", record.outcome.as_str(), record.error.clone().unwrap_or_default());
    ProbeRecord {
        began_ms: record.sent_us / 1000,
        status: record.status,
        tokens: record.tokens,
        error: (record.outcome != RequestOutcome::Succeeded).then(words),
        ..ProbeRecord::default()
    }
}

async fn read_model_placement(world: &RunEnv, base: &str, model: &str, seen: &mut ProbeRecord) {
    let Ok(request) = http::Request::get(format!("{base}/api/ps")).body(Vec::new()) else { return };
    let Ok(text) = world.kube_no_retry.request_text(request).await else { return };
    let Ok(models) = ollama::parse_loaded_models(text.as_bytes()) else { return };
    if let Some(found) = ollama::find_model(&models, model) {
        seen.model_size = found.size;
        seen.model_size_vram = found.size_vram;
        seen.model_digest = found.digest.clone();
    }
}

/// The API server could not carry the probe: no answer at all, or an answer that is its own Status and not the pod's.
fn is_transport_failure(record: &RequestRecord) -> bool {
    let own_status = record.error.as_ref().is_some_and(|text| text.contains("\"kind\":\"Status\""));
    record.outcome != RequestOutcome::Succeeded && (record.status.is_none() || own_status)
}

/// The HTTP door through the API server.
fn proxy_http_client(client: kube::Client) -> HttpClient {
    HttpClient::new(service_fn(move |request: http::Request<Bytes>| {
        let client = client.clone();
        async move {
            let answer = client.send(request.map(|body| kube::client::Body::from(body.to_vec()))).await;
            let answer =
                answer.map_err(|e| HttpError { failure: HttpFailure::BeforeHeaders, message: e.to_string() })?;
            Ok(answer.map(|body| -> ResponseBody {
                let chunks = body.into_data_stream();
                chunks
                    .map(|chunk| chunk.map_err(|e| HttpError { failure: HttpFailure::InBody, message: e.to_string() }))
                    .boxed()
            }))
        }
    }))
}
