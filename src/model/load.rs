//! The load: its specification, the record of each request, and the report over all requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::HumanDuration;

/// Most tokens of one response. A server that states more counts something else.
pub(crate) const MAX_REQUEST_TOKENS: u64 = 1_000_000_000;

/// The load of a scenario: a closed loop of workers. Each worker sends its next chat request when its last one has
/// ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LoadSpec {
    /// Protocol of the server: its paths, its request and its response. Default: ollama.
    pub protocol: ProtocolName,
    /// Name of the model in each request. Default: that of the protocol.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The user message of each request.
    pub prompt: String,
    /// Most tokens that one response may have. Nothing else bounds a generation, and one response could last the whole
    /// run. At least 1. Default: 256.
    pub max_tokens: u64,
    /// Further fields of the request body, as the protocol's server documents them. A field that is not set here has the
    /// default of the protocol. gpuhpa itself sets model, messages, seed, the limit of tokens and streaming.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The bearer token of each request to the endpoint. gpuhpa reads it when a run starts; no evidence contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<BearerTokenSource>,
    /// Number of workers, each with one request in flight. 1 to 10000. Default: 10.
    pub concurrency: u32,
    /// Whether workers reuse connections. Kubernetes Services balance connections, not requests. Default: perRequest.
    pub connection: ConnectionPolicy,
    /// Seed of every random number of the run. Default: 0.
    pub seed: u64,
    /// Timeouts of one request.
    pub timeouts: RequestTimeouts,
}

impl Default for LoadSpec {
    fn default() -> Self {
        Self {
            protocol: ProtocolName::Ollama,
            // Model and parameters are the protocol's, which fills them in when a scenario is loaded.
            model: String::new(),
            prompt: "Explain in detail how a large language model generates text.".to_owned(),
            max_tokens: 256,
            parameters: serde_json::Map::new(),
            bearer_token: None,
            concurrency: 10,
            connection: ConnectionPolicy::PerRequest,
            seed: 0,
            timeouts: RequestTimeouts::default(),
        }
    }
}

/// Protocol of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolName {
    /// Ollama's `/api/chat` (docs/api.md in github.com/ollama/ollama). `parameters` are `options`, `keep_alive` and other fields
    /// of its request.
    #[default]
    Ollama,
    /// OpenAI's `/v1/chat/completions` (platform.openai.com/docs/api-reference/chat), as vLLM, TGI, llama.cpp, SGLang and Ollama
    /// serve it. `parameters` are further fields of its request.
    OpenAi,
}

/// Where the bearer token is read from: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BearerTokenSource {
    /// Path of a file that contains the token alone. White space around the token does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Name of the environment variable that contains the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}

/// Whether workers reuse connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionPolicy {
    /// A new connection for each request, so that new pods receive traffic.
    PerRequest,
    /// Workers reuse their connections (HTTP keep-alive).
    Reuse,
}

/// Timeouts of one request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestTimeouts {
    /// Until the connection is established. Default: 10s.
    pub connect: HumanDuration,
    /// From sending until the first token. An overloaded server may queue requests before it refuses any, as Ollama does,
    /// so overload appears here. Default: 5m.
    pub first_token: HumanDuration,
    /// Between two chunks of a response. Default: 2m.
    pub idle: HumanDuration,
    /// From sending until the end of the response. Default: 15m.
    pub total: HumanDuration,
}

impl Default for RequestTimeouts {
    fn default() -> Self {
        Self {
            connect: HumanDuration::from_secs(10),
            first_token: HumanDuration::from_secs(300),
            idle: HumanDuration::from_secs(120),
            total: HumanDuration::from_secs(900),
        }
    }
}

/// The outcome of one request. Only [`Succeeded`](Self::Succeeded) counts as load that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestOutcome {
    /// HTTP 200, the end mark of the protocol (Ollama: `done: true`; OpenAI: `[DONE]`), and no error line.
    Succeeded,
    /// The host name could not be resolved.
    Dns,
    /// The connection was refused.
    ConnectRefused,
    /// No connection within [`RequestTimeouts::connect`].
    ConnectTimeout,
    /// The connection was lost before the status line.
    ResetBeforeHeaders,
    /// A 4xx status.
    #[serde(rename = "http-4xx")]
    Http4xx,
    /// A 5xx status other than 503.
    #[serde(rename = "http-5xx")]
    Http5xx,
    /// HTTP 503: the server's queue is full (Ollama: `ErrMaxQueue`), or the Service has no endpoints.
    #[serde(rename = "http-503")]
    Http503,
    /// Any other status, for example a redirect.
    HttpOther,
    /// HTTP 200, then a line in which the server reports an error (Ollama: `{"error": ...}`).
    ErrorLine,
    /// HTTP 200, and the body ended without the end mark.
    Truncated,
    /// A line that is not one of the protocol.
    BadJson,
    /// No first token within [`RequestTimeouts::first_token`].
    TtftTimeout,
    /// No chunk within [`RequestTimeouts::idle`] after the last one.
    IdleTimeout,
    /// No end of the response within [`RequestTimeouts::total`].
    TotalTimeout,
    /// The harness cancelled the request at the end of the load.
    CancelledByRampDown,
}

impl RequestOutcome {
    /// The name in evidence and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Dns => "dns",
            Self::ConnectRefused => "connect-refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::ResetBeforeHeaders => "reset-before-headers",
            Self::Http4xx => "http-4xx",
            Self::Http5xx => "http-5xx",
            Self::Http503 => "http-503",
            Self::HttpOther => "http-other",
            Self::ErrorLine => "error-line",
            Self::Truncated => "truncated",
            Self::BadJson => "bad-json",
            Self::TtftTimeout => "ttft-timeout",
            Self::IdleTimeout => "idle-timeout",
            Self::TotalTimeout => "total-timeout",
            Self::CancelledByRampDown => "cancelled-by-ramp-down",
        }
    }
}

/// One request of the load. Times are microseconds of the run's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestRecord {
    /// Number of the request, from 0.
    pub id: u64,
    /// Number of the worker that sent it, from 0.
    pub worker: u32,
    /// When it was due: the end of the worker's last request plus its back-off.
    pub scheduled_us: u64,
    /// When the worker sent it, before it connected.
    pub sent_us: u64,
    /// When the response headers arrived.
    pub headers_us: Option<u64>,
    /// When the first generated text arrived, reasoning included.
    pub first_token_us: Option<u64>,
    /// When it ended; a succeeded one ends with its end mark.
    pub ended_us: u64,
    /// HTTP status, if one arrived.
    pub status: Option<u16>,
    /// The outcome.
    pub outcome: RequestOutcome,
    /// Chunks of the response, the last one included.
    pub chunks: u32,
    /// Largest gap between two chunks.
    pub largest_chunk_gap_us: u64,
    /// Generated tokens, as the server counts them (Ollama: `eval_count`; OpenAI: `usage.completion_tokens`). A chunk may hold
    /// several tokens; of a server that counts none it is the number of chunks with text.
    pub tokens: u64,
    /// Duration of the request that the server states (Ollama: `total_duration`), nanoseconds.
    pub server_total_ns: Option<u64>,
    /// Part of it before the model was ready for the request (Ollama: `load_duration`), nanoseconds.
    pub server_load_ns: Option<u64>,
    /// The remote host that served the model instead of the pod, with the model's name there, if the server states it
    /// (Ollama: `remote_model`, `remote_host`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_model: Option<String>,
    /// Error message of the server or the system, truncated.
    pub error: Option<String>,
}

/// The report over all requests of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadReport {
    /// When the first request was sent, milliseconds of the run's clock.
    pub began_ms: u64,
    /// When the last request ended, milliseconds of the run's clock.
    pub ended_ms: u64,
    /// Number of workers.
    pub concurrency: u32,
    /// Number of requests sent.
    pub requests: u64,
    /// Number of requests by outcome, named as in [`RequestOutcome::as_str`].
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// First error message of each outcome.
    pub error_examples: std::collections::BTreeMap<String, String>,
    /// Tokens of succeeded requests.
    pub tokens: u64,
    /// Time to first token of succeeded requests, from sending (connect included).
    pub ttft_us: Quantiles,
    /// Gap between two chunks of succeeded requests.
    pub chunk_gap_us: Quantiles,
    /// Duration of succeeded requests.
    pub duration_us: Quantiles,
    /// Time from when a request was due until it was sent: a delay that the client itself adds.
    pub send_delay_us: Quantiles,
    /// Delay of the client's timers. Reading a response is delayed as much.
    #[serde(default)]
    pub timer_delay_us: Quantiles,
    /// Reason why the client limited the load; absent if it did not.
    pub client_bound: Option<String>,
}

/// Quantiles of an HDR histogram, in the unit that the name of the field ends with. All 0 without a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Number of values.
    pub count: u64,
    /// Smallest value.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest value.
    pub max: u64,
}
