//! Of ScaleUp/NewPodsServe: a pod whose server does not say where its model is. Such a pod computes on its accelerator where
//! the readings of its own device show activity; the metric of the HPA alone may be that of the server, such as the length of its
//! queue, which a model on the CPU moves as well.

use std::borrow::Cow;

use super::model_placement::is_placement_unknown;
use super::traffic::{has_service, last_probe_end};
use crate::judge::check_result::{CheckResult, CheckStatus};
use crate::judge::diagnosis::pod_activity::{IdlePeaks, was_probed_near};
use crate::judge::run_view::{RunView, TargetPod};
use crate::metrics::{device_from_labels, device_index_from_labels};
use crate::model::observation::ProbeRecord;
use crate::model::reading::MetricHop;
use crate::units::Milli;

/// Hops whose series name their device.
const DEVICE_HOPS: [MetricHop; 2] = [MetricHop::Exporter, MetricHop::Store];

/// True where only the activity of its device shows that a pod computes on its accelerator. Stand-ins need not show it.
fn is_device_needed(view: &RunView<'_>, name: &str) -> bool {
    let is_unknown =
        |probe: &ProbeRecord| probe.pod == name && probe.error.is_none() && is_placement_unknown(view, probe);
    !view.records.scenario.accelerator.is_stand_in() && view.probes.iter().any(|(_, probe)| is_unknown(probe))
}

/// The result of a pod that receives traffic between these times: where the server does not say where its model is, a PASS
/// wants activity of a device.
pub(super) fn evaluate_device_activity(
    view: &RunView<'_>,
    pod: &TargetPod<'_>,
    traffic: CheckResult,
    (from, end): (u64, u64),
) -> CheckResult {
    let name = pod.name();
    if !traffic.has_status(CheckStatus::Pass) || !is_device_needed(view, name) {
        return traffic;
    }
    let ready_ms = pod.first_ready().map_or(0, |(ready, _)| ready.at_ms);
    if let Some((text, seq)) = find_device_activity(view, (name, ready_ms), (from, end)) {
        return CheckResult { reason: format!("{}; {text}", traffic.reason), ..traffic }.with_cites([seq]);
    }
    let text = format!(
        "pod {name} receives traffic, but it is not known whether it computes on its accelerator: its server does not say where \
         its model is, and no reading of exporter or store shows activity of a device of the pod; state metric.exporter or \
         metric.store with a series of the devices, whose labels name pod and device"
    );
    let since_ms = ready_ms.max(last_probe_end(view, name));
    let is_pending = view.is_under_load() && end < since_ms + view.times.traffic_visible().lenient_ms();
    if is_pending { CheckResult::pending(text) } else { CheckResult::inconclusive(text) }
}

/// Activity of a device of the pod while no probe shows in it and the pod is a ready endpoint, with its observation.
fn find_device_activity(
    view: &RunView<'_>,
    (name, ready_ms): (&str, u64),
    (from, end): (u64, u64),
) -> Option<(String, u64)> {
    let idle = IdlePeaks::collect(view);
    let labels = &view.records.scenario.metric.profile_or_generic().labels;
    let is_endpoint = |at_ms: u64| !has_service(view) || view.is_endpoint_at(name, at_ms) == Some(true);
    view.readings_in(from..=end).iter().find_map(|(o, reading)| {
        if !DEVICE_HOPS.contains(&reading.hop)
            || !is_endpoint(o.at_ms)
            || was_probed_near(view, name, reading.requested_ms, o.at_ms)
        {
            return None;
        }
        view.samples_of(reading, name, ready_ms).find_map(|sample| {
            let device = device_from_labels(&sample.labels, labels)
                .map(Cow::into_owned)
                .or_else(|| device_index_from_labels(&sample.labels, labels).map(|index| format!("number {index}")))?;
            let value = sample.value.filter(|value| !view.is_implausible(*value))?;
            idle.is_activity(view, reading.hop, value.0)
                .then(|| (describe_activity(&device, value, reading.hop), o.seq))
        })
    })
}

fn describe_activity(device: &str, value: Milli, hop: MetricHop) -> String {
    format!(
        "its server does not say where its model is, and the activity of its device {device} ({value} at the {}) alone shows that \
         it computes there",
        hop.as_str()
    )
}

/// What besides missing traffic explains that a pod shows no activity, after a text; empty where its server says where its
/// model is.
pub(super) fn describe_unknown_placement(view: &RunView<'_>, name: &str) -> &'static str {
    match is_device_needed(view, name) {
        true => "; or the pod computes on the CPU: its server does not say where its model is",
        false => "",
    }
}
