//! The HTTP door: a boxed tower service over `http` types, with a body that streams and failures that keep their kind.

use bytes::Bytes;
use futures::stream::BoxStream;
use tower::util::BoxCloneSyncService;

/// A response body: chunks as they arrive.
pub type ResponseBody = BoxStream<'static, Result<Bytes, HttpError>>;

/// An HTTP client.
pub type HttpClient = BoxCloneSyncService<http::Request<Bytes>, http::Response<ResponseBody>, HttpError>;

/// An exchange that did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// At which step it failed.
    pub failure: HttpFailure,
    /// In the system's words.
    pub message: String,
}

/// The steps at which an exchange can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFailure {
    /// The name was not resolved.
    Dns,
    /// Nobody listens at the address.
    ConnectRefused,
    /// No connection within the bound, or no route.
    ConnectTimeout,
    /// The connection was lost before a status line.
    BeforeHeaders,
    /// The body broke off.
    InBody,
}
