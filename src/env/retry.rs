//! The Kubernetes clients. The retrying one repeats a request that fails because the API server restarts, changes its
//! leader or is overloaded. Repeating is safe for every request of this crate: `install` recognizes by the run's label
//! an object that the first attempt created. The observer uses the other one, because it records such failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, header};
use kube::client::Body;

/// Attempts of a request that gets a retryable status: with waits of 250 ms, doubled, 8 s in total.
const MAX_ATTEMPTS: u32 = 6;
/// First of these waits.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
/// Longest accepted `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);
/// Attempts, 1 s apart, while an API server that has responded before does not respond: after a restart it is back
/// within half a minute, and a deleted cluster must not delay the clean-up for much longer.
const MAX_OUTAGE_ATTEMPTS: u32 = 60;

/// The two clients of one cluster.
#[derive(Clone)]
pub struct KubeClients {
    /// Retries requests that the API server cannot answer now. For everything but observation.
    pub retrying: kube::Client,
    /// Sends every request once. For observation: a failure is a result.
    pub no_retry: kube::Client,
}

impl KubeClients {
    /// The clients of the cluster of a client that does not retry.
    #[must_use]
    pub(crate) fn new(no_retry: kube::Client) -> Self {
        Self { retrying: with_retry(no_retry.clone()), no_retry }
    }
}

fn with_retry(client: kube::Client) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    // Consecutive failures of all requests: a deleted cluster is waited for once. No retry before the first response.
    let failures = Arc::new(AtomicU32::new(MAX_OUTAGE_ATTEMPTS));
    let service = tower::service_fn(move |request| {
        let (client, failures) = (client.clone(), Arc::clone(&failures));
        async move { send_with_retry(&client, &failures, request).await }
    });
    kube::Client::new(service, namespace)
}

async fn send_with_retry(
    client: &kube::Client,
    failures: &AtomicU32,
    request: Request<Body>,
) -> kube::Result<Response<Body>> {
    let (mut request, mut attempt) = (request, 1);
    loop {
        let copy = clone_request(&request);
        let result = client.send(request).await;
        let wait = match &result {
            Ok(response) => {
                failures.store(0, Ordering::Relaxed);
                let wait = INITIAL_BACKOFF * 2_u32.saturating_pow(attempt - 1);
                let retry_after = parse_retry_after(response.headers()).map(|after| after.min(MAX_RETRY_AFTER));
                (attempt < MAX_ATTEMPTS && is_retryable(response.status())).then(|| retry_after.unwrap_or(wait))
            }
            Err(kube::Error::Service(_) | kube::Error::HyperError(_)) => {
                (failures.fetch_add(1, Ordering::Relaxed) < MAX_OUTAGE_ATTEMPTS).then_some(Duration::from_secs(1))
            }
            Err(_) => None,
        };
        let Some((wait, next)) = wait.zip(copy) else { return result };
        tokio::time::sleep(wait).await;
        (request, attempt) = (next, attempt + 1);
    }
}

fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502..=504)
}

/// The `Retry-After` of a response, if it is a number of seconds, as Kubernetes sends it.
pub(crate) fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn clone_request(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use std::sync::Mutex;

    /// A cluster that responds with these statuses in order, then always with the last one; 0 is no response.
    fn cluster(statuses: &[u16]) -> (kube::Client, Arc<Mutex<u32>>) {
        let (requests, statuses) = (Arc::new(Mutex::new(0)), statuses.to_vec());
        let count = Arc::clone(&requests);
        let service = tower::service_fn(move |_: Request<Body>| {
            let mut count = count.lock().unwrap();
            let status = statuses[usize::try_from(*count).unwrap().min(statuses.len() - 1)];
            *count += 1;
            async move {
                match status {
                    0 => Err(std::io::Error::other("connection refused")),
                    status => Ok(Response::builder().status(status).body(Body::empty()).unwrap()),
                }
            }
        });
        (with_retry(kube::Client::new(service, "default")), requests)
    }

    async fn status_of(client: &kube::Client, method: Method, path: &str) -> Option<u16> {
        let request = Request::builder().method(method).uri(path).body(Body::from(b"x".to_vec())).unwrap();
        client.send(request).await.ok().map(|response| response.status().as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn a_retryable_failure_is_retried() {
        let cases = [
            (Method::GET, "/api", &[500, 429, 503, 504, 200][..], Some(200), 5),
            (Method::DELETE, "/api", &[500, 200], Some(200), 2),
            (Method::POST, "/api", &[429, 503, 201], Some(201), 3),
            (Method::POST, "/api", &[409, 201], Some(409), 1),
            (Method::GET, "/api", &[404, 200], Some(404), 1),
            (Method::GET, "/api", &[500], Some(500), MAX_ATTEMPTS),
        ];
        for (method, path, statuses, expected, times) in cases {
            let (client, count) = cluster(statuses);
            assert_eq!(status_of(&client, method.clone(), path).await, expected, "{method} {statuses:?}");
            assert_eq!(*count.lock().unwrap(), times, "{method} {statuses:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_has_responded_is_waited_for_once() {
        let (client, _) = cluster(&[200, 0, 0, 0, 200]);
        assert_eq!(status_of(&client, Method::GET, "/a").await, Some(200));
        assert_eq!(status_of(&client, Method::DELETE, "/a").await, Some(200), "back after 3 s");
        let (client, count) = cluster(&[200, 0]);
        status_of(&client, Method::GET, "/a").await;
        assert_eq!(status_of(&client, Method::GET, "/a").await, None);
        assert_eq!(*count.lock().unwrap(), MAX_OUTAGE_ATTEMPTS + 2);
        assert_eq!(status_of(&client, Method::GET, "/b").await, None);
        assert_eq!(
            *count.lock().unwrap(),
            MAX_OUTAGE_ATTEMPTS + 3,
            "a cluster that is gone is not waited for a second time"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_never_responded_fails_at_once() {
        let (client, count) = cluster(&[0]);
        assert_eq!(status_of(&client, Method::GET, "/a").await, None);
        assert_eq!(*count.lock().unwrap(), 1);
    }
}
