//! The sizes, chats and devices of a PASS, found in the timeline without the judge's code.

use std::collections::{BTreeMap, BTreeSet};

use gpuhpa::evidence::LoadedBundle;
use gpuhpa::model::observation::{ObservationKind, PodSnapshot};
use gpuhpa::model::reading::{MetricHop, MetricReading};
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::units::HumanDuration;

use crate::findings::Findings;

/// Of a run that passed: the HPA scaled up and back to minReplicas, and each new pod answered a chat on a device of its own.
pub(crate) fn check_pass(bundle: &LoadedBundle, findings: &mut Findings) {
    let Some(verdict) = bundle.verdict.as_ref().filter(|verdict| verdict.result == CaseResult::Pass) else { return };
    let (mut sizes, mut probed, mut devices) = (Vec::new(), BTreeSet::new(), PodDevices::default());
    let mut labelled = BTreeMap::new();
    for observation in &bundle.timeline {
        match &observation.kind {
            ObservationKind::Event(event) if event.reason == "SuccessfulRescale" => {
                let size = event.message.split_once("New size: ").and_then(|(_, rest)| rest.split(';').next());
                sizes.extend(size.and_then(|size| size.parse::<i32>().ok()));
            }
            // The warm-up chat, which names no pod, goes through the Service.
            ObservationKind::Probe(probe) if !probe.pod.is_empty() && probe.error.is_none() => {
                probed.insert(probe.pod.as_str());
            }
            ObservationKind::Pod(pod) => devices.add(pod),
            ObservationKind::Metric(reading) => labelled.extend(devices_by_labels(reading)),
            _ => {}
        }
    }
    let min = bundle.scenario.hpa.spec.min_replicas.unwrap_or(1);
    let scaled = sizes.iter().any(|size| *size > min) && sizes.last() == Some(&min);
    findings.expect(scaled, || format!("the SuccessfulRescale events have the sizes {sizes:?}"));
    let PodDevices { all: devices, shared, .. } = devices;
    if devices.is_empty() && !reports_devices(&bundle.inventory.kubernetes_version) {
        let own: BTreeSet<[Option<&str>; 3]> = probed.iter().filter_map(|pod| labelled.get(pod).copied()).collect();
        let are_own = !probed.is_empty() && own.len() == probed.len();
        findings.expect(are_own, || format!("probed are {probed:?}, and the exporter names the devices {labelled:?}"));
    } else {
        let on_devices = !probed.is_empty() && probed.iter().all(|pod| devices.contains_key(pod));
        findings.expect(on_devices, || format!("probed are {probed:?}, and devices have {:?}", devices.keys()));
        let are_own = devices.len() >= 2 && shared.is_empty();
        findings.expect(are_own, || format!("devices: {devices:?}, shared by {shared:?}"));
    }
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let [duration, min_duration] = [verdict.duration_ms, verdict.min_duration_ms].map(HumanDuration::from_ms);
    findings.notes.push(format!(
        "sizes by SuccessfulRescale: {}; devices: {devices:?}; {duration}, at least {min_duration}",
        sizes.join(", ")
    ));
}

/// What tells the devices that the exporter names for pods: the card, the instance of MIG, the replica of a shared card.
const DEVICE_LABELS: [&str; 3] = ["UUID", "GPU_I_ID", "vgpu"];

/// The devices that the exporter names for pods.
fn devices_by_labels(reading: &MetricReading) -> impl Iterator<Item = (&str, [Option<&str>; 3])> {
    let samples = reading.samples().filter(|_| reading.hop == MetricHop::Exporter).unwrap_or_default();
    samples.iter().filter_map(|sample| {
        let device = DEVICE_LABELS.map(|label| sample.labels.get(label).map(String::as_str));
        device[0]?;
        Some((sample.object.as_deref()?, device))
    })
}

/// Whether the kubelet of this version reports the devices of a container: allocatedResourcesStatus is on by default from 1.36
/// on (KEP-4680).
fn reports_devices(version: &str) -> bool {
    let minor = version.trim_start_matches("v1.").split('.').next().and_then(|minor| minor.parse::<u32>().ok());
    minor.is_none_or(|minor| minor >= 36)
}

/// The devices of the pods.
#[derive(Default)]
struct PodDevices<'a> {
    /// Of each pod.
    all: BTreeMap<&'a str, &'a [String]>,
    /// The pods that are not being deleted: a later pod may get the device of one that is.
    held: BTreeSet<&'a str>,
    /// Pods that had the same device at the same time.
    shared: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> PodDevices<'a> {
    fn add(&mut self, pod: &'a PodSnapshot) {
        let name = pod.name.as_str();
        if pod.deleting {
            self.held.remove(name);
        }
        if pod.allocated_devices.is_empty() {
            return;
        }
        self.all.insert(name, &pod.allocated_devices);
        if pod.deleting {
            return;
        }
        self.held.insert(name);
        let others = self.held.iter().filter(|other| **other != name);
        self.shared.extend(others.filter(|other| self.all[*other] == self.all[name]).map(|other| (*other, name)));
    }
}
