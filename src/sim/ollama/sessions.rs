//! The requests in flight through the HAProxy of each pod.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;

use crate::env::ResponseBody;

/// The numbers of requests, by namespace and pod.
#[derive(Default)]
pub(super) struct ProxySessions(BTreeMap<(String, String), Arc<AtomicUsize>>);

impl ProxySessions {
    /// Counts a request until the session is dropped.
    pub(super) fn begin(&mut self, namespace: &str, pod: &str) -> ProxySession {
        let count = self.0.entry((namespace.to_owned(), pod.to_owned())).or_default();
        count.fetch_add(1, Ordering::Relaxed);
        ProxySession(Arc::clone(count))
    }

    pub(super) fn count(&self, namespace: &str, pod: &str) -> usize {
        let count = self.0.get(&(namespace.to_owned(), pod.to_owned()));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// A request in flight.
pub(super) struct ProxySession(Arc<AtomicUsize>);

impl ProxySession {
    /// The body, which ends the session when it is dropped.
    pub(super) fn hold_until_end_of(self, body: ResponseBody) -> ResponseBody {
        body.map(move |chunk| {
            let _in_flight = &self;
            chunk
        })
        .boxed()
    }
}

impl Drop for ProxySession {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
