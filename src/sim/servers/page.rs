//! What Ollama answers besides chats, and how it refuses.

use bytes::Bytes;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::ServerSetting;
use super::server::Server;
use crate::world::Body;

/// The version that it says it is.
const VERSION: &str = "0.11.2";
const MIB: u64 = 1 << 20;

pub(super) fn answer(server: &Server, setting: &ServerSetting, method: &str, path: &str) -> Response<Body> {
    match (method, path) {
        ("GET" | "HEAD", "/") => page(200, "text/plain; charset=utf-8", "Ollama is running".to_owned()),
        ("GET", "/api/version") => json_page(200, &json!({"version": VERSION})),
        ("GET", "/api/ps") => json_page(200, &json!({"models": loaded(server, setting)})),
        _ => {
            json_page(501, &json!({"error": format!("the simulated platform does not know {method} {path} of Ollama")}))
        }
    }
}

fn loaded(server: &Server, setting: &ServerSetting) -> Vec<Value> {
    let on_cpu = setting.stand_in || setting.on_cpu.is(server.new);
    let size = setting.model_mib * MIB;
    let one = |name: &str| {
        json!({"name": name, "model": name, "size": size, "digest": digest(name),
            "size_vram": if on_cpu { 0 } else { size }})
    };
    server.model().iter().map(|model| one(&model.name)).collect()
}

/// A digest that the same name always has (FNV-1a, stretched).
fn digest(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}").repeat(4)
}

/// A refusal in Ollama's form.
pub(super) fn refusal(status: u16, words: &str) -> Response<Body> {
    json_page(status, &json!({"error": words}))
}

pub(super) fn json_page(status: u16, value: &Value) -> Response<Body> {
    page(status, "application/json; charset=utf-8", value.to_string())
}

/// A whole answer.
pub(super) fn page(status: u16, kind: &'static str, text: String) -> Response<Body> {
    stream(status, kind, futures::stream::iter([Ok(Bytes::from(text))]).boxed())
}

pub(super) fn stream(status: u16, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
