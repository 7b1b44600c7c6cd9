//! The HTTP client for chats.

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header};

use super::LoadError;
use crate::clock::RunClock;
use crate::env::HttpClient;
use crate::model::load::LoadSpec;
use crate::ollama;

/// Client of one server's `/api/chat`.
#[derive(Clone, Debug)]
pub struct ChatClient {
    http: HttpClient,
    clock: RunClock,
    load: LoadSpec,
    uri: Uri,
}

impl ChatClient {
    /// A client of `{base_url}/api/chat`. Fails if that is not a URL with the scheme `http` or `https` and a host.
    pub fn new(http: HttpClient, clock: RunClock, load: LoadSpec, base_url: &str) -> Result<Self, LoadError> {
        let wrong = |reason: String| LoadError::Url { url: base_url.to_owned(), reason };
        let uri: Uri = format!("{}/api/chat", base_url.trim_end_matches('/'))
            .parse()
            .map_err(|e: http::uri::InvalidUri| wrong(e.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err(wrong("write it as http://host:port".to_owned()));
        }
        Ok(Self { http, clock, load, uri })
    }

    /// The clock of its timestamps.
    #[must_use]
    pub fn clock(&self) -> &RunClock {
        &self.clock
    }

    /// The load that it sends.
    #[must_use]
    pub fn load(&self) -> &LoadSpec {
        &self.load
    }

    pub(super) fn http(&self) -> HttpClient {
        self.http.clone()
    }

    /// The request with the number `id`.
    pub(super) fn request(&self, id: u64) -> http::Request<Bytes> {
        let seed = ollama::request_seed(self.load.seed, id);
        let mut request = http::Request::new(Bytes::from(ollama::request_body(&self.load, seed)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/x-ndjson"));
        request
    }
}
