//! Pods that use one device at the same time, by the ids of the kubelet and by the labels of exporter and store. An exporter
//! may give each of them the value of the whole device, and then the value of one pod shows nothing about its own work.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{RunView, TargetPod};
use crate::metrics::{PhysicalDevice, has_uuid, physical_device_from_labels};
use crate::model::observation::PodSnapshot;
use crate::model::reading::{MetricHop, MetricReading};

/// The uses of all devices, keyed by device.
#[derive(Debug, Default)]
pub(super) struct DeviceUses {
    certain: BTreeMap<String, Vec<DeviceUse>>,
    /// By what an id of an unknown form may be a replica or a part of.
    possible: BTreeMap<String, Vec<DeviceUse>>,
}

/// A pod that uses a device, and from when to when, milliseconds.
#[derive(Debug)]
struct DeviceUse {
    pod: String,
    from_ms: u64,
    to_ms: u64,
}

/// Other pods on a device of a pod.
#[derive(Debug)]
pub(in crate::judge) struct DeviceSharing {
    pub(in crate::judge) device: String,
    /// Names of the other pods.
    pub(in crate::judge) others: BTreeSet<String>,
    /// False where only the form of the ids suggests it.
    pub(in crate::judge) is_certain: bool,
}

impl DeviceSharing {
    /// The other pods, as a text names them.
    pub(in crate::judge) fn others_text(&self) -> String {
        self.others.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
    }
}

/// How the values of pods on one device relate at the hops before the metrics API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::judge) enum SharedValues {
    /// An observation has different values of them at one time: each value is a pod's own.
    Differ {
        /// Its sequence number.
        seq: u64,
    },
    /// All observations that have values of two of them have the same value for both.
    Equal,
    /// No observation has values of two of them at one time.
    NeverTogether,
}

/// The device with its node: another node may have a device of the same id, unless it is a UUID.
fn device_on_node(device: &str, pod: &PodSnapshot) -> String {
    match &pod.node {
        Some(node) if !has_uuid(device) => format!("{device} of node {node}"),
        _ => device.to_owned(),
    }
}

impl RunView<'_> {
    /// The first device of a pod that other pods use too while the pod is Ready under load.
    pub(in crate::judge) fn find_device_sharing(&self, pod: &TargetPod<'_>) -> Option<DeviceSharing> {
        let (ready, _) = pod.first_ready()?;
        let from_ms = ready.at_ms;
        let end = self.load_span().map_or(0, |(_, end)| end);
        let to_ms = pod.terminating_ms().unwrap_or(u64::MAX).min(end);
        let DeviceUses { certain, possible } = self.device_uses.get_or_init(|| collect_device_uses(self));
        let by_device = certain.iter().map(|uses| (uses, true)).chain(possible.iter().map(|uses| (uses, false)));
        by_device.into_iter().find_map(|((device, uses), is_certain)| {
            uses.iter().find(|one| one.pod == pod.name())?;
            let is_together = |one: &&DeviceUse| one.from_ms <= to_ms && from_ms <= one.to_ms;
            let others = uses.iter().filter(is_together).map(|one| one.pod.clone()).filter(|name| name != pod.name());
            let others: BTreeSet<String> = others.collect();
            (!others.is_empty()).then(|| DeviceSharing { device: device.clone(), others, is_certain })
        })
    }

    /// How the values of a pod and of the pods on its device relate under load. One page of an exporter is one time, and so are
    /// samples of a store with one timestamp; the metrics API may aggregate over time, so that equal values differ there.
    pub(in crate::judge) fn compare_shared_values(&self, pod: &str, sharing: &DeviceSharing) -> SharedValues {
        let Some((began, end)) = self.load_span() else { return SharedValues::NeverTogether };
        let mut result = SharedValues::NeverTogether;
        for hop in [MetricHop::Exporter, MetricHop::Store] {
            let noise = self.values_at_hop(hop, began, end).last().map_or(0, |highest| highest.0.unsigned_abs() / 10);
            for (o, reading) in self.readings_at_hop(hop, began..=end) {
                let Some(difference) = largest_difference(self, reading, pod, &sharing.others) else { continue };
                if difference > noise {
                    return SharedValues::Differ { seq: o.seq };
                }
                result = SharedValues::Equal;
            }
        }
        result
    }
}

/// The largest difference between the value of a pod and that of another pod at the same time, in thousandths. Of several
/// series of a pod the largest counts: two exporter pods may report one device, each at its own time.
fn largest_difference(
    view: &RunView<'_>,
    reading: &MetricReading,
    pod: &str,
    others: &BTreeSet<String>,
) -> Option<u64> {
    let mut values: BTreeMap<(Option<Timestamp>, Cow<'_, str>), i64> = BTreeMap::new();
    for sample in reading.samples()? {
        let name = view.full_name_of_pod(sample).filter(|name| *name == pod || others.contains(&**name));
        let Some(name) = name else { continue };
        let Some(value) = sample.value.filter(|value| !view.is_implausible(*value)) else { continue };
        let highest = values.entry((sample.timestamp, name)).or_insert(value.0);
        *highest = value.0.max(*highest);
    }
    let own = |timestamp: Option<Timestamp>| values.get(&(timestamp, Cow::Borrowed(pod))).copied();
    let of_others = values.iter().filter(|((_, name), _)| *name != pod);
    of_others.filter_map(|((timestamp, _), value)| Some(own(*timestamp)?.abs_diff(*value))).max()
}

fn collect_device_uses(view: &RunView<'_>) -> DeviceUses {
    let mut lives: BTreeMap<&str, (&str, u64, u64)> = BTreeMap::new();
    let mut by_ids: BTreeSet<(String, &str)> = BTreeSet::new();
    let mut possible: BTreeSet<(String, &str)> = BTreeSet::new();
    for (o, pod) in &view.pods {
        lives.entry(&pod.uid).or_insert((&pod.name, o.at_ms, u64::MAX));
        let ids: Vec<_> = view.reported_accelerator_ids(pod).into_iter().map(PhysicalDevice::from_id).collect();
        let bases = ids.iter().filter_map(|id| id.possibly_of);
        possible.extend(bases.map(|base| (device_on_node(base, pod), pod.uid.as_str())));
        let ids = ids.iter().map(|id| device_on_node(id.name, pod));
        // Until a pod runs, a claim may have the name of its entry in the template, which all pods have.
        let claims = view.accelerator_claims(pod).filter(|_| pod.ready).map(|claim| format!("claim {claim}"));
        by_ids.extend(ids.chain(claims).map(|device| (device, pod.uid.as_str())));
    }
    for (o, deleted) in &view.deletions {
        if let Some((_, _, to_ms)) = lives.get_mut(deleted.uid.as_str()) {
            *to_ms = o.at_ms.min(*to_ms);
        }
    }
    let to_uses = |holders: BTreeSet<(String, &str)>| {
        let mut uses: BTreeMap<String, Vec<DeviceUse>> = BTreeMap::new();
        for (device, uid) in holders {
            if let Some((pod, from_ms, to_ms)) = lives.get(uid) {
                let (pod, from_ms, to_ms) = ((*pod).to_owned(), *from_ms, *to_ms);
                uses.entry(device).or_default().push(DeviceUse { pod, from_ms, to_ms });
            }
        }
        uses
    };
    let (mut uses, possible) = (to_uses(by_ids), to_uses(possible));
    let gone_ms: BTreeMap<&str, u64> = lives.values().map(|(name, _, to_ms)| (*name, *to_ms)).collect();
    for ((device, pod), (from_ms, last_ms)) in collect_labelled_uses(view) {
        // A store may serve the series of a pod that is gone.
        let to_ms = gone_ms.get(&*pod).map_or(last_ms, |gone| last_ms.min(*gone));
        uses.entry(device.into_owned()).or_default().push(DeviceUse { pod: pod.into_owned(), from_ms, to_ms });
    }
    DeviceUses { certain: uses, possible }
}

/// A device and a pod of a series.
type LabelledUse<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The devices and pods of the series of exporter and store under load, with the times of their first and last reading.
fn collect_labelled_uses<'a>(view: &RunView<'a>) -> BTreeMap<LabelledUse<'a>, (u64, u64)> {
    let mut uses: BTreeMap<LabelledUse<'a>, (u64, u64)> = BTreeMap::new();
    let Some((began, end)) = view.load_span() else { return uses };
    let names = &view.records.scenario.metric.profile_or_generic().labels;
    // The labels of a series are shared between its readings.
    let mut known: BTreeMap<usize, Option<Cow<'a, str>>> = BTreeMap::new();
    for (o, reading) in view.readings_in(began..=end) {
        if reading.hop == MetricHop::Api {
            continue;
        }
        for sample in view.current_samples(reading).filter(|sample| view.is_sampled_since(sample, began)) {
            let Some(pod) = view.full_name_of_pod(sample) else { continue };
            let key = Arc::as_ptr(&sample.labels) as usize;
            let device = known.entry(key).or_insert_with(|| physical_device_from_labels(&sample.labels, names));
            let Some(device) = device.clone() else { continue };
            let times = uses.entry((device, pod)).or_insert((o.at_ms, o.at_ms));
            times.1 = o.at_ms;
        }
    }
    uses
}
