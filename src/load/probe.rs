//! Probes one pod: one chat through the API server's pod proxy, and the placement of the pod's model. The chat has the
//! same rule of success as the load; only its transport differs.

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use tower::service_fn;

use super::{ChatClient, LoadError, ScheduledRequest, send_chat};
use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody, RunEnv};
use crate::error_chain::format_chain;
use crate::model::load::{LoadSpec, RequestOutcome, RequestRecord};
use crate::model::observation::ProbeRecord;
use crate::model::scenario::Scenario;
use crate::protocol;

/// Tokens of a probe: enough to show that the pod generates, too few to disturb the measurement.
const PROBE_TOKENS: u64 = 16;

/// Request number of a probe, distinct from those of the load.
const PROBE_ID: u64 = u64::MAX;

/// Most pods that are asked where the model is.
const MAX_PLACEMENT_REQUESTS: usize = 10;

/// Sends one chat to a pod and reads the placement of its model. Ends within the load's timeouts.
///
/// # Errors
/// The names of the scenario and the pod do not form a URL. Errors of the pod or the transport are in the result.
pub(crate) async fn probe_pod(env: &RunEnv, scenario: &Scenario, pod: &str) -> Result<ProbeRecord, LoadError> {
    let proxy_path = proxy_path(scenario, pod);
    let load = LoadSpec { max_tokens: PROBE_TOKENS, ..scenario.load.clone() };
    // The Kubernetes client replaces this host with the API server's address. Without the bearer token of the load: the API
    // server reads the header Authorization as its own, and forwards none (kubernetes v1.37.2,
    // staging/src/k8s.io/apiserver/pkg/endpoints/filters/authentication.go).
    let client = ChatClient::new(
        proxy_http_client(env.kube.no_retry.clone()),
        env.clock,
        load,
        &format!("http://api-server{proxy_path}"),
    )?;
    let scheduled = ScheduledRequest { id: PROBE_ID, worker: 0, due_us: env.clock.now_us() };
    let record = send_chat(&client, scheduled, std::future::pending(), &mut ()).await;
    let mut probe =
        ProbeRecord { pod: pod.to_owned(), not_delivered: is_transport_failure(&record), ..probe_from_record(&record) };
    if probe.error.is_none() {
        read_model_placement(env, scenario, pod, &mut probe).await;
    }
    Ok(probe)
}

/// The observation of one request: of the first chat, or of a probe.
#[must_use]
pub(crate) fn probe_from_record(record: &RequestRecord) -> ProbeRecord {
    let error_text = || format!("{}: {}", record.outcome.as_str(), record.error.clone().unwrap_or_default());
    ProbeRecord {
        began_ms: record.sent_us / 1000,
        status: record.status,
        tokens: record.tokens,
        remote_model: record.remote_model.clone(),
        error: (record.outcome != RequestOutcome::Succeeded).then(error_text),
        ..ProbeRecord::default()
    }
}

/// Reads the placement of the model in the first of these pods that has it: a chat through the Service does not tell which pod
/// answered.
pub(crate) async fn find_model_placement(env: &RunEnv, scenario: &Scenario, pods: &[String], probe: &mut ProbeRecord) {
    for pod in pods.iter().take(MAX_PLACEMENT_REQUESTS) {
        read_model_placement(env, scenario, pod, probe).await;
        if probe.model_bytes.is_some() || probe.model_accelerator_bytes.is_some() {
            return;
        }
    }
}

/// The path of a pod's port through the API server.
fn proxy_path(scenario: &Scenario, pod: &str) -> String {
    format!("/api/v1/namespaces/{}/pods/{pod}:{}/proxy", scenario.namespace, scenario.endpoint.port)
}

async fn read_model_placement(env: &RunEnv, scenario: &Scenario, pod: &str, probe: &mut ProbeRecord) {
    let load = &scenario.load;
    let protocol = protocol::by_name(load.protocol);
    let Some(path) = protocol.placement_path() else { return };
    let url = format!("{}{path}", proxy_path(scenario, pod));
    let Ok(request) = http::Request::get(url).body(Vec::new()) else { return };
    // Unlike the chat, the answer is no observation of the pod's service, so an API server that is busy is asked again.
    let text = match env.kube.retrying.request_text(request).await {
        Ok(text) => text,
        Err(error) => {
            probe.placement_error = Some(format_chain(&error));
            return;
        }
    };
    probe.placement_error = None;
    if let Some(placement) = protocol.parse_placement(text.as_bytes(), &load.model) {
        probe.model_bytes = placement.bytes;
        probe.model_accelerator_bytes = placement.accelerator_bytes;
        probe.model_digest = placement.digest;
        probe.remote_model = probe.remote_model.take().or(placement.remote_model);
    }
}

/// True if the probe did not reach the pod: no response, or a Kubernetes Status, which is the API server's own.
fn is_transport_failure(record: &RequestRecord) -> bool {
    let is_api_status = record.error.as_ref().is_some_and(|text| text.contains("\"kind\":\"Status\""));
    record.outcome != RequestOutcome::Succeeded && (record.status.is_none() || is_api_status)
}

/// An HTTP client that sends its requests through the API server.
fn proxy_http_client(client: kube::Client) -> HttpClient {
    HttpClient::new(service_fn(move |request: http::Request<Bytes>| {
        let client = client.clone();
        async move {
            let response = client.send(request.map(|body| kube::client::Body::from(body.to_vec()))).await;
            let response =
                response.map_err(|e| HttpError { failure: HttpFailure::BeforeHeaders, message: e.to_string() })?;
            Ok(response.map(|body| -> ResponseBody {
                let chunks = body.into_data_stream();
                chunks
                    .map(|chunk| chunk.map_err(|e| HttpError { failure: HttpFailure::InBody, message: e.to_string() }))
                    .boxed()
            }))
        }
    }))
}
