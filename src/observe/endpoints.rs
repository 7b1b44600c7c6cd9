//! Tracks the ready endpoints of the Service, from two sources: the Service (its selector) and its EndpointSlices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::change_filter::WatchSink;
use crate::env::TimelineWriter;
use crate::model::observation::{DeletedObject, EndpointsSnapshot, ObservationKind};
use crate::snapshot::{ready_pods, service_selector, session_affinity};

/// The current state of the Service and its slices.
pub(super) struct EndpointTracker {
    timeline: Arc<TimelineWriter>,
    service: String,
    selector: Option<BTreeMap<String, String>>,
    session_affinity: Option<String>,
    /// Names of the ready pods by the uid of their slice.
    ready_by_slice: BTreeMap<String, Vec<String>>,
    last_recorded: Option<EndpointsSnapshot>,
}

impl EndpointTracker {
    /// The sinks of the two watches, which share one tracker.
    pub(super) fn new_sinks(timeline: Arc<TimelineWriter>, service: &str) -> (ServiceSink, EndpointSliceSink) {
        let tracker = Arc::new(Mutex::new(Self {
            timeline,
            service: service.to_owned(),
            selector: None,
            session_affinity: None,
            ready_by_slice: BTreeMap::new(),
            last_recorded: None,
        }));
        (ServiceSink(Arc::clone(&tracker)), EndpointSliceSink(tracker))
    }

    fn record_if_changed(&mut self) {
        let ready: BTreeSet<_> = self.ready_by_slice.values().flatten().cloned().collect();
        let snapshot = EndpointsSnapshot {
            service: self.service.clone(),
            ready_pods: ready.into_iter().collect(),
            selector: self.selector.clone().unwrap_or_default(),
            session_affinity: self.session_affinity.clone(),
        };
        let nothing_yet = self.last_recorded.is_none() && self.selector.is_none() && self.ready_by_slice.is_empty();
        if !nothing_yet && self.last_recorded.as_ref() != Some(&snapshot) {
            self.timeline.record(ObservationKind::Endpoints(snapshot.clone()), None);
            self.last_recorded = Some(snapshot);
        }
    }
}

/// Sink of the Service's watch.
pub(super) struct ServiceSink(Arc<Mutex<EndpointTracker>>);

impl WatchSink<Service> for ServiceSink {
    fn upsert(&mut self, object: &Service) {
        let mut tracker = lock(&self.0);
        (tracker.selector, tracker.session_affinity) = (Some(service_selector(object)), session_affinity(object));
    }

    fn remove(&mut self, deleted: DeletedObject) {
        let mut tracker = lock(&self.0);
        tracker.selector = None;
        tracker.timeline.record(ObservationKind::ObjectDeleted(deleted), None);
    }

    fn flush(&mut self) {
        lock(&self.0).record_if_changed();
    }
}

/// Sink of the EndpointSlices' watch.
pub(super) struct EndpointSliceSink(Arc<Mutex<EndpointTracker>>);

impl WatchSink<EndpointSlice> for EndpointSliceSink {
    fn upsert(&mut self, object: &EndpointSlice) {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        lock(&self.0).ready_by_slice.insert(uid, ready_pods(object));
    }

    fn remove(&mut self, deleted: DeletedObject) {
        lock(&self.0).ready_by_slice.remove(&deleted.uid);
    }

    fn flush(&mut self) {
        lock(&self.0).record_if_changed();
    }
}

fn lock(tracker: &Mutex<EndpointTracker>) -> std::sync::MutexGuard<'_, EndpointTracker> {
    tracker.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn endpoints_are_recorded_when_the_set_or_the_selector_changes() {
        let timeline = fake_cluster::memory_timeline();
        let (mut service, mut slices) = EndpointTracker::new_sinks(Arc::clone(&timeline), "chat");
        slices.flush();
        let object = json!({"metadata": {"name": "chat", "uid": "s"}, "spec": {"selector": {"app": "ollama"},
            "sessionAffinity": "ClientIP"}});
        service.upsert(&serde_json::from_value(object).unwrap());
        service.flush();
        slices.upsert(&slice("a", &[("p2", Some(true)), ("p1", None), ("p3", Some(false))]));
        slices.upsert(&slice("b", &[("p2", Some(true))]));
        slices.flush();
        slices.upsert(&slice("b", &[("p3", Some(false))]));
        slices.flush();
        slices.remove(DeletedObject { uid: "a".into(), ..DeletedObject::default() });
        slices.flush();
        let ready = fake_cluster::collect_observations(&timeline, |snapshot| match snapshot {
            ObservationKind::Endpoints(snapshot) => {
                assert_eq!(snapshot.session_affinity.as_deref(), Some("ClientIP"));
                Some((snapshot.ready_pods.join(" "), snapshot.selector.len()))
            }
            _ => None,
        });
        assert_eq!(ready, [(String::new(), 1), ("p1 p2".to_owned(), 1), (String::new(), 1)]);
    }
}
