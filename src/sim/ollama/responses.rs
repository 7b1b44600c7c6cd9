//! What Ollama answers besides chats, and how it refuses.

use bytes::Bytes;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::OllamaConfig;
use super::server::OllamaServer;
use crate::env::ResponseBody;

/// The version that it says it is.
const VERSION: &str = "0.11.2";
const MIB: u64 = 1 << 20;

pub(super) fn handle_request(
    server: &OllamaServer,
    setting: &OllamaConfig,
    method: &str,
    path: &str,
) -> Response<ResponseBody> {
    match (method, path) {
        ("GET" | "HEAD", "/") => text_response(200, "text/plain; charset=utf-8", "Ollama is running".to_owned()),
        ("GET", "/api/version") => json_response(200, &json!({"version": VERSION})),
        ("GET", "/api/ps") => json_response(200, &json!({"models": list_loaded(server, setting)})),
        _ => json_response(
            501,
            &json!({"error": format!("the simulated platform does not know {method} {path} of Ollama")}),
        ),
    }
}

fn list_loaded(server: &OllamaServer, setting: &OllamaConfig) -> Vec<Value> {
    let on_cpu = setting.stand_in || setting.on_cpu.includes(server.is_new);
    let size = setting.model_mib * MIB;
    let one = |name: &str| {
        json!({"name": name, "model": name, "size": size, "digest": model_digest(name),
            "size_vram": if on_cpu { 0 } else { size }})
    };
    server.resident_model().iter().map(|model| one(&model.name)).collect()
}

/// A digest that the same name always has (FNV-1a, stretched).
fn model_digest(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}").repeat(4)
}

/// A refusal in Ollama's form.
pub(super) fn error_response(status: u16, words: &str) -> Response<ResponseBody> {
    json_response(status, &json!({"error": words}))
}

pub(super) fn json_response(status: u16, value: &Value) -> Response<ResponseBody> {
    text_response(status, "application/json; charset=utf-8", value.to_string())
}

/// A whole answer.
pub(super) fn text_response(status: u16, kind: &'static str, text: String) -> Response<ResponseBody> {
    stream_response(status, kind, futures::stream::iter([Ok(Bytes::from(text))]).boxed())
}

pub(super) fn stream_response(status: u16, kind: &'static str, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
