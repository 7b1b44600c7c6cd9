//! Responses of the API server.

use futures::Stream;
use http::{Response, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::cluster::StatusError;

const JSON: &str = "application/json";

/// `Retry-After` of a 429, seconds.
const RETRY_AFTER_S: u64 = 1;

/// A response without its `Date` header.
pub(super) struct ApiResponse {
    status: u16,
    content_type: String,
    body: reqwest::Body,
}

impl ApiResponse {
    pub(super) fn json(status: u16, text: impl Into<reqwest::Body>) -> Self {
        Self { status, content_type: JSON.to_owned(), body: text.into() }
    }

    pub(super) fn value(status: u16, value: &Value) -> Self {
        Self::json(status, value.to_string())
    }

    pub(super) fn text(status: u16, text: impl Into<reqwest::Body>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8".to_owned(), body: text.into() }
    }

    pub(super) fn stream<S, E>(status: u16, content_type: &str, chunks: S) -> Self
    where
        S: Stream<Item = Result<bytes::Bytes, E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        Self { status, content_type: content_type.to_owned(), body: reqwest::Body::wrap_stream(chunks) }
    }

    pub(super) fn from_error(error: &StatusError) -> Self {
        Self::value(error.code, &status_object(error))
    }

    /// # Errors
    /// A header value is invalid.
    pub(super) fn into_http(self, wall: Timestamp) -> http::Result<Response<reqwest::Body>> {
        let mut response = Response::builder()
            .status(self.status)
            .header(header::CONTENT_TYPE, self.content_type)
            .header(header::DATE, wall.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if self.status == 429 {
            response = response.header(header::RETRY_AFTER, RETRY_AFTER_S);
        }
        response.body(self.body)
    }
}

/// An error as metav1.Status.
pub(super) fn status_object(error: &StatusError) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "code": error.code,
    })
}

/// Reduces an object to PartialObjectMetadata.
pub(super) fn partial_metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}
