//! Responses of Ollama other than chats, and its error responses.

use bytes::Bytes;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::server::OllamaServer;
use crate::env::ResponseBody;
use crate::sim::config::OllamaConfig;

const MIB: u64 = 1 << 20;

pub(super) fn handle_request(
    server: &OllamaServer,
    config: &OllamaConfig,
    method: &str,
    path: &str,
) -> Response<ResponseBody> {
    match (method, path) {
        ("GET" | "HEAD", "/") => text_response(200, "text/plain; charset=utf-8", "Ollama is running".to_owned()),
        ("GET", "/api/ps") => json_response(200, &json!({"models": list_loaded(server, config)})),
        _ => json_response(501, &json!({"error": format!("the simulator does not support {method} {path} of Ollama")})),
    }
}

fn list_loaded(server: &OllamaServer, config: &OllamaConfig) -> Vec<Value> {
    let is_in_host_memory = config.stand_in || config.on_cpu.includes(server.is_new);
    let size = config.model_mib * MIB;
    let entry = |name: &str| {
        json!({"name": name, "model": name, "size": size, "digest": model_digest(name),
            "size_vram": if is_in_host_memory { 0 } else { size }})
    };
    server.resident_model().iter().map(|model| entry(&model.name)).collect()
}

/// A digest that is the same for the same name: the FNV-1a hash, repeated.
fn model_digest(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}").repeat(4)
}

/// An error response in Ollama's format.
pub(super) fn error_response(status: u16, message: &str) -> Response<ResponseBody> {
    json_response(status, &json!({"error": message}))
}

pub(super) fn json_response(status: u16, value: &Value) -> Response<ResponseBody> {
    text_response(status, "application/json; charset=utf-8", value.to_string())
}

/// A response with the whole body in one chunk.
pub(super) fn text_response(status: u16, content_type: &'static str, text: String) -> Response<ResponseBody> {
    stream_response(status, content_type, futures::stream::iter([Ok(Bytes::from(text))]).boxed())
}

pub(super) fn stream_response(status: u16, content_type: &'static str, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
