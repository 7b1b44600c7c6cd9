//! What has changed in a run, for its progress output: sizes, pods of the target, hops of the metric. Each event follows from
//! the observations alone.

use std::collections::BTreeMap;
use std::fmt;

use super::{ObservedItem, RunView, SizeChange, TargetPod};
use crate::bounds::SLACK;
use crate::judge::waiting::format_seconds;
use crate::model::observation::{HpaSnapshot, ObservationKind, PodSnapshot};
use crate::model::reading::MetricHop;

/// Time without a served reading after which a hop counts as stopped, milliseconds.
const HOP_STOPPED_MS: u64 = 10_000;

/// Names of pods in one line.
const MAX_NAMES: usize = 3;

/// Characters of a message that the scheduler or the kubelet gives.
const MAX_MESSAGE: usize = 60;

/// Something that changed in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProgressEvent {
    /// spec.replicas of the target changed.
    Resized {
        /// spec.replicas before.
        from: i32,
        /// spec.replicas after.
        to: i32,
        /// The HPA, or the field manager.
        writer: String,
        /// The metric that the HPA reported with the change, and its target: `Pods metric x 98 of 60`.
        metric: Option<String>,
    },
    /// Pods of the target became Ready.
    PodsReady {
        /// Their names.
        pods: Vec<String>,
        /// The shortest and the longest time since their creation, milliseconds; `None` where a creation was not seen.
        after_ms: Option<(u64, u64)>,
    },
    /// Pods of the target do not run, for this reason of the scheduler or the kubelet.
    PodsNotRunning {
        /// Their names.
        pods: Vec<String>,
        /// The reason.
        reason: String,
        /// The message of the first one, in short.
        message: String,
    },
    /// Pods of the target were deleted.
    PodsDeleted {
        /// Their names.
        pods: Vec<String>,
    },
    /// Hops of the metric serve it.
    HopsServe(Vec<MetricHop>),
    /// A hop does not serve the metric any more.
    HopStopped {
        /// The hop.
        hop: MetricHop,
        /// Its last response, in short.
        response: String,
    },
}

impl fmt::Display for ProgressEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resized { from, to, writer, metric } => {
                write!(f, "{from} → {to} by {writer}")?;
                metric.as_ref().map_or(Ok(()), |metric| write!(f, ": {metric}"))
            }
            Self::PodsReady { pods, after_ms } => {
                let after =
                    after_ms.map_or(String::new(), |(low, high)| match (format_seconds(low), format_seconds(high)) {
                        (low, high) if low == high => format!(" after {low}"),
                        (low, high) => format!(" after {low} to {high}"),
                    });
                write_pods(f, pods, &format!("Ready{after}"))
            }
            Self::PodsNotRunning { pods, reason, message } => {
                let verb = if pods.len() == 1 { "does" } else { "do" };
                let colon = if message.is_empty() { "" } else { ": " };
                write_pods(f, pods, &format!("{verb} not run ({reason}{colon}{message})"))
            }
            Self::PodsDeleted { pods } => write_pods(f, pods, "deleted"),
            Self::HopsServe(hops) => {
                let names: Vec<String> = hops.iter().map(|hop| format!("the {}", hop.as_str())).collect();
                write!(f, "{} {} the metric", names.join(" and "), if hops.len() == 1 { "serves" } else { "serve" })
            }
            Self::HopStopped { hop, response } => {
                write!(f, "the {} does not serve the metric any more: {response}", hop.as_str())
            }
        }
    }
}

/// One pod with its name first, more of them with their number first.
fn write_pods(f: &mut fmt::Formatter<'_>, pods: &[String], state: &str) -> fmt::Result {
    if let [pod] = pods {
        return write!(f, "pod {pod} {state}");
    }
    let names = pods.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    write!(f, "{} pods {state}: {names}", pods.len())?;
    if pods.len() > MAX_NAMES { write!(f, " and {} more", pods.len() - MAX_NAMES) } else { Ok(()) }
}

/// The beginning of a message of the cluster, in one line.
fn shorten_message(message: &str) -> String {
    let text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

/// A change of a pod.
enum PodChange {
    Ready { after_ms: Option<u64> },
    NotRunning { reason: String, message: String },
    Deleted,
}

impl RunView<'_> {
    /// What the observations from sequence number `from_seq` on have changed. Pods with the same change are one event.
    #[must_use]
    pub(crate) fn progress_from(&self, from_seq: u64) -> Vec<ProgressEvent> {
        let mut events = self.hop_events(from_seq);
        events.extend(self.size_events(from_seq));
        events.extend(self.pod_events(from_seq));
        events
    }

    /// In the order of the changes: one whose writer is not known yet holds back the later ones.
    fn size_events(&self, from_seq: u64) -> Vec<ProgressEvent> {
        let (mut known_seq, mut events) = (0, Vec::new());
        for change in &self.size_changes {
            let Some((seq, event)) = self.size_event(change) else { break };
            known_seq = seq.max(known_seq);
            events.extend((known_seq >= from_seq).then_some(event));
        }
        events
    }

    /// A change with its writer, and the observation that tells the writer.
    fn size_event(&self, change: &SizeChange<'_>) -> Option<(u64, ProgressEvent)> {
        let waited_ms = change.at_ms + 2 * SLACK.ms();
        let confirmed = self.confirming_status(change).filter(|(status, _)| status.at_ms < waited_ms);
        let (seq, writer, metric) = match confirmed {
            Some((status, hpa)) => (change.seq.max(status.seq), "the HPA".to_owned(), self.reported_metric(hpa)),
            None if !change.is_scale_write() => (change.seq, change.describe_writer(), None),
            // The HPA's status may still confirm it.
            None => {
                let after = self.records.timeline.iter().find(|o| o.at_ms >= waited_ms)?;
                let writer = format!("{}, which the HPA's status does not confirm", change.describe_writer());
                (after.seq, writer, None)
            }
        };
        Some((seq, ProgressEvent::Resized { from: change.from, to: change.to, writer, metric }))
    }

    /// The metric in a status of the HPA, with its target.
    fn reported_metric(&self, hpa: &HpaSnapshot) -> Option<String> {
        let value = self.metric.as_ref()?.reported_value(hpa)?;
        let target = self.target_value().map_or(String::new(), |target| format!(" of {target}"));
        Some(format!("{} {value}{target}", self.metric_title()))
    }

    fn pod_events(&self, from_seq: u64) -> Vec<ProgressEvent> {
        let (mut ready, mut starts_ms, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        let mut not_running: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
        for (pod, change) in self.pod_changes(from_seq) {
            match change {
                PodChange::Ready { after_ms } => {
                    ready.push(pod);
                    starts_ms.extend(after_ms);
                }
                PodChange::NotRunning { reason, message } => {
                    not_running.entry(reason).or_insert_with(|| (Vec::new(), message)).0.push(pod);
                }
                PodChange::Deleted => deleted.push(pod),
            }
        }
        let mut events: Vec<ProgressEvent> = not_running
            .into_iter()
            .map(|(reason, (pods, message))| ProgressEvent::PodsNotRunning { pods, reason, message })
            .collect();
        if !ready.is_empty() {
            let range = starts_ms.iter().min().copied().zip(starts_ms.iter().max().copied());
            let after_ms = range.filter(|_| starts_ms.len() == ready.len());
            events.push(ProgressEvent::PodsReady { pods: ready, after_ms });
        }
        events.extend((!deleted.is_empty()).then_some(ProgressEvent::PodsDeleted { pods: deleted }));
        events
    }

    /// The changes of the target's pods, in the order of their observations.
    fn pod_changes(&self, from_seq: u64) -> Vec<(String, PodChange)> {
        let start = self.records.timeline.partition_point(|observation| observation.seq < from_seq);
        let find = |uid: &str| self.target_pods().iter().find(|pod| pod.uid() == Some(uid));
        let mut changes = Vec::new();
        for observation in &self.records.timeline[start..] {
            let change = match &observation.kind {
                ObservationKind::Pod(snapshot) => {
                    find(&snapshot.uid).and_then(|pod| Some((pod, pod_change(pod, observation.seq)?)))
                }
                ObservationKind::PodDeleted(deleted) => find(&deleted.uid).map(|pod| (pod, PodChange::Deleted)),
                _ => None,
            };
            changes.extend(change.map(|(pod, change)| (pod.name().to_owned(), change)));
        }
        changes
    }

    fn hop_events(&self, from_seq: u64) -> Vec<ProgressEvent> {
        let (mut serving, mut events) = (Vec::new(), Vec::new());
        for hop in [MetricHop::Exporter, MetricHop::Store, MetricHop::Api] {
            // Without a new reading nothing has changed.
            let Some((_, serves)) = self.hop_state(hop, u64::MAX).filter(|(seq, _)| *seq >= from_seq) else { continue };
            match (self.hop_state(hop, from_seq).is_some_and(|(_, served)| served), serves) {
                (false, true) => serving.push(hop),
                (true, false) => {
                    let response = shorten_message(&self.last_response(hop));
                    events.push(ProgressEvent::HopStopped { hop, response });
                }
                _ => {}
            }
        }
        events.extend((!serving.is_empty()).then_some(ProgressEvent::HopsServe(serving)));
        events
    }

    /// The last readable reading of a hop before the observation `before_seq`, and whether the hop serves the target
    /// then. One reading without the metric is not enough to tell that it stopped.
    fn hop_state(&self, hop: MetricHop, before_seq: u64) -> Option<(u64, bool)> {
        let end = self.readings.partition_point(|(o, _)| o.seq < before_seq);
        let of_hop = self.readings[..end].iter().rev().filter(|(_, reading)| reading.hop == hop);
        let mut readable = of_hop.filter_map(|(o, reading)| Some((*o, self.serves_target(reading)?)));
        let (last, serves) = readable.next()?;
        let mut recent = readable.take_while(|(o, _)| o.at_ms + HOP_STOPPED_MS > last.at_ms);
        Some((last.seq, serves || recent.any(|(_, serves)| serves)))
    }

    /// The last response of a hop.
    fn last_response(&self, hop: MetricHop) -> String {
        let last = self.readings.iter().rfind(|(_, reading)| reading.hop == hop);
        last.map_or(String::new(), |(_, reading)| Self::describe_failure(reading))
    }
}

/// What this observation of a pod changes.
fn pod_change(pod: &TargetPod<'_>, seq: u64) -> Option<PodChange> {
    let index = pod.observations.iter().position(|(o, _)| o.seq == seq)?;
    let (before, rest) = pod.observations.split_at(index);
    let (observation, snapshot) = rest.first()?;
    if snapshot.ready && !snapshot.deleting {
        let was_ready = before.last().is_some_and(|(_, earlier)| earlier.ready);
        return (!was_ready).then(|| PodChange::Ready { after_ms: start_time_ms(before, observation.at_ms, snapshot) });
    }
    let problem = snapshot.not_running.as_ref().filter(|_| !snapshot.deleting)?;
    // A crash loop alternates between its reasons: each is told once until the pod is Ready.
    let since_ready = before.iter().rev().take_while(|(_, earlier)| !earlier.ready);
    let is_known =
        since_ready.filter_map(|(_, earlier)| earlier.not_running.as_ref()).any(|one| one.reason == problem.reason);
    (!is_known)
        .then(|| PodChange::NotRunning { reason: problem.reason.clone(), message: shorten_message(&problem.message) })
}

/// The time from a pod's creation until it was Ready: by the cluster's clock in whole seconds, or by the observations.
/// `None` for a pod that was Ready at its first observation, or before.
fn start_time_ms(before: &[ObservedItem<'_, PodSnapshot>], at_ms: u64, snapshot: &PodSnapshot) -> Option<u64> {
    let (first, _) = before.first().filter(|_| before.iter().all(|(_, earlier)| !earlier.ready))?;
    let by_cluster = snapshot
        .created
        .zip(snapshot.ready_since)
        .and_then(|(created, ready)| u64::try_from(ready.as_millisecond() - created.as_millisecond()).ok());
    Some(by_cluster.unwrap_or(at_ms.saturating_sub(first.at_ms)))
}
