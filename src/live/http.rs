//! The HTTP door on the real network: reqwest behind the boxed service, with failures told apart by the types in the
//! chain of causes, never by their words. Nothing is taken from the environment (no proxy) and nothing is done on the
//! caller's behalf (no redirect, no retry): a request that is counted is a request that was sent.

use std::io::ErrorKind;
use std::net::ToSocketAddrs;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::util::BoxCloneSyncService;

use crate::env::{HttpClient, HttpError, HttpFailure, ResponseBody};
use crate::error_chain::{error_sources, format_chain};
use crate::model::load::ConnectionPolicy;
use crate::units::HumanDuration;

/// A client that speaks HTTP/1.1. `connect_timeout` bounds name, connection and TLS together; every other bound is the
/// caller's, who ends a request by dropping its future or its body. Fails only when the client cannot be set up at all.
pub fn http_client(connection: ConnectionPolicy, connect_timeout: HumanDuration) -> Result<HttpClient, HttpError> {
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
            // Without an idle connection to take, every request opens its own.
            ConnectionPolicy::PerRequest => client.pool_max_idle_per_host(0),
            ConnectionPolicy::Reuse => client,
        }
    };
    // A machine without CA certificates cannot check any TLS server, but it can still reach a NodePort in cleartext.
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
    let mut answer = http::Response::new(body);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}

/// An error that came before the status line.
fn error_before_headers(error: &reqwest::Error) -> HttpError {
    let failure = if error_sources(error).any(|cause| cause.is::<ResolveError>()) {
        HttpFailure::Dns
    } else if error.is_connect() {
        connect_failure(error)
    } else {
        HttpFailure::BeforeHeaders
    };
    HttpError { failure, message: format_chain(error) }
}

/// Why no connection stands: the system's own error kind, or the bound, which reqwest tells of by a type of its own.
fn connect_failure(error: &reqwest::Error) -> HttpFailure {
    let kind = error_sources(error).find_map(|cause| cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
    match kind {
        Some(ErrorKind::ConnectionRefused) => HttpFailure::ConnectRefused,
        Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            HttpFailure::ConnectTimeout
        }
        _ if error.is_timeout() => HttpFailure::ConnectTimeout,
        // The connection stood and TLS did not: lost before a status line.
        _ => HttpFailure::BeforeHeaders,
    }
}

/// A name that the system did not resolve: a type, because the system's own error for it has no kind to tell it by.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve {name}: {why}")]
struct ResolveError {
    name: String,
    why: String,
}

/// The system's resolver, asked anew for each connection, so that a name may come to mean more addresses during a run.
#[derive(Debug)]
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let host = name.clone();
            // Port 0: the client puts the URL's own port in.
            let found = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs()).await;
            let why = match found {
                Ok(Ok(addresses)) => return Ok(Box::new(addresses) as Addrs),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            Err(ResolveError { name, why }.into())
        })
    }
}
