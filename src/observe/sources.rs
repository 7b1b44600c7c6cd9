//! The sources that an observer watches and polls, and how it reduces their objects.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::{NamespaceResourceScope, Resource as _};
use kube::{Api, Resource};
use tokio::sync::watch;

use super::api_hop::ApiHop;
use super::change_filter::{ChangeFilter, OnDelete, ReduceFn};
use super::clock_poller::ClockPoller;
use super::endpoints::EndpointTracker;
use super::exporter_hop::ExporterHop;
use super::gap::GapTracker;
use super::poll::{HopPoller, RecordPolicy};
use super::scaled_object_poller::ScaledObjectPoller;
use super::store_hop::StoreHop;
use super::watcher::{ResourceWatcher, WatchSource};
use super::write_times::WriteTimes;
use super::{Observer, ObserverConfig};
use crate::metrics::selector;
use crate::model::observation::ObservationKind;
use crate::model::reading::MetricHop;
use crate::snapshot::{
    LEADER_LEASE_NAME, LEADER_LEASE_NAMESPACE, snapshot_deployment, snapshot_event, snapshot_hpa, snapshot_leader,
    snapshot_node, snapshot_pod, snapshot_stateful_set,
};

/// The target's label selector as text, `None` until the target is observed: the request for a Pods metric contains it.
type SelectorSender = watch::Sender<Option<String>>;

/// Starts a task for each source.
pub(super) fn spawn_tasks(observer: &mut Observer, config: ObserverConfig) {
    let selector = SelectorSender::new(None);
    let pods = selector.subscribe();
    watch_hpa(observer, &config);
    if let Some(name) = &config.scaled_object {
        observer.spawn(ScaledObjectPoller::new(observer.context.clone(), &config.namespace, name));
    }
    watch_leader(observer);
    watch_target(observer, &config, selector);
    watch_namespace(observer, &config);
    if let Some(service) = &config.service {
        watch_endpoints(observer, &config.namespace, service);
    }
    poll_hops(observer, config, pods);
    observer.spawn(ClockPoller::new(observer.context.clone()));
}

fn watch_hpa(observer: &mut Observer, config: &ObserverConfig) {
    let reduce: ReduceFn<HorizontalPodAutoscaler> = Box::new(|object, before| {
        let snapshot = match before {
            Some(ObservationKind::Hpa(before)) => snapshot_hpa(object).without_repeated_spec(before),
            _ => snapshot_hpa(object),
        };
        // Of the fields that are kept only a change of size carries its own time.
        let scaled =
            matches!(before, Some(ObservationKind::Hpa(before)) if before.last_scale_time != snapshot.last_scale_time);
        let source = snapshot.last_scale_time.filter(|_| scaled);
        (ObservationKind::Hpa(snapshot), source)
    });
    spawn_watch(observer, named_object("hpa", observer, config, &config.hpa), object_deleted, reduce);
}

/// Watches the controller manager's Lease, where the rights allow it: a new leader starts without the recommendations
/// that the old one kept for stabilization.
fn watch_leader(observer: &mut Observer) {
    let api: Api<Lease> = Api::namespaced(observer.context.kube.clone(), LEADER_LEASE_NAMESPACE);
    let fields = format!("metadata.name={}", LEADER_LEASE_NAME);
    let reduce: ReduceFn<Lease> = Box::new(|object, _| (ObservationKind::Leader(snapshot_leader(object)), None));
    spawn_watch(observer, WatchSource { field_selector: fields, ..all_objects("leader", api) }, |_| None, reduce);
}

fn watch_target(observer: &mut Observer, config: &ObserverConfig, selector: SelectorSender) {
    match config.target_kind.as_str() {
        Deployment::KIND => {
            let mut writes = WriteTimes::default();
            let reduce: ReduceFn<Deployment> = Box::new(move |object, _| {
                publish_selector(&selector, &object.spec.selector);
                (ObservationKind::Workload(snapshot_deployment(object)), writes.next_write_time(&object.metadata))
            });
            spawn_watch(
                observer,
                named_object("workload", observer, config, &config.target_name),
                object_deleted,
                reduce,
            );
        }
        StatefulSet::KIND => {
            let mut writes = WriteTimes::default();
            let reduce: ReduceFn<StatefulSet> = Box::new(move |object, _| {
                publish_selector(&selector, &object.spec.selector);
                (ObservationKind::Workload(snapshot_stateful_set(object)), writes.next_write_time(&object.metadata))
            });
            spawn_watch(
                observer,
                named_object("workload", observer, config, &config.target_name),
                object_deleted,
                reduce,
            );
        }
        other => record_unobserved(observer, "workload", &format!("unsupported scale target kind {other}")),
    }
}

fn publish_selector(sender: &SelectorSender, selector: &LabelSelector) {
    sender.send_replace(Some(selector::format_selector(selector)));
}

/// Watches the pods and events of the namespace, and all nodes.
fn watch_namespace(observer: &mut Observer, config: &ObserverConfig) {
    let namespace = &config.namespace;
    let pods: ReduceFn<Pod> = Box::new(|object, _| (ObservationKind::Pod(snapshot_pod(object)), None));
    spawn_watch(
        observer,
        all_objects("pods", Api::namespaced(observer.context.kube.clone(), namespace)),
        |pod| Some(ObservationKind::PodDeleted(pod)),
        pods,
    );
    let events: ReduceFn<Event> = Box::new(|object, _| {
        let snapshot = snapshot_event(object);
        let source = snapshot.last_timestamp;
        (ObservationKind::Event(snapshot), source)
    });
    // The API server deletes an event after its TTL (1 h): not worth a record.
    spawn_watch(
        observer,
        all_objects("events", Api::namespaced(observer.context.kube.clone(), namespace)),
        |_| None,
        events,
    );
    let nodes: ReduceFn<Node> = Box::new(|object, _| (ObservationKind::Node(snapshot_node(object)), None));
    spawn_watch(observer, all_objects("nodes", Api::all(observer.context.kube.clone())), object_deleted, nodes);
}

fn watch_endpoints(observer: &mut Observer, namespace: &str, service: &str) {
    let (service_sink, slice_sink) = EndpointTracker::new_sinks(Arc::clone(&observer.context.timeline), service);
    let kube = observer.context.kube.clone();
    let fields = format!("metadata.name={service}");
    let one: WatchSource<Service> =
        WatchSource { field_selector: fields, ..all_objects("endpoints", Api::namespaced(kube.clone(), namespace)) };
    let labels = format!("kubernetes.io/service-name={service}");
    let slices: WatchSource<EndpointSlice> =
        WatchSource { label_selector: labels, ..all_objects("endpoints", Api::namespaced(kube, namespace)) };
    observer.spawn(ResourceWatcher::new(one, service_sink, observer.context.clone()));
    observer.spawn(ResourceWatcher::new(slices, slice_sink, observer.context.clone()));
}

fn poll_hops(observer: &mut Observer, config: ObserverConfig, pods: watch::Receiver<Option<String>>) {
    let context = observer.context.clone();
    match config.metric {
        Some(metric) => {
            let reader = ApiHop { context: context.clone(), metric, pod_selector: pods, discovered: None };
            observer.spawn(HopPoller {
                hop: MetricHop::Api,
                policy: RecordPolicy::Each,
                reader,
                context: context.clone(),
            });
        }
        None => {
            record_unobserved(observer, "metricsApi", "the HPA has no metric of the custom or external metrics API")
        }
    }
    if let Some(store) = config.store {
        let reader = StoreHop { context: context.clone(), store, profile: config.profile.clone() };
        observer.spawn(HopPoller {
            hop: MetricHop::Store,
            policy: RecordPolicy::Changes,
            reader,
            context: context.clone(),
        });
    }
    if let Some(exporter) = config.exporter {
        let reader = ExporterHop { context: context.clone(), exporter, profile: config.profile, pods: None };
        observer.spawn(HopPoller { hop: MetricHop::Exporter, policy: RecordPolicy::Changes, reader, context });
    }
}

fn object_deleted(deleted: crate::model::observation::DeletedObject) -> Option<ObservationKind> {
    Some(ObservationKind::ObjectDeleted(deleted))
}

/// Records that a source is not observed in this run, and the reason.
fn record_unobserved(observer: &Observer, source: &'static str, reason: &str) {
    let mut gap = GapTracker::new(source, observer.started_ms);
    gap.mark_failed(reason);
    if let Some(gap) = gap.current() {
        observer.context.timeline.record(ObservationKind::Gap(gap), None);
    }
}

fn all_objects<K>(name: &'static str, api: Api<K>) -> WatchSource<K> {
    WatchSource { name, api, field_selector: String::new(), label_selector: String::new() }
}

fn named_object<K>(name: &'static str, observer: &Observer, config: &ObserverConfig, object: &str) -> WatchSource<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = Api::namespaced(observer.context.kube.clone(), &config.namespace);
    WatchSource { field_selector: format!("metadata.name={object}"), ..all_objects(name, api) }
}

fn spawn_watch<K>(observer: &mut Observer, source: WatchSource<K>, on_delete: OnDelete, reduce: ReduceFn<K>)
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let filter = ChangeFilter::new(Arc::clone(&observer.context.timeline), on_delete, reduce);
    observer.spawn(ResourceWatcher::new(source, filter, observer.context.clone()));
}
