//! Which sources an observer follows, and what becomes of their objects.

use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{Api, Resource};
use tokio::sync::watch;

use super::api_hop::ApiHop;
use super::change_filter::{ChangeFilter, OnDelete, ReduceFn};
use super::clock_poller::ClockPoller;
use super::endpoints::EndpointTracker;
use super::exporter_hop::ExporterHop;
use super::gap::GapTracker;
use super::poll::{HopPoller, RecordPolicy};
use super::store_hop::StoreHop;
use super::watcher::{ResourceWatcher, WatchSource};
use super::workload::WriteTimes;
use super::{Observer, ObserverConfig, event, hpa, leader, node, pod, workload};
use crate::metrics::selector;
use crate::model::observation::ObservationKind;
use crate::model::reading::MetricHop;

/// The target's label selector as text, once it has been seen: the question for a Pods metric holds it.
type SelectorSender = watch::Sender<Option<String>>;

/// Begins to follow everything that is to be watched.
pub(super) fn spawn_tasks(observer: &mut Observer, watch: ObserverConfig) {
    let selector = SelectorSender::new(None);
    let pods = selector.subscribe();
    watch_hpa(observer, &watch);
    watch_leader(observer);
    watch_target(observer, &watch, selector);
    watch_namespace(observer, &watch);
    if let Some(service) = &watch.service {
        watch_endpoints(observer, &watch.namespace, service);
    }
    poll_hops(observer, watch, pods);
    observer.spawn(ClockPoller::new(observer.context.clone()));
}

fn watch_hpa(observer: &mut Observer, watch: &ObserverConfig) {
    let reduce: ReduceFn<HorizontalPodAutoscaler> = Box::new(|object, before| {
        let seen = hpa::snapshot(object);
        // Of what is read here only a change of size dates itself.
        let scaled =
            matches!(before, Some(ObservationKind::Hpa(before)) if before.last_scale_time != seen.last_scale_time);
        let source = seen.last_scale_time.filter(|_| scaled);
        (ObservationKind::Hpa(seen), source)
    });
    spawn_watch(observer, named_object("hpa", observer, watch, &watch.hpa), object_gone, reduce);
}

/// Read where it may be: without it nobody knows what the controller remembers.
fn watch_leader(observer: &mut Observer) {
    let api: Api<Lease> = Api::namespaced(observer.context.kube.clone(), leader::LEASE_NAMESPACE);
    let fields = format!("metadata.name={}", leader::LEASE_NAME);
    let reduce: ReduceFn<Lease> = Box::new(|object, _| (ObservationKind::Leader(leader::snapshot(object)), None));
    spawn_watch(observer, WatchSource { field_selector: fields, ..all_objects("leader", api) }, |_| None, reduce);
}

fn watch_target(observer: &mut Observer, watch: &ObserverConfig, selector: SelectorSender) {
    match watch.target_kind.as_str() {
        "Deployment" => {
            let mut writes = WriteTimes::default();
            let reduce: ReduceFn<Deployment> = Box::new(move |object, _| {
                publish_selector(&selector, &object.spec.selector);
                (
                    ObservationKind::Workload(workload::snapshot_deployment(object)),
                    writes.next_write_time(&object.metadata),
                )
            });
            spawn_watch(observer, named_object("workload", observer, watch, &watch.target_name), object_gone, reduce);
        }
        "StatefulSet" => {
            let mut writes = WriteTimes::default();
            let reduce: ReduceFn<StatefulSet> = Box::new(move |object, _| {
                publish_selector(&selector, &object.spec.selector);
                (
                    ObservationKind::Workload(workload::snapshot_stateful_set(object)),
                    writes.next_write_time(&object.metadata),
                )
            });
            spawn_watch(observer, named_object("workload", observer, watch, &watch.target_name), object_gone, reduce);
        }
        other => record_unobserved(observer, "workload", &format!("a target of kind {other} is not observed")),
    }
}

fn publish_selector(selector: &SelectorSender, of: &LabelSelector) {
    selector.send_replace(Some(selector::format_selector(of)));
}

/// Pods and events of the namespace, and the nodes.
fn watch_namespace(observer: &mut Observer, watch: &ObserverConfig) {
    let namespace = &watch.namespace;
    let pods: ReduceFn<Pod> = Box::new(|object, _| (ObservationKind::Pod(pod::snapshot(object)), None));
    spawn_watch(
        observer,
        all_objects("pods", Api::namespaced(observer.context.kube.clone(), namespace)),
        |pod| Some(ObservationKind::PodDeleted(pod)),
        pods,
    );
    let events: ReduceFn<Event> = Box::new(|object, _| {
        let seen = event::snapshot(object);
        let source = seen.last_timestamp;
        (ObservationKind::Event(seen), source)
    });
    // An event goes when its time is up (an hour): no news.
    spawn_watch(
        observer,
        all_objects("events", Api::namespaced(observer.context.kube.clone(), namespace)),
        |_| None,
        events,
    );
    let nodes: ReduceFn<Node> = Box::new(|object, _| (ObservationKind::Node(node::snapshot(object)), None));
    spawn_watch(observer, all_objects("nodes", Api::all(observer.context.kube.clone())), object_gone, nodes);
}

fn watch_endpoints(observer: &mut Observer, namespace: &str, service: &str) {
    let (of_service, of_slices) = EndpointTracker::new_sinks(Arc::clone(&observer.context.timeline), service);
    let kube = observer.context.kube.clone();
    let fields = format!("metadata.name={service}");
    let one: WatchSource<Service> =
        WatchSource { field_selector: fields, ..all_objects("endpoints", Api::namespaced(kube.clone(), namespace)) };
    let labels = format!("kubernetes.io/service-name={service}");
    let slices: WatchSource<EndpointSlice> =
        WatchSource { label_selector: labels, ..all_objects("endpoints", Api::namespaced(kube, namespace)) };
    observer.spawn(ResourceWatcher::new(one, of_service, observer.context.clone()));
    observer.spawn(ResourceWatcher::new(slices, of_slices, observer.context.clone()));
}

fn poll_hops(observer: &mut Observer, watch: ObserverConfig, pods: watch::Receiver<Option<String>>) {
    let outside = observer.context.clone();
    match watch.metric {
        Some(metric) => {
            let (namespace, discovered) = (watch.namespace, None);
            let ask = ApiHop { context: outside.clone(), namespace, metric, pod_selector: pods, discovered };
            observer.spawn(HopPoller {
                hop: MetricHop::Api,
                policy: RecordPolicy::Each,
                reader: ask,
                context: outside.clone(),
            });
        }
        None => record_unobserved(observer, "api", "the HPA has no metric of the custom or external metrics API"),
    }
    if let Some(store) = watch.store {
        let ask = StoreHop { context: outside.clone(), store };
        observer.spawn(HopPoller {
            hop: MetricHop::Store,
            policy: RecordPolicy::Changes,
            reader: ask,
            context: outside.clone(),
        });
    }
    if let Some(exporter) = watch.exporter {
        let ask = ExporterHop { context: outside.clone(), exporter, pods: None };
        observer.spawn(HopPoller {
            hop: MetricHop::Exporter,
            policy: RecordPolicy::Changes,
            reader: ask,
            context: outside,
        });
    }
}

fn object_gone(gone: crate::model::observation::DeletedObject) -> Option<ObservationKind> {
    Some(ObservationKind::ObjectDeleted(gone))
}

/// A source that is not followed at all, and why.
fn record_unobserved(observer: &Observer, source: &'static str, why: &str) {
    let mut gap = GapTracker::new(source, observer.started_ms);
    gap.mark_failed(why);
    if let Some(gap) = gap.current() {
        observer.context.timeline.record(ObservationKind::Gap(gap), None);
    }
}

fn all_objects<K>(name: &'static str, api: Api<K>) -> WatchSource<K> {
    WatchSource { name, api, field_selector: String::new(), label_selector: String::new() }
}

fn named_object<K>(name: &'static str, observer: &Observer, watch: &ObserverConfig, object: &str) -> WatchSource<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = Api::namespaced(observer.context.kube.clone(), &watch.namespace);
    WatchSource { field_selector: format!("metadata.name={object}"), ..all_objects(name, api) }
}

fn spawn_watch<K>(observer: &mut Observer, source: WatchSource<K>, farewell: OnDelete, reduce: ReduceFn<K>)
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let ledger = ChangeFilter::new(Arc::clone(&observer.context.timeline), farewell, reduce);
    observer.spawn(ResourceWatcher::new(source, ledger, observer.context.clone()));
}
