//! A door to the cluster for whoever changes it: what an API server answers while it starts again, changes its leader or
//! has too much to do is no answer yet, so the request is sent again. Each request that is sent here may be: a creation
//! that was carried out the first time is known by its run's label (`install`). Whoever observes uses the plain door:
//! there a refusal is what was to be seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use kube::client::Body;

/// Tries of a request that is answered so: with waits of 250 ms, doubled, 8 s in all.
const MAX_ATTEMPTS: u32 = 6;
/// First of these waits.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
/// Longest wait that the server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);
/// Tries, a second apart, of an API server that was there and does not answer: one that is started again is back within
/// half a minute, and a cluster that is gone must not keep the clean-up for much longer.
const MAX_OUTAGE_ATTEMPTS: u32 = 60;

/// The same cluster, asked again where that is lawful.
#[must_use]
pub fn with_retry(plain: kube::Client) -> kube::Client {
    let namespace = plain.default_namespace().to_owned();
    // Failures in a row of all requests: a cluster that is gone is waited for once. None before the first answer.
    let missed = Arc::new(AtomicU32::new(MAX_OUTAGE_ATTEMPTS));
    let service = tower::service_fn(move |request| {
        let (plain, missed) = (plain.clone(), Arc::clone(&missed));
        async move { send_with_retry(&plain, &missed, request).await }
    });
    kube::Client::new(service, namespace)
}

async fn send_with_retry(
    plain: &kube::Client,
    missed: &AtomicU32,
    request: Request<Body>,
) -> kube::Result<Response<Body>> {
    let (mut request, mut tries) = (request, 1);
    loop {
        let again = clone_request(&request);
        let result = plain.send(request).await;
        let wait = match &result {
            Ok(answer) => {
                missed.store(0, Ordering::Relaxed);
                let wait = INITIAL_BACKOFF * 2_u32.saturating_pow(tries - 1);
                (tries < MAX_ATTEMPTS && is_retryable(answer.status())).then(|| retry_after(answer).unwrap_or(wait))
            }
            Err(kube::Error::Service(_) | kube::Error::HyperError(_)) => {
                (missed.fetch_add(1, Ordering::Relaxed) < MAX_OUTAGE_ATTEMPTS).then_some(Duration::from_secs(1))
            }
            Err(_) => None,
        };
        let Some((wait, next)) = wait.zip(again) else { return result };
        tokio::time::sleep(wait).await;
        (request, tries) = (next, tries + 1);
    }
}

fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502..=504)
}

fn retry_after(answer: &Response<Body>) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
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

    /// A cluster that answers so, one after the other, the last one for ever; 0 is no answer at all.
    fn cluster(answers: &[u16]) -> (kube::Client, Arc<Mutex<u32>>) {
        let (asked, answers) = (Arc::new(Mutex::new(0)), answers.to_vec());
        let count = Arc::clone(&asked);
        let service = tower::service_fn(move |_: Request<Body>| {
            let mut count = count.lock().unwrap();
            let status = answers[usize::try_from(*count).unwrap().min(answers.len() - 1)];
            *count += 1;
            async move {
                match status {
                    0 => Err(std::io::Error::other("connection refused")),
                    status => Ok(Response::builder().status(status).body(Body::empty()).unwrap()),
                }
            }
        });
        (with_retry(kube::Client::new(service, "default")), asked)
    }

    async fn asked(client: &kube::Client, method: Method, path: &str) -> Option<u16> {
        let request = Request::builder().method(method).uri(path).body(Body::from(b"x".to_vec())).unwrap();
        client.send(request).await.ok().map(|answer| answer.status().as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_answer_yet_is_asked_again() {
        let cases = [
            (Method::GET, "/api", &[500, 429, 503, 504, 200][..], Some(200), 5),
            (Method::DELETE, "/api", &[500, 200], Some(200), 2),
            (Method::POST, "/api", &[429, 503, 201], Some(201), 3),
            (Method::POST, "/api", &[409, 201], Some(409), 1),
            (Method::GET, "/api", &[404, 200], Some(404), 1),
            (Method::GET, "/api", &[500], Some(500), MAX_ATTEMPTS),
        ];
        for (method, path, answers, expected, times) in cases {
            let (client, count) = cluster(answers);
            assert_eq!(asked(&client, method.clone(), path).await, expected, "{method} {answers:?}");
            assert_eq!(*count.lock().unwrap(), times, "{method} {answers:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_was_there_is_waited_for_once() {
        let (client, _) = cluster(&[200, 0, 0, 0, 200]);
        assert_eq!(asked(&client, Method::GET, "/a").await, Some(200));
        assert_eq!(asked(&client, Method::DELETE, "/a").await, Some(200), "back after three seconds");
        let (client, count) = cluster(&[200, 0]);
        asked(&client, Method::GET, "/a").await;
        assert_eq!(asked(&client, Method::GET, "/a").await, None);
        assert_eq!(*count.lock().unwrap(), MAX_OUTAGE_ATTEMPTS + 2);
        assert_eq!(asked(&client, Method::GET, "/b").await, None);
        assert_eq!(*count.lock().unwrap(), MAX_OUTAGE_ATTEMPTS + 3, "what is gone is not waited for a second time");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_answered_is_told_at_once() {
        let (client, count) = cluster(&[0]);
        assert_eq!(asked(&client, Method::GET, "/a").await, None);
        assert_eq!(*count.lock().unwrap(), 1);
    }
}
