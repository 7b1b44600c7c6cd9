//! The HTTP client for the network: reqwest as a boxed tower service, with failures distinguished by the types of their
//! sources, never by their text. It takes nothing from the environment (no proxy) and sends nothing on its own (no
//! redirect, no retry): every counted request was sent once.

use std::io::ErrorKind;
use std::net::ToSocketAddrs;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::util::BoxCloneSyncService;

use super::tls::install_tls_provider;
use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody};
use crate::error_chain::{error_sources, format_chain};
use crate::model::load::ConnectionPolicy;
use crate::units::HumanDuration;

/// A client for HTTP/1.1. `connect_timeout` bounds name resolution, connection and TLS handshake together; the caller
/// enforces every other timeout by dropping the future or the body. Fails only if the client cannot be created.
pub fn http_client(connection: ConnectionPolicy, connect_timeout: HumanDuration) -> Result<HttpClient, HttpError> {
    install_tls_provider();
    let setup = || {
        let client = reqwest::Client::builder()
            .user_agent(concat!("gpuhpa/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .tcp_nodelay(true)
            .dns_resolver(SystemResolver)
            .connect_timeout(connect_timeout.to_std());
        match connection {
            // Without idle connections every request opens its own.
            ConnectionPolicy::PerRequest => client.pool_max_idle_per_host(0),
            ConnectionPolicy::Reuse => client,
        }
    };
    // A machine without CA certificates cannot verify a TLS server, but it can still reach a NodePort in cleartext.
    let client = setup()
        .build()
        .or_else(|_| setup().tls_certs_only([]).build())
        .map_err(|e| HttpError { failure: HttpFailure::BeforeHeaders, message: format_chain(&e) })?;
    Ok(BoxCloneSyncService::new(tower::service_fn(move |request| send_request(client.clone(), request))))
}

async fn send_request(
    client: reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<ResponseBody>, HttpError> {
    let request = reqwest::Request::try_from(request).map_err(|e| error_before_headers(&e))?;
    let response = client.execute(request).await.map_err(|e| error_before_headers(&e))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let in_body = |e: reqwest::Error| HttpError { failure: HttpFailure::InBody, message: format_chain(&e) };
    let body: ResponseBody = response.bytes_stream().map(move |bytes| bytes.map_err(in_body)).boxed();
    let mut streamed = http::Response::new(body);
    (*streamed.status_mut(), *streamed.headers_mut()) = (status, headers);
    Ok(streamed)
}

/// An error before the status line.
fn error_before_headers(error: &reqwest::Error) -> HttpError {
    let failure = if error_sources(error).any(|source| source.is::<ResolveError>()) {
        HttpFailure::Dns
    } else if error.is_connect() {
        connect_failure(error)
    } else {
        HttpFailure::BeforeHeaders
    };
    HttpError { failure, message: format_chain(error) }
}

/// Why no connection was made: the I/O error kind, or the timeout, for which reqwest has its own type.
fn connect_failure(error: &reqwest::Error) -> HttpFailure {
    let kind =
        error_sources(error).find_map(|source| source.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
    match kind {
        Some(ErrorKind::ConnectionRefused) => HttpFailure::ConnectRefused,
        Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            HttpFailure::ConnectTimeout
        }
        _ if error.is_timeout() => HttpFailure::ConnectTimeout,
        // The TLS handshake failed.
        _ => HttpFailure::BeforeHeaders,
    }
}

/// A name that the system did not resolve. It has its own type because the system's error has no distinct kind.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve {name}: {reason}")]
struct ResolveError {
    name: String,
    reason: String,
}

/// The system's resolver, called for each connection, so that new addresses of a name are used during a run.
#[derive(Debug)]
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let host = name.clone();
            // Port 0: the client sets the URL's port.
            let found = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs()).await;
            let reason = match found {
                Ok(Ok(addresses)) => return Ok(Box::new(addresses) as Addrs),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            Err(ResolveError { name, reason }.into())
        })
    }
}
