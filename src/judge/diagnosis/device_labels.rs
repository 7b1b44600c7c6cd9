//! Exporters that do not give each pod a value of its own device: one that names the pods of a shared device in turn, and a
//! field that MIG instances do not have.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::judge::run_view::{RunView, TargetPod};
use crate::metrics::device_from_labels;
use crate::model::mig;
use crate::model::reading::{MetricHop, MetricSample};

/// The pods that a device is reported for, one after the other.
#[derive(Default)]
struct NamedPods<'a> {
    /// Each pod that another one followed, and the last one.
    names: BTreeSet<Cow<'a, str>>,
    last: Option<Cow<'a, str>>,
    /// How often a pod was named again after another one.
    returns: usize,
    /// Two pods were named at one time.
    together: bool,
    /// One of them is of the target.
    has_target: bool,
}

/// Describes a device of the target that is reported for several pods in turn. One pod that takes over the device of another
/// is no turn: only a pod that is named again shows one.
pub(in crate::judge) fn describe_turns(view: &RunView<'_>) -> Option<String> {
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    [MetricHop::Exporter, MetricHop::Store].into_iter().find_map(|hop| {
        let mut devices: BTreeMap<Cow<'_, str>, NamedPods<'_>> = BTreeMap::new();
        for (_, reading) in view.readings_at_hop(hop, 0..=u64::MAX) {
            let mut newest: BTreeMap<Cow<'_, str>, Vec<&MetricSample>> = BTreeMap::new();
            for sample in reading.samples().unwrap_or_default() {
                let Some(device) = device_from_labels(&sample.labels, labels) else { continue };
                let known = newest.entry(device).or_default();
                // A store still has the series of the pods that were named before.
                if known.first().is_some_and(|first| first.timestamp < sample.timestamp) {
                    known.clear();
                }
                if known.first().is_none_or(|first| first.timestamp == sample.timestamp) {
                    known.push(sample);
                }
            }
            for (device, samples) in newest {
                // A pod of another namespace may have the name of one of the target's.
                let names = samples.iter().filter_map(|sample| view.full_name_of_pod(sample)).collect();
                let pods = devices.entry(device).or_default();
                pods.add(&names);
                pods.has_target |= samples.iter().any(|sample| view.is_of_target(sample));
            }
        }
        let is_in_turn = |pods: &NamedPods<'_>| pods.returns > 0 && !pods.together && pods.has_target;
        let (device, pods) = devices.into_iter().find(|(_, pods)| is_in_turn(pods))?;
        let names = pods.names.into_iter().collect::<Vec<_>>().join(" and ");
        Some(format!(
            "the {} reports the one device {device} for {names} in turn, never for two of them at once: they share it, and the \
             exporter names one of them only, so a metric by pod says nothing here. Give each pod a device of its own (an \
             exclusive GPU or a MIG instance), or use an exporter that reports each pod's share",
            hop.as_str()
        ))
    })
}

impl<'a> NamedPods<'a> {
    fn add(&mut self, names: &BTreeSet<Cow<'a, str>>) {
        self.together |= names.len() > 1;
        let Some(name) = names.first() else { return };
        let is_known = !self.names.insert(name.clone());
        if self.last.as_ref().is_some_and(|last| last != name) && is_known {
            self.returns += 1;
        }
        self.last = Some(name.clone());
    }
}

/// Describes a field that the target's devices do not have: pods on MIG instances, and a field of whole devices.
pub(in crate::judge) fn describe_mig(view: &RunView<'_>) -> Option<String> {
    let names = view.records.scenario.metric.series_names();
    let field = names.into_iter().find(|name| mig::is_whole_device_field(name))?;
    let instance = instance_of_target(view)?;
    Some(format!(
        "the target's pods hold MIG instances ({instance}), and {field} is a value of a whole device, which no instance has: use \
         {}, a ratio from 0 to 1 (metric.range: [0, 1])",
        mig::INSTANCE_ACTIVITY_FIELD
    ))
}

/// A MIG instance of the target's pods.
pub(super) fn instance_of_target<'a>(view: &RunView<'a>) -> Option<&'a str> {
    view.target_pods().iter().find_map(|pod| find_instance(view, pod))
}

/// The MIG instance of a pod, by the resource that it requests, by its device id, or by the labels of its node.
fn find_instance<'a>(view: &RunView<'a>, pod: &TargetPod<'a>) -> Option<&'a str> {
    let (_, snapshot) = pod.last_observation()?;
    let resource = snapshot.extended_resources.keys().find(|name| mig::is_instance_resource(name));
    let id = || view.accelerator_ids(pod).into_iter().find(|id| mig::is_instance_id(id));
    let product = || mig::instances_of_node(&view.node_before_run(snapshot)?.1.accelerator_labels);
    resource.map(String::as_str).or_else(id).or_else(product)
}
