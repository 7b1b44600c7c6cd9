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
use super::clock_hop::ClockHop;
use super::endpoints::Endpoints;
use super::exporter_hop::ExporterHop;
use super::follow::{Follower, Source};
use super::gap::Gap;
use super::ledger::{Farewell, Ledger, Reduce};
use super::poll::{Habit, Poller};
use super::store_hop::StoreHop;
use super::workload::Writes;
use super::{Observer, Watch, event, hpa, leader, node, pod, workload};
use crate::metrics::selector;
use crate::record::observation::Seen;
use crate::record::reading::Hop;

/// The target's label selector as text, once it has been seen: the question for a Pods metric holds it.
type Selector = watch::Sender<Option<String>>;

/// Begins to follow everything that is to be watched.
pub(super) fn spawn(observer: &mut Observer, watch: Watch) {
    let selector = Selector::new(None);
    let pods = selector.subscribe();
    hpa(observer, &watch);
    leader(observer);
    target(observer, &watch, selector);
    things(observer, &watch);
    if let Some(service) = &watch.service {
        endpoints(observer, &watch.namespace, service);
    }
    hops(observer, watch, pods);
    observer.spawn(ClockHop::new(observer.outside.clone()));
}

fn hpa(observer: &mut Observer, watch: &Watch) {
    let reduce: Reduce<HorizontalPodAutoscaler> = Box::new(|object, before| {
        let seen = hpa::seen(object);
        // Of what is read here only a change of size dates itself.
        let scaled = matches!(before, Some(Seen::Hpa(before)) if before.last_scale != seen.last_scale);
        let source = seen.last_scale.filter(|_| scaled);
        (Seen::Hpa(seen), source)
    });
    follow(observer, named("hpa", observer, watch, &watch.hpa), gone, reduce);
}

/// Read where it may be: without it nobody knows what the controller remembers.
fn leader(observer: &mut Observer) {
    let api: Api<Lease> = Api::namespaced(observer.outside.kube.clone(), leader::NAMESPACE);
    let fields = format!("metadata.name={}", leader::NAME);
    let reduce: Reduce<Lease> = Box::new(|object, _| (Seen::Leader(leader::seen(object)), None));
    follow(observer, Source { fields, ..all("leader", api) }, |_| None, reduce);
}

fn target(observer: &mut Observer, watch: &Watch, selector: Selector) {
    match watch.target_kind.as_str() {
        "Deployment" => {
            let mut writes = Writes::default();
            let reduce: Reduce<Deployment> = Box::new(move |object, _| {
                tell(&selector, &object.spec.selector);
                (Seen::Workload(workload::deployment(object)), writes.date(&object.metadata))
            });
            follow(observer, named("workload", observer, watch, &watch.target_name), gone, reduce);
        }
        "StatefulSet" => {
            let mut writes = Writes::default();
            let reduce: Reduce<StatefulSet> = Box::new(move |object, _| {
                tell(&selector, &object.spec.selector);
                (Seen::Workload(workload::stateful_set(object)), writes.date(&object.metadata))
            });
            follow(observer, named("workload", observer, watch, &watch.target_name), gone, reduce);
        }
        other => unread(observer, "workload", &format!("a target of kind {other} is not observed")),
    }
}

fn tell(selector: &Selector, of: &LabelSelector) {
    selector.send_replace(Some(selector::text(of)));
}

/// Pods and events of the namespace, and the nodes.
fn things(observer: &mut Observer, watch: &Watch) {
    let namespace = &watch.namespace;
    let pods: Reduce<Pod> = Box::new(|object, _| (Seen::Pod(pod::seen(object)), None));
    follow(
        observer,
        all("pods", Api::namespaced(observer.outside.kube.clone(), namespace)),
        |pod| Some(Seen::PodGone(pod)),
        pods,
    );
    let events: Reduce<Event> = Box::new(|object, _| {
        let seen = event::seen(object);
        let source = seen.last;
        (Seen::Event(seen), source)
    });
    // An event goes when its time is up (an hour): no news.
    follow(observer, all("events", Api::namespaced(observer.outside.kube.clone(), namespace)), |_| None, events);
    let nodes: Reduce<Node> = Box::new(|object, _| (Seen::Node(node::seen(object)), None));
    follow(observer, all("nodes", Api::all(observer.outside.kube.clone())), gone, nodes);
}

fn endpoints(observer: &mut Observer, namespace: &str, service: &str) {
    let (of_service, of_slices) = Endpoints::ends(Arc::clone(&observer.outside.book), service);
    let kube = observer.outside.kube.clone();
    let fields = format!("metadata.name={service}");
    let one: Source<Service> = Source { fields, ..all("endpoints", Api::namespaced(kube.clone(), namespace)) };
    let labels = format!("kubernetes.io/service-name={service}");
    let slices: Source<EndpointSlice> = Source { labels, ..all("endpoints", Api::namespaced(kube, namespace)) };
    observer.spawn(Follower::new(one, of_service, observer.outside.clone()));
    observer.spawn(Follower::new(slices, of_slices, observer.outside.clone()));
}

fn hops(observer: &mut Observer, watch: Watch, pods: watch::Receiver<Option<String>>) {
    let outside = observer.outside.clone();
    match watch.metric {
        Some(metric) => {
            let (namespace, discovered) = (watch.namespace, None);
            let ask = ApiHop { outside: outside.clone(), namespace, metric, pods, discovered };
            observer.spawn(Poller { hop: Hop::Api, habit: Habit::Each, ask, outside: outside.clone() });
        }
        None => unread(observer, "api", "the HPA has no metric of the custom or external metrics API"),
    }
    if let Some(store) = watch.store {
        let ask = StoreHop { outside: outside.clone(), store };
        observer.spawn(Poller { hop: Hop::Store, habit: Habit::Changes, ask, outside: outside.clone() });
    }
    if let Some(exporter) = watch.exporter {
        let ask = ExporterHop { outside: outside.clone(), exporter, pods: None };
        observer.spawn(Poller { hop: Hop::Exporter, habit: Habit::Changes, ask, outside });
    }
}

fn gone(gone: crate::record::observation::Gone) -> Option<Seen> {
    Some(Seen::ObjectGone(gone))
}

/// A source that is not followed at all, and why.
fn unread(observer: &Observer, source: &'static str, why: &str) {
    let mut gap = Gap::new(source, observer.started_ms);
    gap.broke(why);
    if let Some(gap) = gap.so_far() {
        observer.outside.book.note(Seen::Gap(gap), None);
    }
}

fn all<K>(name: &'static str, api: Api<K>) -> Source<K> {
    Source { name, api, fields: String::new(), labels: String::new() }
}

fn named<K>(name: &'static str, observer: &Observer, watch: &Watch, object: &str) -> Source<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = Api::namespaced(observer.outside.kube.clone(), &watch.namespace);
    Source { fields: format!("metadata.name={object}"), ..all(name, api) }
}

fn follow<K>(observer: &mut Observer, source: Source<K>, farewell: Farewell, reduce: Reduce<K>)
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let ledger = Ledger::new(Arc::clone(&observer.outside.book), farewell, reduce);
    observer.spawn(Follower::new(source, ledger, observer.outside.clone()));
}
