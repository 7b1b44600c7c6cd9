//! One chat: its wait for a slot, the model, and the answer line by line.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use serde_json::{Value, json};

use super::Servers;
use super::page::{page, refusal, stream};
use super::server::{Busy, Server, lost};
use super::setting::{Broken, ServerSetting};
use crate::clock::Clock;
use crate::units::Span;
use crate::world::{Body, HttpError, HttpFailure};

/// What a chat asks for.
struct Wanted {
    model: String,
    /// Tokens at most; `None`: as many as it takes.
    most: Option<u64>,
    /// How long the model is kept afterwards, microseconds; `None`: for ever.
    keep_us: Option<u64>,
}

pub(super) async fn answer(servers: &Servers, server: Arc<Server>, body: &Bytes) -> Result<Response<Body>, HttpError> {
    let (cluster, number) = (&servers.0.cluster, server.chat());
    let (clock, setting) = (cluster.clock(), &cluster.setting().servers);
    servers.known().moments.chat(clock.now_ms());
    let entered_us = clock.now_us();
    let wanted = match wanted(body, &server) {
        Ok(wanted) => wanted,
        Err(words) => return Ok(refusal(501, &words)),
    };
    let broken = broken(servers, setting, number);
    if let Some(response) = broken.and_then(|broken| refused(broken, &wanted.model)) {
        return Ok(response);
    }
    if !server.start.has(&wanted.model) {
        return Ok(not_found(&wanted.model));
    }
    if setting.hang.is(server.new) {
        return server.unless_gone(std::future::pending()).await;
    }
    let Some(slot) = server.slot().await? else {
        return Ok(refusal(503, "server busy, please try again.  maximum pending requests exceeded"));
    };
    let there_us = server.load(&wanted.model);
    server.unless_gone(sleep_until(clock, there_us)).await?;
    let load_us = clock.now_us() - entered_us;
    let busy = Busy::new(Arc::clone(&server), slot, wanted.keep_us);
    let natural = setting.natural.0 + cluster.chance(setting.natural.1.saturating_sub(setting.natural.0));
    let slowness = slowness(setting, server.new);
    let prompt_us = times(setting.prompt.ms() * 1000, slowness);
    let answer = Answer {
        busy: Some(busy),
        clock,
        model: Value::from(wanted.model).to_string(),
        tokens: wanted.most.unwrap_or(natural).min(natural).max(1),
        reason: if wanted.most.is_some_and(|most| most <= natural) { "length" } else { "stop" },
        token_us: slowness * 1_000_000.0 / setting.rate,
        line: setting.line,
        entered_us,
        load_us,
        prompt_us,
        began_us: clock.now_us() + prompt_us,
        spoken: 0,
        broken,
    };
    let first_us = answer.at(1);
    server.unless_gone(sleep_until(clock, first_us)).await?;
    Ok(stream(200, "application/x-ndjson", futures::stream::unfold(answer, Answer::next).boxed()))
}

/// How this chat goes wrong, if it does.
fn broken(servers: &Servers, setting: &ServerSetting, number: u64) -> Option<Broken> {
    let chats = setting.broken.as_ref().filter(|chats| servers.is_now(Some(&chats.during)))?;
    let every = chats.every.max(1);
    let turn = usize::try_from((number / every).saturating_sub(1)).unwrap_or(0);
    number.is_multiple_of(every).then(|| chats.how.get(turn % chats.how.len().max(1)).copied()).flatten()
}

/// What is refused at once.
fn refused(broken: Broken, model: &str) -> Option<Response<Body>> {
    match broken {
        Broken::Status500 => Some(refusal(500, "llama runner process has terminated: signal: killed")),
        Broken::Busy503 => Some(refusal(503, "server busy, please try again.  maximum pending requests exceeded")),
        Broken::Missing404 => Some(not_found(model)),
        Broken::Html => {
            let text = "<html><body><h1>Sign in to continue</h1></body></html>\n";
            Some(page(200, "text/html", text.to_owned()))
        }
        Broken::ErrorLine | Broken::Truncated | Broken::Reset => None,
    }
}

fn not_found(model: &str) -> Response<Body> {
    refusal(404, &format!("model '{model}' not found"))
}

fn wanted(body: &Bytes, server: &Server) -> Result<Wanted, String> {
    let unknown = |what: &str| format!("the simulated platform does not know a chat with {what}");
    let body: Value = serde_json::from_slice(body).map_err(|e| unknown(&format!("a body that is no JSON: {e}")))?;
    if body["stream"] == json!(false) {
        return Err(unknown("stream: false"));
    }
    let model = body["model"].as_str().ok_or_else(|| unknown("no model"))?.to_owned();
    let most = body["options"]["num_predict"].as_i64().and_then(|most| u64::try_from(most).ok());
    let keep = match &body["keep_alive"] {
        Value::Null => server.start.keep_us,
        Value::Number(seconds) => seconds.as_u64().map(|seconds| seconds * 1_000_000),
        Value::String(text) if text.starts_with('-') => None,
        Value::String(text) => Some(text.parse::<Span>().map_err(|e| e.to_string())?.ms() * 1000),
        other => return Err(unknown(&format!("keep_alive {other}"))),
    };
    Ok(Wanted { model, most, keep_us: keep })
}

fn slowness(setting: &ServerSetting, new: bool) -> f64 {
    let slow = setting.slow.filter(|(who, _)| who.is(new)).map_or(1.0, |(_, factor)| factor);
    if setting.on_cpu.is(new) { slow * 10.0 } else { slow }
}

/// An answer that is being given.
struct Answer {
    /// Given back with the last line.
    busy: Option<Busy>,
    clock: Clock,
    /// As JSON.
    model: String,
    tokens: u64,
    reason: &'static str,
    token_us: f64,
    line: Span,
    entered_us: u64,
    load_us: u64,
    prompt_us: u64,
    /// When the prompt was read.
    began_us: u64,
    spoken: u64,
    broken: Option<Broken>,
}

impl Answer {
    /// When so many tokens are there.
    fn at(&self, tokens: u64) -> u64 {
        self.began_us + times(tokens, self.token_us)
    }

    /// The next line. The first one holds a token that is there already.
    async fn next(mut self) -> Option<(Result<Bytes, HttpError>, Self)> {
        let busy = self.busy.as_ref()?;
        if self.spoken == 0 {
            self.spoken = 1;
            if self.tokens > 1 || self.broken.is_some() {
                return Some((Ok(self.words().into()), self));
            }
        }
        match self.broken {
            None => {}
            Some(Broken::Truncated) => return None,
            Some(Broken::ErrorLine) => {
                self.busy = None;
                let error = "an error was encountered while running the model: CUDA error: out of memory";
                return Some((Ok(format!("{{\"error\":\"{error}\"}}\n").into()), self));
            }
            Some(_) => {
                self.busy = None;
                return Some((Err(lost(HttpFailure::InBody)), self));
            }
        }
        let next_us = self.at(self.tokens).min(self.clock.now_us() + self.line.ms() * 1000);
        if busy.server().unless_gone(sleep_until(self.clock, next_us)).await.is_err() {
            self.busy = None;
            return Some((Err(lost(HttpFailure::InBody)), self));
        }
        let mut text = self.words();
        if self.clock.now_us() >= self.at(self.tokens) {
            self.busy = None;
            text.push_str(&self.last());
        }
        self.spoken += 1;
        Some((Ok(text.into()), self))
    }

    fn words(&self) -> String {
        let (model, now) = (&self.model, self.clock.wall());
        format!(
            "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\" word\"}},\
             \"done\":false}}\n"
        )
    }

    /// The line that ends it.
    fn last(&self) -> String {
        let (model, now, reason) = (&self.model, self.clock.wall(), self.reason);
        let (total, load) = ((self.clock.now_us() - self.entered_us) * 1000, self.load_us * 1000);
        let (prompt, eval) = (self.prompt_us * 1000, (self.clock.now_us() - self.began_us) * 1000);
        format!(
            "{{\"model\":{model},\"created_at\":\"{now}\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\
             \"done_reason\":\"{reason}\",\"done\":true,\"total_duration\":{total},\"load_duration\":{load},\
             \"prompt_eval_count\":30,\"prompt_eval_duration\":{prompt},\"eval_count\":{},\"eval_duration\":{eval}}}\n",
            self.tokens
        )
    }
}

/// So many times, in whole microseconds.
fn times(count: u64, factor: f64) -> u64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Duration::from_micros(1).mul_f64((f64::from(count) * factor).min(1e15)).as_micros().try_into().unwrap_or(u64::MAX)
}

async fn sleep_until(clock: Clock, at_us: u64) {
    tokio::time::sleep(Duration::from_micros(at_us.saturating_sub(clock.now_us()))).await;
}
