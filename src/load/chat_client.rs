//! The HTTP client for chats.

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header};

use super::LoadError;
use crate::clock::RunClock;
use crate::env::{BearerToken, HttpClient};
use crate::model::load::LoadSpec;
use crate::protocol::{self, ServingProtocol};
use crate::seed::SplitMix64;

/// Client of one server, with the protocol of its load.
#[derive(Clone, Debug)]
pub struct ChatClient {
    http: HttpClient,
    clock: RunClock,
    load: LoadSpec,
    protocol: &'static dyn ServingProtocol,
    uri: Uri,
    bearer_token: Option<BearerToken>,
}

impl ChatClient {
    /// A client of the protocol's chats below `base_url`. Fails if that is not a URL with the scheme `http` or `https` and a host.
    pub fn new(http: HttpClient, clock: RunClock, load: LoadSpec, base_url: &str) -> Result<Self, LoadError> {
        let wrong = |reason: String| LoadError::Url { url: base_url.to_owned(), reason };
        let protocol = protocol::by_name(load.protocol);
        let uri: Uri = format!("{}{}", base_url.trim_end_matches('/'), protocol.chat_path())
            .parse()
            .map_err(|e: http::uri::InvalidUri| wrong(e.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err(wrong("write it as http://host:port".to_owned()));
        }
        Ok(Self { http, clock, load, protocol, uri, bearer_token: None })
    }

    /// Sends this bearer token with each request, if it is one.
    #[must_use]
    pub fn with_bearer_token(self, bearer_token: Option<BearerToken>) -> Self {
        Self { bearer_token, ..self }
    }

    /// The clock of its timestamps.
    #[must_use]
    pub(crate) fn clock(&self) -> &RunClock {
        &self.clock
    }

    /// The load that it sends.
    #[must_use]
    pub(crate) fn load(&self) -> &LoadSpec {
        &self.load
    }

    pub(super) fn protocol(&self) -> &'static dyn ServingProtocol {
        self.protocol
    }

    pub(super) fn http(&self) -> HttpClient {
        self.http.clone()
    }

    /// The request with the number `id`.
    pub(super) fn request(&self, id: u64) -> http::Request<Bytes> {
        let seed = request_seed(self.load.seed, id);
        let mut request = http::Request::new(Bytes::from(self.protocol.chat_body(&self.load, seed)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(self.protocol.response_type()));
        if let Some(value) = self.bearer_token.as_ref().and_then(BearerToken::authorization) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        request
    }

    /// A text of the server for a record: without the bearer token, which the server may quote.
    pub(super) fn hide_bearer_token(&self, text: String) -> String {
        match &self.bearer_token {
            Some(token) => token.hide_in(&text),
            None => text,
        }
    }
}

/// The seed of request `id`: the `id`-th number of the load's random sequence, so that the evidence is enough to repeat every
/// request exactly. Cut to 31 bits, because servers keep it in a 32-bit integer (ollama's runner does).
fn request_seed(load_seed: u64, id: u64) -> u32 {
    // SplitMix64 adds this constant for each number, so that a sequence can start at any index.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let number = SplitMix64::new(load_seed.wrapping_add(id.wrapping_mul(STEP))).next_u64();
    u32::try_from(number >> 33).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_seeds_are_the_sequence_of_the_loads_seed() {
        let mut sequence = SplitMix64::new(1_234_567);
        for id in 0..5 {
            assert_eq!(u64::from(request_seed(1_234_567, id)), sequence.next_u64() >> 33);
        }
    }
}
