//! The load: what is asked for in the scenario, what each request became, and the sum of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::HumanDuration;

/// The load of a scenario: a closed loop of workers, each sending its next chat when the last one has ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LoadSpec {
    /// Model name for `/api/chat`.
    pub model: String,
    /// The user message of each chat.
    pub prompt: String,
    /// Number of workers, each with one request in flight.
    pub concurrency: u32,
    /// Ollama's `options`; `num_predict` bounds a generation, the seed comes from `seed`.
    #[schemars(with = "serde_json::Value")]
    pub options: serde_json::Map<String, serde_json::Value>,
    /// Ollama's `keep_alive`; a model that is unloaded between requests is loaded again inside the measurement.
    pub keep_alive: String,
    /// When a connection is used again. A NodePort balances connections, not requests.
    pub connection: ConnectionPolicy,
    /// Seed of every random number of the run.
    pub seed: u64,
    /// How long each part of a request may take.
    pub timeouts: RequestTimeouts,
}

impl Default for LoadSpec {
    fn default() -> Self {
        Self {
            model: "llama3.2:1b".to_owned(),
            prompt: "Explain in detail how a large language model generates text.".to_owned(),
            concurrency: 10,
            options: serde_json::Map::from_iter([
                ("num_predict".to_owned(), 256.into()),
                ("num_ctx".to_owned(), 2048.into()),
                ("temperature".to_owned(), 0.into()),
            ]),
            keep_alive: "30m".to_owned(),
            connection: ConnectionPolicy::PerRequest,
            seed: 0,
            timeouts: RequestTimeouts::default(),
        }
    }
}

/// Connection policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionPolicy {
    /// A new connection for each request, so that new pods get their share.
    PerRequest,
    /// Connections are kept and used again.
    Reuse,
}

/// Bounds of one request's parts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestTimeouts {
    /// Until the connection stands.
    pub connect: HumanDuration,
    /// From sending until the first token. Overload of Ollama shows here, not as 503.
    pub first_token: HumanDuration,
    /// Between two chunks.
    pub idle: HumanDuration,
    /// The whole request.
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

/// What became of one request. Only `Good` counts as load that was served: HTTP 200, `done: true`, no error line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestOutcome {
    /// HTTP 200, an object with `done: true`, no error line.
    Succeeded,
    /// The name was not resolved.
    Dns,
    /// Nobody listens at the address.
    ConnectRefused,
    /// No connection within the bound.
    ConnectTimeout,
    /// The connection was lost before a status line.
    ResetBeforeHeaders,
    /// A 4xx status.
    #[serde(rename = "http-4xx")]
    Http4xx,
    /// A 5xx status other than 503.
    #[serde(rename = "http-5xx")]
    Http5xx,
    /// 503: Ollama's queue is full (ErrMaxQueue), or nobody stands behind the service.
    #[serde(rename = "http-503-queue")]
    Http503,
    /// A status that is neither 200 nor an error (redirects and the like).
    HttpOther,
    /// HTTP 200, then a line `{"error": ...}`.
    ErrorLine,
    /// HTTP 200, the body ended or broke without `done: true`.
    Truncated,
    /// A line that is not the JSON of a chat chunk.
    BadJson,
    /// No first token within the bound.
    TtftTimeout,
    /// Too long between two chunks.
    IdleTimeout,
    /// The whole request took too long.
    TotalTimeout,
    /// Ended by our own plan: the load was taken away.
    CancelledByRampDown,
}

impl RequestOutcome {
    /// The name used in evidence and tables.
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
            Self::Http503 => "http-503-queue",
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

/// One request of the load; times in microseconds of the run's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// Number of the request, from 0.
    pub id: u64,
    /// Number of the worker that sent it.
    pub worker: u32,
    /// When it was due: in a closed loop, when the worker's last one had ended and its back-off was over.
    pub scheduled_us: u64,
    /// When it was sent, connect included in what follows.
    pub sent_us: u64,
    /// When the status line came.
    pub headers_us: Option<u64>,
    /// When the first non-empty content or thinking came.
    pub first_token_us: Option<u64>,
    /// When it ended, well or not; a good one ends with its `done: true`.
    pub ended_us: u64,
    /// HTTP status, where one came.
    pub status: Option<u16>,
    /// What became of it.
    pub outcome: RequestOutcome,
    /// Chat chunks of the stream, its last one included.
    pub chunks: u32,
    /// Largest gap between two lines, microseconds.
    pub largest_chunk_gap_us: u64,
    /// Tokens generated: Ollama's `eval_count`, never the number of chunks.
    pub tokens: u64,
    /// Ollama's own `total_duration`, nanoseconds.
    pub server_total_ns: Option<u64>,
    /// Ollama's own `load_duration` (scheduler wait included), nanoseconds.
    pub server_load_ns: Option<u64>,
    /// What went wrong, in the server's or the system's words, cut to a bounded length.
    pub error: Option<String>,
}

/// The load as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    /// When the first request was sent, milliseconds of the run's clock.
    pub began_ms: u64,
    /// When the last one had ended.
    pub ended_ms: u64,
    /// Workers.
    pub concurrency: u32,
    /// Requests sent.
    pub requests: u64,
    /// Requests by outcome, named as in [`Outcome::name`].
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// First words of an error of each outcome.
    pub error_examples: std::collections::BTreeMap<String, String>,
    /// Tokens of good requests.
    pub tokens: u64,
    /// Time to first token, from sending (connect included), of good requests.
    pub ttft_us: Quantiles,
    /// Gap between two chunks, of good requests.
    pub chunk_gap_us: Quantiles,
    /// Whole duration of good requests.
    pub duration_us: Quantiles,
    /// How late a worker sent after it was due: the client's own share of every delay.
    pub send_delay_us: Quantiles,
    /// How late the client's own timers ran: the delay that reading an answer suffered too.
    #[serde(default)]
    pub timer_delay_us: Quantiles,
    /// Why the load is void, if the client was the bottleneck.
    pub client_bound: Option<String>,
}

/// Quantiles of an HDR histogram, in the unit of the field's name; all 0 when nothing was counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Values counted.
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
