//! Of ScaleUp/NewPodsRunOnAccelerators: pods that hold the same device, by the kubelet's ids, their resource claims, or the
//! exporter's labels where the kubelet reports none, or only names of claims' devices. Sharing is a finding. One device on two
//! nodes is no sharing: a record is wrong then.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::judge::check_result::CheckResult;
use crate::judge::run_view::{RunView, TargetPod};
use crate::metrics::{
    PhysicalDevice, device_from_labels, device_index_from_labels, has_uuid, is_claimed_device, split_device_uuid,
};
use crate::model::reading::MetricHop;
use crate::model::verdict::SHARING_PREFIX;

/// Most findings of one kind.
const MAX_FINDINGS: usize = 10;

/// What tells one device from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DeviceKey {
    /// A UUID, which no other device of the cluster has.
    Uuid(String),
    /// Another id, which a device of another node may have as well.
    OnNode(String, String),
    /// A resource claim: all pods of a claim have its devices.
    Claim(String),
    /// A device of a DRA driver: driver, pool, device.
    Claimed(String),
}

/// An id of a device, and whether no other device of the cluster may have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DeviceId<'a> {
    id: Cow<'a, str>,
    is_unique: bool,
}

impl DeviceKey {
    fn new(id: &str, is_unique: bool, node: &str) -> Self {
        if is_unique { Self::Uuid(id.to_owned()) } else { Self::OnNode(node.to_owned(), id.to_owned()) }
    }

    fn describe(&self) -> String {
        match self {
            Self::Uuid(id) | Self::Claimed(id) => id.clone(),
            Self::OnNode(node, id) => format!("{id} of node {node}"),
            Self::Claim(name) => format!("the resource claim {name}"),
        }
    }
}

/// The devices of the target's pods, each with the pods that have it.
#[derive(Default)]
struct DeviceHolders<'a> {
    /// Pods with their nodes, by device.
    certain: BTreeMap<DeviceKey, BTreeSet<(&'a str, &'a str)>>,
    /// By what an id of an unknown form may be a replica or a part of, with the ids.
    possible: BTreeMap<DeviceKey, BTreeSet<(&'a str, String)>>,
}

/// Adds the sharing of devices to the result.
pub(super) fn evaluate(view: &RunView<'_>, mut result: CheckResult) -> CheckResult {
    let end = view.load_span().map_or(0, |(_, end)| end);
    let labelled = devices_by_labels(view, end);
    let mut holders = DeviceHolders::default();
    let pods = || view.target_pods().iter().filter(|pod| pod.exists_at(end));
    for pod in pods() {
        holders.add(view, pod, labelled.get(pod.name()));
    }
    let other_device = || pods().find_map(|pod| describe_other_device(view, pod, labelled.get(pod.name())?));
    let other_node = || pods().find_map(|pod| describe_other_node(view, pod, end));
    if let Some(text) = holders.find_contradiction().or_else(other_device).or_else(other_node) {
        return CheckResult::inconclusive(text).with_cites(result.cites);
    }
    result.findings.extend(holders.describe_sharing());
    result
}

impl<'a> DeviceHolders<'a> {
    fn add(&mut self, view: &RunView<'a>, pod: &TargetPod<'a>, labelled: Option<&BTreeSet<DeviceId<'a>>>) {
        let Some((_, snapshot)) = pod.last_observation() else { return };
        let (name, node) = (pod.name(), snapshot.node.as_deref().unwrap_or_default());
        let ids = view.accelerator_ids(pod);
        // A driver may offer one accelerator as several devices: only its UUID tells, which the id of a claim's device has not.
        let by_labels = labelled.into_iter().flatten().filter(|_| ids.iter().all(|id| is_claimed_device(id))).cloned();
        // What the kubelet reports of a claim, the claim itself says below.
        let has_claims = view.accelerator_claims(snapshot).next().is_some();
        let reported = ids.iter().filter(|id| !(has_claims && is_claimed_device(id)));
        let reported = reported.map(|id| DeviceId { id: Cow::Borrowed(*id), is_unique: has_uuid(id) });
        for DeviceId { id, is_unique } in reported.chain(by_labels) {
            let device = PhysicalDevice::from_id(&id);
            self.certain.entry(DeviceKey::new(device.name, is_unique, node)).or_default().insert((name, node));
            if let Some(possible) = device.possibly_of {
                let key = DeviceKey::new(possible, false, node);
                self.possible.entry(key).or_default().insert((name, id.to_string()));
            }
        }
        for claim in view.accelerator_claims(snapshot) {
            self.certain.entry(DeviceKey::Claim(claim.clone())).or_default().insert((name, node));
            for device in view.claimed_devices(claim) {
                let id = format!("{}/{}/{}", device.driver, device.pool, device.device);
                self.certain.entry(DeviceKey::Claimed(id)).or_default().insert((name, node));
            }
        }
    }

    /// A UUID on two nodes.
    fn find_contradiction(&self) -> Option<String> {
        self.certain.iter().find_map(|(key, pods)| {
            let nodes: BTreeSet<&str> = pods.iter().map(|(_, node)| *node).collect();
            (matches!(key, DeviceKey::Uuid(_)) && nodes.len() > 1).then(|| {
                format!(
                    "{} is recorded as the device of {} on the nodes {}, so one of the records is wrong",
                    key.describe(),
                    join(pods.iter().map(|(pod, _)| *pod)),
                    join(nodes.into_iter())
                )
            })
        })
    }

    fn describe_sharing(&self) -> Vec<String> {
        let shared = self.certain.iter().filter(|(_, pods)| pods.len() > 1).map(|(key, pods)| {
            let names = join(pods.iter().map(|(pod, _)| *pod));
            format!("{SHARING_PREFIX}{names} share {}, so no accelerator was added", key.describe())
        });
        let possible =
            self.possible.iter().filter(|(_, pods)| pods.iter().map(|(pod, _)| pod).collect::<BTreeSet<_>>().len() > 1);
        let possible = possible.map(|(key, pods)| {
            format!(
                "sharing is possible: by their ids {} may be parts or replicas of {}, so it is not known whether an \
                 accelerator was added",
                join(pods.iter().map(|(pod, id)| format!("{id} of {pod}"))),
                key.describe()
            )
        });
        shared.take(MAX_FINDINGS).chain(possible.take(MAX_FINDINGS)).collect()
    }
}

/// Labels by which exporters name the node of a device: NVIDIA's and AMD's.
const NODE_LABELS: [&str; 2] = ["Hostname", "hostname"];

/// Describes a pod whose series is of a device on another node than the pod's. Only a label that is the name of an observed node
/// counts: it may also be the name of the exporter's pod.
fn describe_other_node(view: &RunView<'_>, pod: &TargetPod<'_>, end_ms: u64) -> Option<String> {
    let (name, node) = (pod.name(), pod.last_observation()?.1.node.as_deref()?);
    let ready_ms = pod.ready_by(end_ms)?.0.at_ms;
    // Until the lag has passed, a series may be that of an earlier pod of the same name.
    let since_ms = ready_ms.saturating_add(view.times.metric_lag().lenient_ms());
    [MetricHop::Exporter, MetricHop::Store].into_iter().find_map(|hop| {
        let readings = view.readings_at_hop(hop, since_ms.min(end_ms)..=end_ms).rev();
        let sample = readings.flat_map(|(_, reading)| view.samples_of(reading, name, since_ms)).next()?;
        let named = NODE_LABELS.into_iter().find_map(|label| sample.labels.get(label))?;
        let is_another = named != node && view.nodes.iter().any(|(_, known)| known.name == *named);
        is_another.then(|| {
            format!(
                "pod {name} runs on node {node}, and its series at the {} names node {named}, so one of the records is wrong and it \
                 is not known whose device works",
                hop.as_str()
            )
        })
    })
}

/// Describes a pod whose series is of another device than the one that the kubelet gave to the pod.
fn describe_other_device(view: &RunView<'_>, pod: &TargetPod<'_>, labelled: &BTreeSet<DeviceId<'_>>) -> Option<String> {
    let ids = view.accelerator_ids(pod);
    let reported: BTreeSet<_> = ids.iter().filter_map(|id| split_device_uuid(id)).collect();
    let shown: BTreeSet<_> = labelled.iter().filter_map(|device| split_device_uuid(&device.id)).collect();
    // Ids of different forms may be of one device.
    let (_, other) = shown.iter().find(|(form, _)| reported.iter().any(|(prefix, _)| prefix == form))?;
    reported.is_disjoint(&shown).then(|| {
        format!(
            "the kubelet gave pod {} {}, and the pod's series is of the device {other}, so one of the records is wrong and it is \
             not known whose device works",
            pod.name(),
            join(ids.iter())
        )
    })
}

fn join<S: AsRef<str>>(names: impl Iterator<Item = S>) -> String {
    names.fold(String::new(), |mut text, name| {
        if !text.is_empty() {
            text += " and ";
        }
        text + name.as_ref()
    })
}

/// The devices that the labels of the series name for each pod, by the last reading that has series of the pod: a shared
/// device may be labelled with one of its pods at a time.
fn devices_by_labels<'a>(view: &RunView<'a>, end_ms: u64) -> BTreeMap<&'a str, BTreeSet<DeviceId<'a>>> {
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    let mut last: BTreeMap<&'a str, (u64, BTreeSet<DeviceId<'a>>)> = BTreeMap::new();
    for (o, reading) in view.readings_in(0..=end_ms) {
        for sample in view.current_samples(reading) {
            let Some(pod) = view.pod_of(sample) else { continue };
            let unique = device_from_labels(&sample.labels, labels).map(|id| DeviceId { id, is_unique: true });
            let on_node = || {
                device_index_from_labels(&sample.labels, labels)
                    .map(|id| DeviceId { id: Cow::Borrowed(id), is_unique: false })
            };
            let Some(device) = unique.or_else(on_node) else { continue };
            let (seq, devices) = last.entry(pod).or_default();
            if *seq != o.seq {
                devices.clear();
            }
            *seq = o.seq;
            devices.insert(device);
        }
    }
    last.into_iter().map(|(pod, (_, devices))| (pod, devices)).collect()
}
