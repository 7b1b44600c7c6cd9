//! One chat to one pod alone, through the API server's pod proxy, and where the pod says its model is. The same
//! reading of the answer as under load; only the way is another one.

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use tower::service_fn;

use super::{Caller, LoadError, Turn, chat};
use crate::ollama;
use crate::record::load::{Load, Outcome, RequestRecord};
use crate::record::observation::ProbeSeen;
use crate::record::scenario::Scenario;
use crate::world::{Body, Http, HttpError, HttpFailure, World};

/// Tokens of a probe: enough to show that the pod generates, few enough not to disturb the measurement.
const TOKENS: i64 = 16;

/// Number of a probe's request, apart from those of the load.
const PROBE_ID: u64 = u64::MAX;

/// Sends one chat to this pod and asks it where its model is. Ends within the load's timeouts.
///
/// # Errors
/// The scenario's names do not make a URL. What goes wrong at the pod or on the way is in the result.
pub async fn probe(world: &World, scenario: &Scenario, pod: &str) -> Result<ProbeSeen, LoadError> {
    let base = format!("/api/v1/namespaces/{}/pods/{pod}:{}/proxy", scenario.namespace, scenario.reach.port);
    let mut load: Load = scenario.load.clone();
    load.options.insert("num_predict".to_owned(), TOKENS.into());
    // The client puts the API server's address in place of this host.
    let caller = Caller::new(through(world.plain.clone()), world.clock, load, &format!("http://api-server{base}"))?;
    let turn = Turn { id: PROBE_ID, worker: 0, due_us: world.clock.now_us() };
    let record = chat(&caller, turn, std::future::pending(), &mut ()).await;
    let mut seen = ProbeSeen { pod: pod.to_owned(), not_carried: not_carried(&record), ..as_seen(&record) };
    if seen.error.is_none() {
        where_is_the_model(world, &base, &scenario.load.model, &mut seen).await;
    }
    Ok(seen)
}

/// A request as an observation of its own: the first chat, or a probe.
#[must_use]
pub fn as_seen(record: &RequestRecord) -> ProbeSeen {
    let words = || format!("{}: {}", record.outcome.name(), record.error.clone().unwrap_or_default());
    ProbeSeen {
        began_ms: record.sent_us / 1000,
        status: record.status,
        tokens: record.tokens,
        error: (record.outcome != Outcome::Good).then(words),
        ..ProbeSeen::default()
    }
}

async fn where_is_the_model(world: &World, base: &str, model: &str, seen: &mut ProbeSeen) {
    let Ok(request) = http::Request::get(format!("{base}/api/ps")).body(Vec::new()) else { return };
    let Ok(text) = world.plain.request_text(request).await else { return };
    let Ok(models) = ollama::loaded(text.as_bytes()) else { return };
    if let Some(found) = ollama::find(&models, model) {
        seen.size = found.size;
        seen.size_vram = found.size_vram;
        seen.model_digest = found.digest.clone();
    }
}

/// The API server could not carry the probe: no answer at all, or an answer that is its own Status and not the pod's.
fn not_carried(record: &RequestRecord) -> bool {
    let own_status = record.error.as_ref().is_some_and(|text| text.contains("\"kind\":\"Status\""));
    record.outcome != Outcome::Good && (record.status.is_none() || own_status)
}

/// The HTTP door through the API server.
fn through(client: kube::Client) -> Http {
    Http::new(service_fn(move |request: http::Request<Bytes>| {
        let client = client.clone();
        async move {
            let answer = client.send(request.map(|body| kube::client::Body::from(body.to_vec()))).await;
            let answer =
                answer.map_err(|e| HttpError { failure: HttpFailure::BeforeHeaders, message: e.to_string() })?;
            Ok(answer.map(|body| -> Body {
                let chunks = body.into_data_stream();
                chunks
                    .map(|chunk| chunk.map_err(|e| HttpError { failure: HttpFailure::InBody, message: e.to_string() }))
                    .boxed()
            }))
        }
    }))
}
