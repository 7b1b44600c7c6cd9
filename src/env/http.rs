//! The HTTP client interface: a boxed tower service over `http` types, with a streamed body and typed failures.

use bytes::Bytes;
use futures::stream::BoxStream;
use tower::util::BoxCloneSyncService;

/// A response body, streamed in chunks.
pub type ResponseBody = BoxStream<'static, Result<Bytes, HttpError>>;

/// An HTTP client.
pub type HttpClient = BoxCloneSyncService<http::Request<Bytes>, http::Response<ResponseBody>, HttpError>;

/// A request or response that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// The step that failed.
    pub failure: HttpFailure,
    /// The error message of the system.
    pub message: String,
}

/// The steps of an exchange that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFailure {
    /// The name was not resolved.
    Dns,
    /// The address refused the connection.
    ConnectRefused,
    /// No connection within the timeout, or no route.
    ConnectTimeout,
    /// The connection was lost before a status line.
    BeforeHeaders,
    /// The connection was lost in the body.
    InBody,
}
