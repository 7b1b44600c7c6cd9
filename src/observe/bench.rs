//! A test bench: a cluster of tables in process. Lists answer what a table holds; watches stream what a test sends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::outside::Outside;
use crate::clock::Clock;
use crate::record::observation::Seen;
use crate::world::{Book, Bundle, HttpError, HttpFailure};

/// A book without a disk: each write fails, and the observation stays in memory.
pub(super) fn book() -> Arc<Book> {
    Arc::new(Book::new(Clock::start(), Bundle::open(Path::new("/dev/null/none"))))
}

/// What was noted, as far as `pick` wants it.
pub(super) fn pick<T>(book: &Book, pick: impl Fn(&Seen) -> Option<T>) -> Vec<T> {
    book.read(|all| all.iter().filter_map(|one| pick(&one.seen)).collect())
}

/// The in-process cluster.
#[derive(Clone, Default)]
pub(super) struct Cluster(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    /// Answers by path, the query left out: status and body.
    answers: BTreeMap<String, (u16, String)>,
    /// Open watches by path.
    watches: BTreeMap<String, mpsc::Sender<String>>,
    /// Requests, in their order.
    asked: Vec<String>,
}

impl Cluster {
    /// From now on this is the answer at a path.
    pub(super) fn answers(&self, path: &str, status: u16, body: impl ToString) {
        self.0.lock().unwrap().answers.insert(path.to_owned(), (status, body.to_string()));
    }

    /// From now on the list at a path holds these objects.
    pub(super) fn lists(&self, path: &str, items: &[Value]) {
        self.answers(
            path,
            200,
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
        );
    }

    /// Sends an event to the watch at a path.
    pub(super) async fn tells(&self, path: &str, kind: &str, object: Value) {
        let watch = self.0.lock().unwrap().watches.get(path).cloned();
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        watch.expect("no watch is open").send(line).await.expect("the watch is closed");
    }

    /// Ends the watch at a path.
    pub(super) fn ends(&self, path: &str) {
        self.0.lock().unwrap().watches.remove(path);
    }

    /// Requests whose path and query contain this.
    pub(super) fn asked(&self, part: &str) -> Vec<String> {
        self.0.lock().unwrap().asked.iter().filter(|asked| asked.contains(part)).cloned().collect()
    }

    fn answer(&self, uri: &http::Uri) -> (u16, reqwest::Body) {
        let mut tables = self.0.lock().unwrap();
        tables.asked.push(uri.to_string());
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        if query.contains("watch=true") {
            let (tell, told) = mpsc::channel(16);
            tables.watches.insert(path.to_owned(), tell);
            let lines = futures::stream::unfold(told, |mut told| async { Some((told.recv().await?, told)) });
            return (200, reqwest::Body::wrap_stream(lines.map(Ok::<_, Infallible>)));
        }
        let empty = json!({"metadata": {"resourceVersion": "1"}, "items": []}).to_string();
        let (status, body) = tables.answers.get(path).cloned().unwrap_or((200, empty));
        (status, body.into())
    }

    /// The doors to this cluster.
    pub(super) fn outside(&self) -> Outside {
        let tables = self.clone();
        let clock = Clock::start();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (status, body) = tables.answer(request.uri());
            let date = jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", clock.wall()).unwrap();
            let response = http::Response::builder().status(status).header("date", date).body(body);
            async move { Ok::<_, Infallible>(response.unwrap()) }
        });
        let tables = self.clone();
        let http = tower::service_fn(move |request: http::Request<Bytes>| {
            let tables = tables.clone();
            async move {
                let path = request.uri().path();
                let answer = tables.0.lock().unwrap().answers.get(path).cloned();
                let (status, body) = answer.ok_or_else(|| HttpError {
                    failure: HttpFailure::ConnectRefused,
                    message: "connection refused".to_owned(),
                })?;
                let body: crate::world::Body = futures::stream::iter([Ok(Bytes::from(body))]).boxed();
                Ok(http::Response::builder().status(status).body(body).unwrap())
            }
        });
        let book = Arc::new(Book::new(clock, Bundle::open(Path::new("/dev/null/none"))));
        Outside { kube: kube::Client::new(service, "default"), http: crate::world::Http::new(http), book, clock }
    }
}
