//! The ready endpoints of our Service. Two sources feed it: the Service (its selector) and its EndpointSlices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::ledger::Keep;
use crate::record::observation::{EndpointsSeen, Gone, Seen};
use crate::world::Book;

/// What is known of the Service and its slices.
pub(super) struct Endpoints {
    book: Arc<Book>,
    service: String,
    selector: Option<BTreeMap<String, String>>,
    /// Names of ready pods by the uid of their slice.
    slices: BTreeMap<String, Vec<String>>,
    noted: Option<EndpointsSeen>,
}

impl Endpoints {
    /// Both ends of an empty state: what the Service's watch feeds, and what the slices' watch feeds.
    pub(super) fn ends(book: Arc<Book>, service: &str) -> (OfService, OfSlices) {
        let (selector, slices, noted) = (None, BTreeMap::new(), None);
        let both = Arc::new(Mutex::new(Self { book, service: service.to_owned(), selector, slices, noted }));
        (OfService(Arc::clone(&both)), OfSlices(both))
    }

    fn note(&mut self) {
        let ready: BTreeSet<_> = self.slices.values().flatten().cloned().collect();
        let seen = EndpointsSeen {
            service: self.service.clone(),
            ready: ready.into_iter().collect(),
            selector: self.selector.clone().unwrap_or_default(),
        };
        let nothing_yet = self.noted.is_none() && self.selector.is_none() && self.slices.is_empty();
        if !nothing_yet && self.noted.as_ref() != Some(&seen) {
            self.book.note(Seen::Endpoints(seen.clone()), None);
            self.noted = Some(seen);
        }
    }
}

/// What the Service's watch feeds.
pub(super) struct OfService(Arc<Mutex<Endpoints>>);

impl Keep<Service> for OfService {
    fn put(&mut self, object: &Service) {
        let selector = object.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
        lock(&self.0).selector = Some(selector);
    }

    fn remove(&mut self, gone: Gone) {
        let mut both = lock(&self.0);
        both.selector = None;
        both.book.note(Seen::ObjectGone(gone), None);
    }

    fn settled(&mut self) {
        lock(&self.0).note();
    }
}

/// What the slices' watch feeds.
pub(super) struct OfSlices(Arc<Mutex<Endpoints>>);

impl Keep<EndpointSlice> for OfSlices {
    fn put(&mut self, object: &EndpointSlice) {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        lock(&self.0).slices.insert(uid, ready(object));
    }

    fn remove(&mut self, gone: Gone) {
        lock(&self.0).slices.remove(&gone.uid);
    }

    fn settled(&mut self) {
        lock(&self.0).note();
    }
}

/// The pods of a slice that take traffic; an absent `ready` means true (EndpointConditions).
fn ready(slice: &EndpointSlice) -> Vec<String> {
    let open = slice
        .endpoints
        .iter()
        .flatten()
        .filter(|endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true));
    open.filter_map(|endpoint| endpoint.target_ref.as_ref())
        .filter(|target| target.kind.as_deref() == Some("Pod"))
        .filter_map(|target| target.name.clone())
        .collect()
}

fn lock(both: &Mutex<Endpoints>) -> std::sync::MutexGuard<'_, Endpoints> {
    both.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::bench;
    use serde_json::json;

    fn slice(uid: &str, pods: &[(&str, Option<bool>)]) -> EndpointSlice {
        let endpoints: Vec<_> = pods
            .iter()
            .map(|(pod, ready)| {
                json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready},
                    "targetRef": {"kind": "Pod", "name": pod, "namespace": "ai"}})
            })
            .collect();
        serde_json::from_value(json!({"metadata": {"name": uid, "uid": uid}, "addressType": "IPv4",
            "endpoints": endpoints}))
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_are_noted_when_the_set_or_the_selector_changes() {
        let book = bench::book();
        let (mut service, mut slices) = Endpoints::ends(Arc::clone(&book), "chat");
        slices.settled();
        let object = json!({"metadata": {"name": "chat", "uid": "s"}, "spec": {"selector": {"app": "ollama"}}});
        service.put(&serde_json::from_value(object).unwrap());
        service.settled();
        slices.put(&slice("a", &[("p2", Some(true)), ("p1", None), ("p3", Some(false))]));
        slices.put(&slice("b", &[("p2", Some(true))]));
        slices.settled();
        slices.put(&slice("b", &[("p3", Some(false))]));
        slices.settled();
        slices.remove(Gone { uid: "a".into(), ..Gone::default() });
        slices.settled();
        let ready = bench::pick(&book, |seen| match seen {
            Seen::Endpoints(seen) => Some((seen.ready.join(" "), seen.selector.len())),
            _ => None,
        });
        assert_eq!(ready, [(String::new(), 1), ("p1 p2".to_owned(), 1), (String::new(), 1)]);
    }
}
