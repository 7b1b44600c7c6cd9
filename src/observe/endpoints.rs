//! The ready endpoints of our Service. Two sources feed it: the Service (its selector) and its EndpointSlices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::change_filter::WatchSink;
use crate::env::TimelineWriter;
use crate::model::observation::{DeletedObject, EndpointsSnapshot, ObservationKind};

/// What is known of the Service and its slices.
pub(super) struct EndpointTracker {
    timeline: Arc<TimelineWriter>,
    service: String,
    selector: Option<BTreeMap<String, String>>,
    /// Names of ready pods by the uid of their slice.
    ready_by_slice: BTreeMap<String, Vec<String>>,
    last_recorded: Option<EndpointsSnapshot>,
}

impl EndpointTracker {
    /// Both ends of an empty state: what the Service's watch feeds, and what the slices' watch feeds.
    pub(super) fn new_sinks(book: Arc<TimelineWriter>, service: &str) -> (ServiceSink, EndpointSliceSink) {
        let (selector, slices, noted) = (None, BTreeMap::new(), None);
        let both = Arc::new(Mutex::new(Self {
            timeline: book,
            service: service.to_owned(),
            selector,
            ready_by_slice: slices,
            last_recorded: noted,
        }));
        (ServiceSink(Arc::clone(&both)), EndpointSliceSink(both))
    }

    fn record_if_changed(&mut self) {
        let ready: BTreeSet<_> = self.ready_by_slice.values().flatten().cloned().collect();
        let seen = EndpointsSnapshot {
            service: self.service.clone(),
            ready_pods: ready.into_iter().collect(),
            selector: self.selector.clone().unwrap_or_default(),
        };
        let nothing_yet = self.last_recorded.is_none() && self.selector.is_none() && self.ready_by_slice.is_empty();
        if !nothing_yet && self.last_recorded.as_ref() != Some(&seen) {
            self.timeline.record(ObservationKind::Endpoints(seen.clone()), None);
            self.last_recorded = Some(seen);
        }
    }
}

/// What the Service's watch feeds.
pub(super) struct ServiceSink(Arc<Mutex<EndpointTracker>>);

impl WatchSink<Service> for ServiceSink {
    fn upsert(&mut self, object: &Service) {
        let selector = object.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
        lock(&self.0).selector = Some(selector);
    }

    fn remove(&mut self, gone: DeletedObject) {
        let mut both = lock(&self.0);
        both.selector = None;
        both.timeline.record(ObservationKind::ObjectDeleted(gone), None);
    }

    fn flush(&mut self) {
        lock(&self.0).record_if_changed();
    }
}

/// What the slices' watch feeds.
pub(super) struct EndpointSliceSink(Arc<Mutex<EndpointTracker>>);

impl WatchSink<EndpointSlice> for EndpointSliceSink {
    fn upsert(&mut self, object: &EndpointSlice) {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        lock(&self.0).ready_by_slice.insert(uid, ready_pods(object));
    }

    fn remove(&mut self, gone: DeletedObject) {
        lock(&self.0).ready_by_slice.remove(&gone.uid);
    }

    fn flush(&mut self) {
        lock(&self.0).record_if_changed();
    }
}

/// The pods of a slice that take traffic; an absent `ready` means true (EndpointConditions).
fn ready_pods(slice: &EndpointSlice) -> Vec<String> {
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

fn lock(both: &Mutex<EndpointTracker>) -> std::sync::MutexGuard<'_, EndpointTracker> {
    both.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::fake_cluster;
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
        let book = fake_cluster::memory_timeline();
        let (mut service, mut slices) = EndpointTracker::new_sinks(Arc::clone(&book), "chat");
        slices.flush();
        let object = json!({"metadata": {"name": "chat", "uid": "s"}, "spec": {"selector": {"app": "ollama"}}});
        service.upsert(&serde_json::from_value(object).unwrap());
        service.flush();
        slices.upsert(&slice("a", &[("p2", Some(true)), ("p1", None), ("p3", Some(false))]));
        slices.upsert(&slice("b", &[("p2", Some(true))]));
        slices.flush();
        slices.upsert(&slice("b", &[("p3", Some(false))]));
        slices.flush();
        slices.remove(DeletedObject { uid: "a".into(), ..DeletedObject::default() });
        slices.flush();
        let ready = fake_cluster::collect_seen(&book, |seen| match seen {
            ObservationKind::Endpoints(seen) => Some((seen.ready_pods.join(" "), seen.selector.len())),
            _ => None,
        });
        assert_eq!(ready, [(String::new(), 1), ("p1 p2".to_owned(), 1), (String::new(), 1)]);
    }
}
