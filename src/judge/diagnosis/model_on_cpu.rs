//! A model that the target computes on the CPU although its pods request accelerators: no load can move the metric of an
//! accelerator then.

use crate::judge::run_view::RunView;
use crate::protocol;

/// Describes the placement of the model after the first chat, with the observation of the chat. `None` where it is in
/// accelerator memory, or not known.
pub(in crate::judge) fn describe(view: &RunView<'_>) -> Option<(String, u64)> {
    let scenario = view.records.scenario;
    if scenario.accelerator.is_stand_in() {
        return None;
    }
    let (observation, probe) = view.probes.iter().find(|(_, probe)| probe.pod.is_empty() && probe.error.is_none())?;
    probe.model_accelerator_bytes.filter(|bytes| *bytes == 0)?;
    let size = probe.model_bytes.map_or(String::new(), |bytes| format!(" of {bytes} bytes"));
    let path = protocol::by_name(scenario.load.protocol).placement_path();
    let path = path.map_or(String::new(), |path| format!(" ({path})"));
    let reason = format!(
        "(workload) after the first chat 0 bytes of its model{size} are in accelerator memory{path}: the target computes on \
         the CPU, so no load moves the metric of its accelerators. Does the image contain the back end for these accelerators, \
         and does the runtime class of the pods expose them? The log of the pod in diagnostics/{}/ names the accelerators that \
         it found",
        scenario.namespace
    );
    Some((reason, observation.seq))
}
