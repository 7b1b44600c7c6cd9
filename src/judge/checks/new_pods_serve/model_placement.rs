//! Of ScaleUp/NewPodsServe: how much of a pod's model is in accelerator memory. What is not there computes on the CPU.

use std::collections::BTreeMap;

use crate::judge::check_result::CheckResult;
use crate::judge::run_view::RunView;
use crate::model::observation::ProbeRecord;
use crate::protocol;

/// Least share of a model, percent, that has to be in accelerator memory: with less the pod computes mostly on the CPU.
const MIN_PERCENT: u64 = 50;

/// True when a probe shows the model in accelerator memory, or at least half of it where its size is stated. Stand-ins
/// have no memory. Where the server cannot say, the activity of the pod's device decides, which `device_activity` evaluates.
pub(super) fn is_on_accelerator(view: &RunView<'_>, probe: &ProbeRecord) -> bool {
    view.records.scenario.accelerator.is_stand_in()
        || is_placement_unknown(view, probe)
        || probe.model_accelerator_bytes.is_some_and(|bytes| bytes > 0)
            && accelerator_percent(probe).is_none_or(|percent| percent >= MIN_PERCENT)
}

/// True for a probe of a server that does not say where its model is, and by its protocol need not.
pub(super) fn is_placement_unknown(view: &RunView<'_>, probe: &ProbeRecord) -> bool {
    let protocol = protocol::by_name(view.records.scenario.load.protocol);
    probe.model_accelerator_bytes.is_none() && !protocol.always_states_placement()
}

/// Who says where the model is: named for a protocol of whose servers not every one does.
fn describe_source(view: &RunView<'_>) -> String {
    let protocol = protocol::by_name(view.records.scenario.load.protocol);
    let path = protocol.placement_path().filter(|_| !protocol.always_states_placement());
    path.map_or(String::new(), |path| format!(", by {path} of its server"))
}

/// The share of the model in accelerator memory, in whole percent; `None` where the server does not state both figures.
fn accelerator_percent(probe: &ProbeRecord) -> Option<u64> {
    let (bytes, size) = probe.model_accelerator_bytes.zip(probe.model_bytes.filter(|size| *size > 0))?;
    u64::try_from(u128::from(bytes) * 100 / u128::from(size)).ok()
}

/// The result of a pod that answered with its model on the accelerator.
pub(super) fn describe_placement(view: &RunView<'_>, name: &str, probe: &ProbeRecord) -> CheckResult {
    let is_stand_in = view.records.scenario.accelerator.is_stand_in();
    let waived = if is_stand_in { ", waived by accelerator: standIn" } else { "" };
    if !is_stand_in && is_placement_unknown(view, probe) {
        return CheckResult::pass(format!(
            "answered its probe chat with {} tokens (its server does not say where the model is, so the activity of its device \
             decides)",
            probe.tokens
        ));
    }
    let (percent, source) = (accelerator_percent(probe), describe_source(view));
    let memory = match (probe.model_accelerator_bytes, probe.model_bytes, percent) {
        (Some(0), ..) => format!("0 bytes of the model are in accelerator memory{source}{waived}"),
        (Some(bytes), Some(size), Some(percent)) => {
            format!("{bytes} of {size} bytes of the model are in accelerator memory, {percent} %{source}")
        }
        (Some(bytes), ..) => {
            format!("{bytes} bytes of a model of unknown size are in accelerator memory{source}")
        }
        (None, ..) => format!("where the model is was not reported{waived}"),
    };
    let result = CheckResult::pass(format!("answered its probe chat with {} tokens ({memory})", probe.tokens));
    match percent {
        _ if !waived.is_empty() => result,
        Some(0..100) => result.with_finding(format!(
            "only {} % of the model of pod {name} is in accelerator memory: the rest computes on the CPU",
            percent.unwrap_or(0)
        )),
        Some(_) => result,
        None => result.with_finding(format!(
            "the size of the model of pod {name} is not stated, so it is not known whether all of it is in accelerator memory"
        )),
    }
}

/// Evaluates a pod that answers, but is not known to compute on its accelerator.
pub(super) fn evaluate_missing_placement(view: &RunView<'_>, name: &str, probe: &ProbeRecord) -> CheckResult {
    let scenario = view.records.scenario;
    let size = probe.model_bytes.map_or(String::new(), |bytes| format!(" of {bytes} bytes"));
    let path = protocol::by_name(scenario.load.protocol).placement_path();
    let source = path.map_or(String::new(), |path| format!(" ({path})"));
    let log = format!("its log in diagnostics/{}/ names the accelerators that it found", scenario.namespace);
    match (probe.model_accelerator_bytes, path) {
        (Some(0), _) => CheckResult::fail(format!(
            "pod {name} answers, but 0 bytes of its model{size} are in accelerator memory{source}: it computes on the CPU; {log}"
        )),
        (Some(bytes), _) => CheckResult::inconclusive(format!(
            "(workload) pod {name} answers, but only {bytes} bytes of its model{size} are in accelerator memory{source}, less than \
             {MIN_PERCENT} %: it computes mostly on the CPU; use a smaller model or more accelerator memory; {log}"
        )),
        (None, Some(path)) => CheckResult::inconclusive(match &probe.placement_error {
            Some(error) => {
                format!("pod {name} answers, but {path}, which reports where its model is, could not be read: {error}")
            }
            None => format!("pod {name} answers, but {path} does not report where its model is"),
        }),
        (None, None) => CheckResult::inconclusive(format!(
            "pod {name} answers, but the protocol of the load cannot report where its model is"
        )),
    }
}

/// Describes models of one name with different contents: a tag may have moved between the starts of two pods. It shows
/// nothing against the autoscaler, but the pods do not do the same work.
pub(super) fn describe_different_models(view: &RunView<'_>) -> Option<String> {
    let mut pods: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, probe) in view.probes.iter().filter(|(_, probe)| probe.error.is_none()) {
        if let Some(digest) = &probe.model_digest {
            pods.entry(digest).or_insert(if probe.pod.is_empty() { "the first chat" } else { &probe.pod });
        }
    }
    (pods.len() > 1).then(|| {
        let all: Vec<String> = pods.iter().map(|(digest, pod)| format!("{digest} in {pod}")).collect();
        format!("the pods serve models of different digests: {}", all.join(", "))
    })
}
