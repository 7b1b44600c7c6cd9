//! Where Ollama fails chats on purpose (`ci/rig/faults/ollama`), the load must have counted as many failures of each kind as the
//! server's log.

use std::collections::{BTreeMap, BTreeSet};

use gpuhpa::evidence::LoadedBundle;
use gpuhpa::model::load::RequestOutcome;
use gpuhpa::model::observation::{ObservationKind, Phase};

use crate::findings::Findings;
use crate::rig_run::RigRun;

/// The faults by their name in the server's log, and what the load calls them.
const FAULTS: [(&str, RequestOutcome); 5] = [
    ("500", RequestOutcome::Http5xx),
    ("503", RequestOutcome::Http503),
    ("error-line", RequestOutcome::ErrorLine),
    ("cut", RequestOutcome::Truncated),
    ("html", RequestOutcome::BadJson),
];

type FaultCounts = BTreeMap<RequestOutcome, u64>;

/// Compares the counts of the load, and of the probes, with those of the server.
pub(crate) fn check_faults(run: &RigRun, bundle: &LoadedBundle, findings: &mut Findings) {
    let given = server_counts(&run.container_logs);
    let counted = client_counts(bundle);
    let scenario = bundle.raw_files.get("scenario.yaml").map(|bytes| String::from_utf8_lossy(bytes));
    if scenario.is_some_and(|text| text.contains("ollama-faulty")) {
        findings.expect(counted.values().sum::<u64>() > 0, || {
            "the server that fails on purpose has failed no chat, so the run shows nothing".to_owned()
        });
    }
    // A run that passes keeps no logs.
    if given.is_empty() {
        return;
    }
    let Some(load) = &bundle.load else {
        findings.differences.push("the server's log has faults, and there is no load.json".to_owned());
        return;
    };
    let cancelled = load.outcomes.get(RequestOutcome::CancelledByRampDown.as_str()).copied().unwrap_or(0);
    // A pod that was deleted before the clean-up took its log along: what the load counted of it has no counterpart. A log
    // that is missing for another reason excuses nothing.
    let pods_without_log: Vec<String> =
        pods_deleted_under_way(bundle).into_iter().filter(|pod| !has_log(pod, &run.container_logs)).collect();
    let missing = FAULTS.map(|(_, outcome)| {
        let [given, counted] = [&given, &counted].map(|counts| counts.get(&outcome).copied().unwrap_or(0));
        given.cast_signed() - counted.cast_signed()
    });
    let missing = missing.map(|count| if pods_without_log.is_empty() { count } else { count.max(0) });
    let texts = [describe(&given), describe(&counted)];
    // A chat that the harness cancelled may have been answered with a fault that was not read.
    let agrees = missing.iter().all(|count| *count >= 0) && missing.iter().sum::<i64>() <= cancelled.cast_signed();
    findings.expect(agrees, || {
        format!("the server gave the faults {}; gpuhpa counted {}, and cancelled {cancelled} chats", texts[0], texts[1])
    });
    findings.expect(load.outcomes.values().sum::<u64>() == load.requests, || {
        format!("load.json has {} requests, and the outcomes {:?}", load.requests, load.outcomes)
    });
    let gone = if pods_without_log.is_empty() { "" } else { "; without the logs of deleted pods: " };
    findings.notes.push(format!(
        "faults by the server's count: {}; by gpuhpa's, probes included: {}; {cancelled} chats cancelled{gone}{}",
        texts[0],
        texts[1],
        pods_without_log.join(", ")
    ));
}

/// The faults by the server's log. Each line has a kind and how often the pod gave it so far; of a long log only the end is kept.
fn server_counts(container_logs: &[(String, String)]) -> FaultCounts {
    let mut counts = FaultCounts::new();
    for (_, log) in container_logs {
        let mut last = FaultCounts::new();
        for line in log.lines().filter_map(|line| line.strip_prefix("fault ")) {
            let Some((kind, count)) = line.split_once(' ') else { continue };
            let outcome = FAULTS.iter().find(|(name, _)| *name == kind).map(|(_, outcome)| *outcome);
            last.extend(outcome.zip(count.trim().parse().ok()));
        }
        last.into_iter().for_each(|(outcome, count)| *counts.entry(outcome).or_default() += count);
    }
    counts
}

/// The failures of these kinds that the load counted, and those of the probes.
fn client_counts(bundle: &LoadedBundle) -> FaultCounts {
    let count = |outcome: RequestOutcome| {
        let of_load = bundle.load.as_ref().and_then(|load| load.outcomes.get(outcome.as_str()).copied()).unwrap_or(0);
        let of_probes = bundle.timeline.iter().filter(|observation| match &observation.kind {
            ObservationKind::Probe(probe) => {
                probe.error.as_ref().is_some_and(|error| error.split(':').next() == Some(outcome.as_str()))
            }
            _ => false,
        });
        (outcome, of_load + of_probes.count() as u64)
    };
    FAULTS.iter().map(|(_, outcome)| count(*outcome)).filter(|(_, count)| *count > 0).collect()
}

/// The pods that were deleted before the clean-up.
fn pods_deleted_under_way(bundle: &LoadedBundle) -> BTreeSet<String> {
    let before_cleanup = bundle
        .timeline
        .iter()
        .map(|observation| &observation.kind)
        .take_while(|kind| !matches!(kind, ObservationKind::Phase(change) if change.phase == Phase::Cleanup));
    let deleted = before_cleanup.filter_map(|kind| match kind {
        ObservationKind::Pod(pod) if pod.deleting => Some(pod.name.clone()),
        _ => None,
    });
    deleted.collect()
}

/// False where the container went before its pod: then the kubelet answers 200, and this text in place of the log.
fn has_log(pod: &str, container_logs: &[(String, String)]) -> bool {
    let is_of_pod = |path: &str| {
        path.rsplit('/').next().and_then(|file| file.strip_prefix(pod)).is_some_and(|rest| rest.starts_with('-'))
    };
    container_logs
        .iter()
        .any(|(path, log)| is_of_pod(path) && !log.starts_with("unable to retrieve container logs for "))
}

fn describe(counts: &FaultCounts) -> String {
    let all: Vec<String> = counts.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str())).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
