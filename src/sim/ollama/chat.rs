//! One chat: its wait for a slot, the model, and the answer line by line.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::{Value, json};

use super::ServerRegistry;
use super::config::{ChatFault, OllamaConfig};
use super::responses::{error_response, stream_response, text_response};
use super::server::{ActiveChat, OllamaServer, connection_reset};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure, ResponseBody};
use crate::units::HumanDuration;

/// What a chat asks for.
struct ChatOptions {
    model: String,
    /// Tokens at most; `None`: as many as it takes.
    max_tokens: Option<u64>,
    /// How long the model is kept afterwards, microseconds; `None`: for ever.
    keep_alive_us: Option<u64>,
}

pub(super) async fn handle_chat(
    servers: &ServerRegistry,
    server: Arc<OllamaServer>,
    body: &Bytes,
) -> Result<Response<ResponseBody>, HttpError> {
    let (cluster, number) = (&servers.0.cluster, server.next_chat_number());
    let (clock, setting) = (cluster.clock(), &cluster.config().ollama);
    servers.lock_state().milestones.record_chat(clock.now_ms());
    let entered_us = clock.now_us();
    let wanted = match parse_options(body, &server) {
        Ok(wanted) => wanted,
        Err(words) => return Ok(error_response(501, &words)),
    };
    let broken = select_fault(servers, setting, number);
    if let Some(response) = broken.and_then(|broken| fault_response(broken, &wanted.model)) {
        return Ok(response);
    }
    if !server.startup.has_model(&wanted.model) {
        return Ok(model_not_found(&wanted.model));
    }
    if setting.hanging.includes(server.is_new) {
        return server.run_until_terminated(std::future::pending()).await;
    }
    let Some(slot) = server.acquire_slot().await? else {
        return Ok(error_response(503, "server busy, please try again.  maximum pending requests exceeded"));
    };
    let there_us = server.load_model(&wanted.model);
    server.run_until_terminated(sleep_until(clock, there_us)).await?;
    let load_us = clock.now_us() - entered_us;
    let busy = ActiveChat::new(Arc::clone(&server), slot, wanted.keep_alive_us);
    let natural = setting.natural_tokens.0
        + cluster.random_below(setting.natural_tokens.1.saturating_sub(setting.natural_tokens.0));
    let slowness = slowdown_factor(setting, server.is_new);
    let prompt_us = scale_us(setting.prompt_eval.ms() * 1000, slowness);
    let answer = ResponseStream {
        active: Some(busy),
        clock,
        model: Value::from(wanted.model).to_string(),
        tokens: wanted.max_tokens.unwrap_or(natural).min(natural).max(1),
        done_reason: if wanted.max_tokens.is_some_and(|most| most <= natural) { "length" } else { "stop" },
        token_us: slowness * 1_000_000.0 / setting.tokens_per_second,
        chunk_interval: setting.chunk_interval,
        received_us: entered_us,
        load_us,
        prompt_us,
        eval_start_us: clock.now_us() + prompt_us,
        chunks_sent: 0,
        fault: broken,
    };
    let first_us = answer.token_ready_us(1);
    server.run_until_terminated(sleep_until(clock, first_us)).await?;
    Ok(stream_response(
        200,
        "application/x-ndjson",
        futures::stream::unfold(answer, ResponseStream::next_chunk).boxed(),
    ))
}

/// How this chat goes wrong, if it does.
fn select_fault(servers: &ServerRegistry, setting: &OllamaConfig, number: u64) -> Option<ChatFault> {
    let chats = setting.faulty_chats.as_ref().filter(|chats| servers.is_active(Some(&chats.window)))?;
    let every = chats.every_nth.max(1);
    let turn = usize::try_from((number / every).saturating_sub(1)).unwrap_or(0);
    number.is_multiple_of(every).then(|| chats.faults.get(turn % chats.faults.len().max(1)).copied()).flatten()
}

/// What is refused at once.
fn fault_response(broken: ChatFault, model: &str) -> Option<Response<ResponseBody>> {
    match broken {
        ChatFault::Status500 => Some(error_response(500, "llama runner process has terminated: signal: killed")),
        ChatFault::Status503 => {
            Some(error_response(503, "server busy, please try again.  maximum pending requests exceeded"))
        }
        ChatFault::Status404 => Some(model_not_found(model)),
        ChatFault::LoginPage => {
            let text = "<html><body><h1>Sign in to continue</h1></body></html>\n";
            Some(text_response(200, "text/html", text.to_owned()))
        }
        ChatFault::ErrorLine | ChatFault::Truncated | ChatFault::Reset => None,
    }
}

fn model_not_found(model: &str) -> Response<ResponseBody> {
    error_response(404, &format!("model '{model}' not found"))
}

fn parse_options(body: &Bytes, server: &OllamaServer) -> Result<ChatOptions, String> {
    let unknown = |what: &str| format!("the simulated platform does not know a chat with {what}");
    let body: Value = serde_json::from_slice(body).map_err(|e| unknown(&format!("a body that is no JSON: {e}")))?;
    if body["stream"] == json!(false) {
        return Err(unknown("stream: false"));
    }
    let model = body["model"].as_str().ok_or_else(|| unknown("no model"))?.to_owned();
    let most = body["options"]["num_predict"].as_i64().and_then(|most| u64::try_from(most).ok());
    let keep = match &body["keep_alive"] {
        Value::Null => server.startup.keep_alive_us,
        Value::Number(seconds) => seconds.as_u64().map(|seconds| seconds * 1_000_000),
        Value::String(text) if text.starts_with('-') => None,
        Value::String(text) => Some(text.parse::<HumanDuration>().map_err(|e| e.to_string())?.ms() * 1000),
        other => return Err(unknown(&format!("keep_alive {other}"))),
    };
    Ok(ChatOptions { model, max_tokens: most, keep_alive_us: keep })
}

fn slowdown_factor(setting: &OllamaConfig, new: bool) -> f64 {
    let slow = setting.slowdown.filter(|(who, _)| who.includes(new)).map_or(1.0, |(_, factor)| factor);
    if setting.on_cpu.includes(new) { slow * 10.0 } else { slow }
}

/// An answer that is being given.
struct ResponseStream {
    /// Given back with the last line.
    active: Option<ActiveChat>,
    clock: RunClock,
    /// As JSON.
    model: String,
    tokens: u64,
    done_reason: &'static str,
    token_us: f64,
    chunk_interval: HumanDuration,
    received_us: u64,
    load_us: u64,
    prompt_us: u64,
    /// When the prompt was read.
    eval_start_us: u64,
    chunks_sent: u64,
    fault: Option<ChatFault>,
}

impl ResponseStream {
    /// When so many tokens are there.
    fn token_ready_us(&self, tokens: u64) -> u64 {
        self.eval_start_us + scale_us(tokens, self.token_us)
    }

    /// The next line. The first one holds a token that is there already.
    async fn next_chunk(mut self) -> Option<(Result<Bytes, HttpError>, Self)> {
        let busy = self.active.as_ref()?;
        if self.chunks_sent == 0 {
            self.chunks_sent = 1;
            if self.tokens > 1 || self.fault.is_some() {
                return Some((Ok(self.token_chunk().into()), self));
            }
        }
        match self.fault {
            None => {}
            Some(ChatFault::Truncated) => return None,
            Some(ChatFault::ErrorLine) => {
                self.active = None;
                let error = "an error was encountered while running the model: CUDA error: out of memory";
                return Some((Ok(format!("{{\"error\":\"{error}\"}}\n").into()), self));
            }
            Some(_) => {
                self.active = None;
                return Some((Err(connection_reset(HttpFailure::InBody)), self));
            }
        }
        let next_us = self.token_ready_us(self.tokens).min(self.clock.now_us() + self.chunk_interval.ms() * 1000);
        if busy.server().run_until_terminated(sleep_until(self.clock, next_us)).await.is_err() {
            self.active = None;
            return Some((Err(connection_reset(HttpFailure::InBody)), self));
        }
        let mut text = self.token_chunk();
        if self.clock.now_us() >= self.token_ready_us(self.tokens) {
            self.active = None;
            text.push_str(&self.final_chunk());
        }
        self.chunks_sent += 1;
        Some((Ok(text.into()), self))
    }

    fn token_chunk(&self) -> String {
        let (model, now) = (&self.model, self.clock.wall_time());
        format!(
            "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\" word\"}},\
             \"done\":false}}\n"
        )
    }

    /// The line that ends it.
    fn final_chunk(&self) -> String {
        let (model, now, reason) = (&self.model, self.clock.wall_time(), self.done_reason);
        let (total, load) = ((self.clock.now_us() - self.received_us) * 1000, self.load_us * 1000);
        let (prompt, eval) = (self.prompt_us * 1000, (self.clock.now_us() - self.eval_start_us) * 1000);
        format!(
            "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\
             \"done_reason\":\"{reason}\",\"done\":true,\"total_duration\":{total},\"load_duration\":{load},\
             \"prompt_eval_count\":30,\"prompt_eval_duration\":{prompt},\"eval_count\":{},\"eval_duration\":{eval}}}\n",
            self.tokens
        )
    }
}

/// So many times, in whole microseconds.
fn scale_us(count: u64, factor: f64) -> u64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Duration::from_micros(1).mul_f64((f64::from(count) * factor).min(1e15)).as_micros().try_into().unwrap_or(u64::MAX)
}

async fn sleep_until(clock: RunClock, at_us: u64) {
    tokio::time::sleep(Duration::from_micros(at_us.saturating_sub(clock.now_us()))).await;
}
