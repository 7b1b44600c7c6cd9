//! An in-process cluster for tests. Lists return the objects of a table; watches stream the events that a test sends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::context::ObserverContext;
use crate::clock::RunClock;
use crate::env::{Bundle, HttpError, HttpFailure, TimelineWriter};
use crate::model::observation::ObservationKind;

/// A timeline without a disk: every write fails, and the observations stay in memory.
pub(super) fn memory_timeline() -> Arc<TimelineWriter> {
    Arc::new(TimelineWriter::new(RunClock::start(), Bundle::open(Path::new("/dev/null/none"))))
}

/// The recorded observations for which `pick` returns a value.
pub(super) fn collect_observations<T>(
    timeline: &TimelineWriter,
    pick: impl Fn(&ObservationKind) -> Option<T>,
) -> Vec<T> {
    timeline.with_observations(|all| all.iter().filter_map(|observation| pick(&observation.kind)).collect())
}

/// The in-process cluster.
#[derive(Clone, Default)]
pub(super) struct ObservedCluster(Arc<Mutex<ClusterTables>>);

#[derive(Default)]
struct ClusterTables {
    /// Responses by path without query: status and body.
    responses: BTreeMap<String, (u16, String)>,
    /// Open watches by path.
    watches: BTreeMap<String, mpsc::Sender<String>>,
    /// Requests, in order.
    requests: Vec<String>,
    /// Applies to every request through the API server: status (0 for the normal response), Retry-After, latency.
    fault: Option<(u16, u64, Duration)>,
    /// Requests for the metric that are in flight through the API server: now, and at most.
    in_flight: (usize, usize),
}

impl ObservedCluster {
    /// Sets the response at a path.
    pub(super) fn set_response(&self, path: &str, status: u16, body: impl ToString) {
        self.0.lock().unwrap().responses.insert(path.to_owned(), (status, body.to_string()));
    }

    /// Sets the objects of the list at a path.
    pub(super) fn set_list(&self, path: &str, items: &[Value]) {
        self.set_response(
            path,
            200,
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
        );
    }

    /// Sends an event to the watch at a path.
    pub(super) async fn send_event(&self, path: &str, kind: &str, object: Value) {
        let watch = self.0.lock().unwrap().watches.get(path).cloned();
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        watch.expect("no watch is open").send(line).await.expect("the watch is closed");
    }

    /// Ends the watch at a path.
    pub(super) fn end_watch(&self, path: &str) {
        self.0.lock().unwrap().watches.remove(path);
    }

    /// Requests whose path and query contain this.
    pub(super) fn requests(&self, part: &str) -> Vec<String> {
        self.0.lock().unwrap().requests.iter().filter(|uri| uri.contains(part)).cloned().collect()
    }

    /// Makes the API server answer every request with this status, after this latency; status 0 only delays it.
    pub(super) fn set_fault(&self, status: u16, retry_after: u64, latency: Duration) {
        self.0.lock().unwrap().fault = Some((status, retry_after, latency));
    }

    /// Removes the fault.
    pub(super) fn clear_fault(&self) {
        self.0.lock().unwrap().fault = None;
    }

    /// Ends every watch.
    pub(super) fn close_watches(&self) {
        self.0.lock().unwrap().watches.clear();
    }

    /// The most requests for the metric that were in flight at once.
    pub(super) fn max_in_flight(&self) -> usize {
        self.0.lock().unwrap().in_flight.1
    }

    fn respond(&self, uri: &http::Uri, fault: Option<u16>) -> (u16, reqwest::Body) {
        let mut tables = self.0.lock().unwrap();
        if let Some(code) = fault.filter(|code| *code > 0) {
            let body = json!({"kind": "Status", "status": "Failure", "message": "overloaded", "code": code});
            return (code, body.to_string().into());
        }
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        if query.contains("watch=true") {
            let (sender, receiver) = mpsc::channel(16);
            tables.watches.insert(path.to_owned(), sender);
            let lines =
                futures::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
            return (200, reqwest::Body::wrap_stream(lines.map(Ok::<_, Infallible>)));
        }
        let empty = json!({"metadata": {"resourceVersion": "1"}, "items": []}).to_string();
        let (status, body) = tables.responses.get(path).cloned().unwrap_or((200, empty));
        (status, body.into())
    }

    fn begin_request(&self, uri: &http::Uri) -> Option<(u16, u64, Duration)> {
        let mut tables = self.0.lock().unwrap();
        tables.requests.push(uri.to_string());
        if uri.path() == super::tests::METRIC {
            tables.in_flight.0 += 1;
            tables.in_flight.1 = tables.in_flight.1.max(tables.in_flight.0);
        }
        tables.fault
    }

    fn end_request(&self, uri: &http::Uri) {
        if uri.path() == super::tests::METRIC {
            self.0.lock().unwrap().in_flight.0 -= 1;
        }
    }

    /// An observer context of this cluster.
    pub(super) fn context(&self) -> ObserverContext {
        let tables = self.clone();
        let clock = RunClock::start();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let tables = tables.clone();
            async move {
                let fault = tables.begin_request(request.uri());
                if let Some((_, _, latency)) = fault {
                    tokio::time::sleep(latency).await;
                }
                tables.end_request(request.uri());
                let (status, body) = tables.respond(request.uri(), fault.map(|(code, _, _)| code));
                let date = jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", clock.wall_time()).unwrap();
                let response = http::Response::builder().status(status).header("date", date);
                let response = match fault.filter(|(_, after, _)| *after > 0) {
                    Some((_, after, _)) => response.header("retry-after", after),
                    None => response,
                };
                Ok::<_, Infallible>(response.body(body).unwrap())
            }
        });
        let tables = self.clone();
        let http = tower::service_fn(move |request: http::Request<Bytes>| {
            let tables = tables.clone();
            async move {
                let path = request.uri().path();
                let response = tables.0.lock().unwrap().responses.get(path).cloned();
                let (status, body) = response.ok_or_else(|| HttpError {
                    failure: HttpFailure::ConnectRefused,
                    message: "connection refused".to_owned(),
                })?;
                let body: crate::env::ResponseBody = futures::stream::iter([Ok(Bytes::from(body))]).boxed();
                Ok(http::Response::builder().status(status).body(body).unwrap())
            }
        });
        let timeline = Arc::new(TimelineWriter::new(clock, Bundle::open(Path::new("/dev/null/none"))));
        ObserverContext::new(kube::Client::new(service, "default"), crate::env::HttpClient::new(http), timeline, clock)
    }
}
