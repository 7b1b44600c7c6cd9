//! The sizes, chats and devices of a PASS, found in the timeline without the judge's code.

use std::collections::{BTreeMap, BTreeSet};

use gpuhpa::evidence::LoadedBundle;
use gpuhpa::model::observation::ObservationKind;
use gpuhpa::model::verdict::CaseResult;
use gpuhpa::units::HumanDuration;

use crate::findings::Findings;

/// Of a run that passed: the HPA scaled up and back to one replica, and each new pod answered a chat on a device of its own.
pub(crate) fn check_pass(bundle: &LoadedBundle, findings: &mut Findings) {
    let Some(verdict) = bundle.verdict.as_ref().filter(|verdict| verdict.result == CaseResult::Pass) else { return };
    let (mut sizes, mut probed, mut devices) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
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
            ObservationKind::Pod(pod) if !pod.allocated_devices.is_empty() => {
                devices.insert(pod.name.as_str(), &pod.allocated_devices);
            }
            _ => {}
        }
    }
    let scaled = sizes.iter().any(|size| *size >= 2) && sizes.last() == Some(&1);
    findings.expect(scaled, || format!("the SuccessfulRescale events have the sizes {sizes:?}"));
    let on_devices = !probed.is_empty() && probed.iter().all(|pod| devices.contains_key(pod));
    findings.expect(on_devices, || format!("probed are {probed:?}, and devices have {:?}", devices.keys()));
    let distinct: BTreeSet<_> = devices.values().collect();
    findings.expect(devices.len() >= 2 && distinct.len() == devices.len(), || format!("devices: {devices:?}"));
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let [duration, min_duration] = [verdict.duration_ms, verdict.min_duration_ms].map(HumanDuration::from_ms);
    findings.notes.push(format!(
        "sizes by SuccessfulRescale: 1, {}; devices: {devices:?}; {duration}, at least {min_duration}",
        sizes.join(", ")
    ));
}
