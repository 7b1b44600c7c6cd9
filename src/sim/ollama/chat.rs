//! One chat: waits for a slot, loads the model, and streams the response chunk by chunk.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::Value;

use super::ServerRegistry;
use super::chat_format::{ChatEnd, ChatFormat};
use super::responses::{stream_response, text_response};
use super::server::{ActiveChat, OllamaServer, connection_reset};
use crate::clock::RunClock;
use crate::env::{HttpError, HttpFailure, ResponseBody};
use crate::sim::config::{ChatFault, OllamaConfig};
use crate::units::HumanDuration;

pub(super) async fn handle_chat(
    servers: &ServerRegistry,
    server: Arc<OllamaServer>,
    format: ChatFormat,
    body: &Bytes,
) -> Result<Response<ResponseBody>, HttpError> {
    let (cluster, number) = (&servers.0.cluster, server.next_chat_number());
    let (clock, config) = (cluster.clock(), &cluster.config().ollama);
    servers.lock_state().milestones.record_chat(clock.now_ms());
    let received_us = clock.now_us();
    let options = match format.parse_options(body, &server.startup) {
        Ok(options) => options,
        Err(message) => return Ok(format.error_response(501, &message)),
    };
    let fault = select_fault(servers, config, number);
    if let Some(response) = fault.and_then(|fault| fault_response(fault, format, &options.model)) {
        return Ok(response);
    }
    if !server.startup.has_model(&options.model) {
        return Ok(model_not_found(format, &options.model));
    }
    if config.hanging.includes(server.is_new) {
        return server.run_until_terminated(std::future::pending()).await;
    }
    let Some(slot) = server.acquire_slot().await? else {
        return Ok(format.error_response(503, "server busy, please try again.  maximum pending requests exceeded"));
    };
    let ready_us = server.load_model(&options.model);
    server.run_until_terminated(sleep_until(clock, ready_us)).await?;
    let load_us = clock.now_us() - received_us;
    let active = ActiveChat::new(Arc::clone(&server), slot, options.keep_alive_us);
    let natural_tokens =
        config.natural_tokens.0 + cluster.random_below(config.natural_tokens.1.saturating_sub(config.natural_tokens.0));
    let slowdown = slowdown_factor(config, server.is_new);
    let prompt_us = scale_us(config.prompt_eval.ms() * 1000, slowdown);
    let stream = ResponseStream {
        active: Some(active),
        format,
        clock,
        model: Value::from(options.model).to_string(),
        tokens: options.max_tokens.unwrap_or(natural_tokens).min(natural_tokens).max(1),
        done_reason: if options.max_tokens.is_some_and(|max| max <= natural_tokens) { "length" } else { "stop" },
        token_us: slowdown * 1_000_000.0 / config.tokens_per_second,
        chunk_interval: config.chunk_interval,
        received_us,
        load_us,
        prompt_us,
        eval_start_us: clock.now_us() + prompt_us,
        chunks_sent: 0,
        fault,
    };
    let first_us = stream.token_ready_us(1);
    server.run_until_terminated(sleep_until(clock, first_us)).await?;
    Ok(stream_response(200, format.content_type(), futures::stream::unfold(stream, ResponseStream::next_chunk).boxed()))
}

/// The fault of the n-th chat of a server, if it has one.
fn select_fault(servers: &ServerRegistry, config: &OllamaConfig, number: u64) -> Option<ChatFault> {
    let chats = config.faulty_chats.as_ref().filter(|chats| servers.is_active(Some(&chats.window)))?;
    let every_nth = chats.every_nth.max(1);
    let index = usize::try_from((number / every_nth).saturating_sub(1)).unwrap_or(0);
    number.is_multiple_of(every_nth).then(|| chats.faults.get(index % chats.faults.len().max(1)).copied()).flatten()
}

/// The response of a fault that replaces the stream; `None` for a fault within the stream.
fn fault_response(fault: ChatFault, format: ChatFormat, model: &str) -> Option<Response<ResponseBody>> {
    match fault {
        ChatFault::Status500 => Some(format.error_response(500, "llama runner process has terminated: signal: killed")),
        ChatFault::Status503 => {
            Some(format.error_response(503, "server busy, please try again.  maximum pending requests exceeded"))
        }
        ChatFault::Status404 => Some(model_not_found(format, model)),
        ChatFault::LoginPage => {
            let text = "<html><body><h1>Sign in to continue</h1></body></html>\n";
            Some(text_response(200, "text/html", text.to_owned()))
        }
        ChatFault::ErrorLine | ChatFault::Truncated | ChatFault::Reset => None,
    }
}

fn model_not_found(format: ChatFormat, model: &str) -> Response<ResponseBody> {
    format.error_response(404, &format!("model '{model}' not found"))
}

fn slowdown_factor(config: &OllamaConfig, is_new: bool) -> f64 {
    let factor = config.slowdown.filter(|(pods, _)| pods.includes(is_new)).map_or(1.0, |(_, factor)| factor);
    if config.on_cpu.includes(is_new) { factor * 10.0 } else { factor }
}

/// A response in progress.
struct ResponseStream {
    /// Dropped with the last chunk, which frees the slot.
    active: Option<ActiveChat>,
    format: ChatFormat,
    clock: RunClock,
    /// Model name as JSON.
    model: String,
    tokens: u64,
    done_reason: &'static str,
    token_us: f64,
    chunk_interval: HumanDuration,
    received_us: u64,
    load_us: u64,
    prompt_us: u64,
    /// When the prompt evaluation completes.
    eval_start_us: u64,
    chunks_sent: u64,
    fault: Option<ChatFault>,
}

impl ResponseStream {
    /// When this many tokens are generated, microseconds of the run's clock.
    fn token_ready_us(&self, tokens: u64) -> u64 {
        self.eval_start_us + scale_us(tokens, self.token_us)
    }

    /// The next chunk. The first one has a token that is generated already.
    async fn next_chunk(mut self) -> Option<(Result<Bytes, HttpError>, Self)> {
        let active = self.active.as_ref()?;
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
                return Some((Ok(self.format.error_line(error).into()), self));
            }
            Some(_) => {
                self.active = None;
                return Some((Err(connection_reset(HttpFailure::InBody)), self));
            }
        }
        let next_us = self.token_ready_us(self.tokens).min(self.clock.now_us() + self.chunk_interval.ms() * 1000);
        if active.server().run_until_terminated(sleep_until(self.clock, next_us)).await.is_err() {
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
        self.format.token_chunk(&self.model, &self.clock.wall_time().to_string())
    }

    /// What ends the response.
    fn final_chunk(&self) -> String {
        let now_us = self.clock.now_us();
        let end = ChatEnd {
            tokens: self.tokens,
            reason: self.done_reason,
            total_us: now_us - self.received_us,
            load_us: self.load_us,
            prompt_us: self.prompt_us,
            eval_us: now_us - self.eval_start_us,
        };
        self.format.final_chunk(&self.model, &self.clock.wall_time().to_string(), &end)
    }
}

/// Multiplies, in whole microseconds.
fn scale_us(count: u64, factor: f64) -> u64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Duration::from_micros(1).mul_f64((f64::from(count) * factor).min(1e15)).as_micros().try_into().unwrap_or(u64::MAX)
}

async fn sleep_until(clock: RunClock, at_us: u64) {
    tokio::time::sleep(Duration::from_micros(at_us.saturating_sub(clock.now_us()))).await;
}
