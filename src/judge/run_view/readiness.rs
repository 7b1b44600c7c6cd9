//! Readiness of the target's pods as a state over time: a pod may be Ready for a moment, or again and again.

use std::collections::BTreeMap;

use super::{ObservedItem, RunView, TargetPod};
use crate::bounds::SLACK;
use crate::judge::check_result::format_ms;
use crate::model::observation::{EndpointsSnapshot, NotRunningReason, PodSnapshot};

/// A span of time, milliseconds of the run's clock: its beginning and its end.
pub(crate) type TimeSpan = (u64, u64);

/// A pod that lost its readiness, or restarted, after it had been Ready.
pub(crate) struct ReadinessLoss {
    /// How long it was not Ready since it first was, milliseconds.
    pub(crate) not_ready_ms: u64,
    /// How often its containers restarted since.
    pub(crate) restarts: i32,
    /// Why it did not run, by its status; the last reason counts.
    pub(crate) reason: Option<NotRunningReason>,
}

impl<'a> TargetPod<'a> {
    /// The spans of time until `end_ms` in which it was Ready and not terminating.
    pub(crate) fn ready_spans(&self, end_ms: u64) -> Vec<TimeSpan> {
        let end_ms = self.gone_ms.map_or(end_ms, |gone| gone.min(end_ms));
        let mut spans = SpanCollector::default();
        for (o, pod) in self.observations.iter().filter(|(o, _)| o.at_ms <= end_ms) {
            spans.set(pod.ready && !pod.deleting, o.at_ms);
        }
        spans.finish(end_ms)
    }

    /// What happened to its readiness between `from_ms` and `end_ms`, since it was first Ready; `None` where it stayed
    /// Ready. A pod that is deleted ends to be Ready by that.
    pub(crate) fn readiness_loss(&self, from_ms: u64, end_ms: u64) -> Option<ReadinessLoss> {
        let end_ms = self.terminating_ms().map_or(end_ms, |terminating| terminating.min(end_ms));
        let first_ms = self.ready_by(end_ms)?.0.at_ms;
        let from_ms = first_ms.max(from_ms);
        let ready_ms: u64 =
            self.ready_spans(end_ms).iter().map(|(from, to)| to.saturating_sub((*from).max(from_ms))).sum();
        let seen = || self.observations.iter().filter(|(o, _)| o.at_ms <= end_ms);
        let restarts_by = |at_ms: u64| seen().rfind(|(o, _)| o.at_ms <= at_ms).map_or(0, |(_, pod)| pod.restarts);
        let since = |(o, _): &&ObservedItem<'a, PodSnapshot>| o.at_ms >= from_ms;
        let loss = ReadinessLoss {
            not_ready_ms: end_ms.saturating_sub(from_ms).saturating_sub(ready_ms),
            restarts: restarts_by(end_ms).saturating_sub(restarts_by(from_ms)),
            reason: seen().filter(since).rev().find_map(|(_, pod)| pod.not_running.clone()),
        };
        (loss.not_ready_ms > 0 || loss.restarts > 0).then_some(loss)
    }
}

impl<'a> RunView<'a> {
    /// The spans of time under load, until its end or now, in which at least `count` pods of the target were Ready and
    /// ready endpoints of the Service. Where no endpoints were observed, the pods' readiness alone counts.
    pub(crate) fn spans_with_serving_pods(&self, count: i32) -> Vec<TimeSpan> {
        let Some((began, end)) = self.load_span() else { return Vec::new() };
        let endpoints = endpoint_spans(&self.endpoints, end);
        let mut changes: Vec<(u64, i32)> = Vec::new();
        for pod in self.target_pods() {
            let ready = pod.ready_spans(end);
            let serving = match endpoints.get(pod.name()) {
                _ if self.endpoints.is_empty() => ready,
                Some(spans) => intersect(&ready, spans),
                None => continue,
            };
            changes.extend(serving.iter().flat_map(|(from, to)| [((*from).max(began), 1), ((*to).max(began), -1)]));
        }
        // At one time the pods that come are counted before those that go.
        changes.sort_unstable_by_key(|(at, change)| (*at, -change));
        let (mut pods, mut spans) = (0, SpanCollector::default());
        for (at, change) in changes.iter().filter(|(at, _)| *at < end) {
            pods += change;
            spans.set(pods >= count, *at);
        }
        spans.finish(end).into_iter().filter(|(from, to)| from < to).collect()
    }

    /// The most pods of the target that were Ready at the same time until `end_ms`.
    pub(crate) fn most_ready_pods(&self, end_ms: u64) -> usize {
        let spans = self.target_pods().iter().flat_map(|pod| pod.ready_spans(end_ms));
        let mut changes: Vec<(u64, bool)> = spans.flat_map(|(from, to)| [(from, true), (to, false)]).collect();
        // What is Ready at the end has not gone.
        changes.retain(|(at, came)| *came || *at < end_ms);
        // At one time the pods that go are counted before those that come: a pod that replaces another one adds nothing.
        changes.sort_unstable();
        let (mut ready, mut most) = (0_usize, 0);
        for (_, came) in changes {
            ready = if came { ready + 1 } else { ready.saturating_sub(1) };
            most = most.max(ready);
        }
        most
    }

    /// How many pods of the target were Ready at this time and not terminating.
    pub(crate) fn ready_pods_at(&self, at_ms: u64) -> usize {
        self.target_pods().iter().filter(|pod| pod.is_ready_at(at_ms)).count()
    }

    /// True when the pod was a ready endpoint of the Service at this time; `None` where no endpoints were observed.
    pub(crate) fn is_endpoint_at(&self, pod: &str, at_ms: u64) -> Option<bool> {
        let known = self.endpoints.partition_point(|(o, _)| o.at_ms <= at_ms);
        let (_, endpoints) = self.endpoints.get(known.checked_sub(1)?)?;
        Some(endpoints.ready_pods.iter().any(|name| name == pod))
    }
}

impl RunView<'_> {
    /// Describes each pod of the target that lost its readiness or restarted under load, after it had been Ready.
    pub(crate) fn describe_readiness_losses(&self) -> Vec<String> {
        let Some((began, end)) = self.load_span() else { return Vec::new() };
        let losses = self.target_pods().iter().filter_map(|pod| Some((pod, pod.readiness_loss(began, end)?)));
        losses.map(|(pod, loss)| format!("pod {} {}", pod.name(), loss.describe())).collect()
    }

    /// Describes each pod of the target that was Ready and ended within a span of time in which the target was not scaled down:
    /// another client deleted it, or the node evicted it, or the scheduler preempted it.
    pub(crate) fn describe_ended_pods(&self, from_ms: u64, end_ms: u64) -> Vec<String> {
        let is_scaled_down = |ended_ms: u64| {
            let mut changes = self.size_changes.iter();
            changes.any(|c| c.to < c.from && (from_ms..=ended_ms + SLACK.ms()).contains(&c.at_ms))
        };
        let ended = self.target_pods().iter().filter_map(|pod| {
            let ended_ms = pod.ended_ms().filter(|ended| (from_ms..end_ms).contains(ended))?;
            let ready_ms = pod.ready_by(ended_ms)?.0.at_ms;
            (!is_scaled_down(ended_ms)).then(|| {
                let (_, last) = pod.observations.iter().rfind(|(o, _)| o.at_ms <= end_ms)?;
                let reason = last.not_running.as_ref();
                let reason = reason.map_or(String::new(), |reason| format!(": {}: {}", reason.reason, reason.message));
                let after = format_ms(ended_ms.saturating_sub(ready_ms));
                Some(format!(
                    "pod {} ended {after} after it was Ready, by no scale-down (deleted, evicted, preempted, or replaced by a rollout){reason}",
                    pod.name()
                ))
            })?
        });
        ended.collect()
    }

    /// Describes a target whose status counts fewer Ready pods than its pods' own records show, with the observation of that
    /// status. Its controller learns of a pod within seconds.
    pub(crate) fn describe_uncounted_pods(&self, serving: TimeSpan, count: i32) -> Option<(String, u64)> {
        const LONGEST_LAG_MS: u64 = 60_000;
        let (from_ms, to_ms) = serving;
        let (seq, workload) = self.workload_at(to_ms)?;
        let is_settled = to_ms >= from_ms + LONGEST_LAG_MS && self.is_gapless("workload", from_ms, to_ms);
        (is_settled && workload.ready_replicas < count && self.is_gapless("pods", from_ms, to_ms)).then(|| {
            let text = format!(
                "the records contradict each other: {count} pods of the target are Ready by their own status for {}, and {} {} \
                 counts {} in status.readyReplicas",
                format_ms(to_ms - from_ms),
                workload.kind,
                workload.name,
                workload.ready_replicas
            );
            (text, seq)
        })
    }
}

impl ReadinessLoss {
    pub(crate) fn describe(&self) -> String {
        let not_ready = match self.not_ready_ms {
            0 => None,
            ms => Some(format!("was not Ready for {}", format_ms(ms))),
        };
        let restarts = match self.restarts {
            i32::MIN..=0 => None,
            1 => Some("restarted once".to_owned()),
            count => Some(format!("restarted {count} times")),
        };
        let what: Vec<String> = not_ready.into_iter().chain(restarts).collect();
        let reason =
            self.reason.as_ref().map_or(String::new(), |reason| format!(": {}: {}", reason.reason, reason.message));
        format!("{} after it had been Ready{reason}", what.join(" and "))
    }
}

impl TargetPod<'_> {
    /// True when it was Ready at this time and not terminating.
    pub(crate) fn is_ready_at(&self, at_ms: u64) -> bool {
        let last = self.observations.iter().rfind(|(o, _)| o.at_ms <= at_ms);
        self.exists_at(at_ms) && last.is_some_and(|(_, pod)| pod.ready && !pod.deleting)
    }
}

/// The spans in which each pod was a ready endpoint.
fn endpoint_spans<'a>(
    endpoints: &[ObservedItem<'a, EndpointsSnapshot>],
    end_ms: u64,
) -> BTreeMap<&'a str, Vec<TimeSpan>> {
    let mut spans: BTreeMap<&'a str, Vec<TimeSpan>> = BTreeMap::new();
    for (index, (o, snapshot)) in endpoints.iter().enumerate().filter(|(_, (o, _))| o.at_ms < end_ms) {
        // Each snapshot holds until the next one.
        let until = endpoints.get(index + 1).map_or(end_ms, |(next, _)| next.at_ms.min(end_ms));
        for name in &snapshot.ready_pods {
            let of_pod = spans.entry(name).or_default();
            match of_pod.last_mut() {
                Some((_, to)) if *to == o.at_ms => *to = until,
                _ => of_pod.push((o.at_ms, until)),
            }
        }
    }
    spans
}

/// The time that is in both of two sorted lists of spans.
fn intersect(one: &[TimeSpan], other: &[TimeSpan]) -> Vec<TimeSpan> {
    let (mut left, mut right, mut both) = (0, 0, Vec::new());
    while let (Some((from, to)), Some((other_from, other_to))) = (one.get(left), other.get(right)) {
        let shared = ((*from).max(*other_from), (*to).min(*other_to));
        if shared.0 < shared.1 {
            both.push(shared);
        }
        if to < other_to { left += 1 } else { right += 1 }
    }
    both
}

/// Collects the spans in which a state holds.
#[derive(Default)]
struct SpanCollector {
    since: Option<u64>,
    spans: Vec<TimeSpan>,
}

impl SpanCollector {
    /// From this time on the state holds, or does not.
    fn set(&mut self, holds: bool, at_ms: u64) {
        match (holds, self.since) {
            (true, None) => self.since = Some(at_ms),
            (false, Some(since)) => {
                self.spans.push((since, at_ms));
                self.since = None;
            }
            _ => {}
        }
    }

    fn finish(mut self, end_ms: u64) -> Vec<TimeSpan> {
        self.set(false, end_ms);
        self.spans
    }
}
