//! The current state of a run, for the progress line and for waits that no check covers.

use super::{RunView, TargetPod};
use crate::bounds::SLACK;
use crate::judge::diagnosis::contamination;
use crate::judge::waiting::{WaitingReason, format_seconds};
use crate::model::journal::ChangeState;
use crate::model::observation::{EventSnapshot, NotRunningReason, Phase, PodSnapshot};
use crate::model::reading::{MetricHop, ReadingResult};
use crate::units::Milli;

/// Time over which the rate of successful requests is averaged, milliseconds.
const RATE_WINDOW_MS: u64 = 10_000;

/// The current state of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveStatus {
    /// status.readyReplicas.
    pub(crate) ready_replicas: i32,
    /// spec.replicas.
    pub(crate) spec_replicas: i32,
    /// The metric as the HPA reports it.
    pub(crate) metric_value: Option<Milli>,
    /// Why the metrics API cannot be read, if it cannot.
    pub(crate) metrics_api_error: Option<String>,
    /// The target value.
    pub target_value: Option<Milli>,
    /// Successful requests per second under load, averaged over the last 10 s.
    pub(crate) good_per_second: Option<f64>,
    /// Median time to first token so far, milliseconds; `None` before the first successful request.
    pub(crate) ttft_ms: Option<u64>,
}

impl<'a> RunView<'a> {
    /// The current state.
    #[must_use]
    pub fn live_status(&self) -> LiveStatus {
        let workload = self.workloads.last().map(|(_, workload)| *workload);
        let load = self.loads.last().filter(|_| self.is_under_load());
        let before = load.and_then(|(now, _)| {
            self.loads.iter().rfind(|(o, _)| o.at_ms + RATE_WINDOW_MS <= now.at_ms).or(self.loads.first())
        });
        let rate = load.zip(before).map(|((now, after), (then, before))| {
            let seconds = std::time::Duration::from_millis(now.at_ms - then.at_ms).as_secs_f64();
            let succeeded = u32::try_from(after.succeeded.saturating_sub(before.succeeded)).unwrap_or(u32::MAX);
            if seconds > 0.0 { f64::from(succeeded) / seconds } else { 0.0 }
        });
        LiveStatus {
            ready_replicas: workload.map_or(0, |w| w.ready_replicas),
            spec_replicas: workload.map_or(0, |w| w.spec_replicas),
            metric_value: self.api_readings.last().and_then(super::ApiReading::value_milli).map(Milli),
            metrics_api_error: self.metrics_api_error(),
            target_value: self.target_value(),
            good_per_second: rate,
            ttft_ms: load.filter(|(_, load)| load.succeeded > 0).map(|(_, load)| load.ttft_p50_us / 1000),
        }
    }

    fn metrics_api_error(&self) -> Option<String> {
        let (_, last) = self.readings.iter().rfind(|(_, reading)| reading.hop == MetricHop::Api)?;
        match &last.result {
            ReadingResult::NotReadable(error) => Some(error.clone()),
            ReadingResult::Samples(_) | ReadingResult::Failed(_) => None,
        }
    }

    /// The target value of the HPA's metric.
    pub(crate) fn target_value(&self) -> Option<Milli> {
        self.metric.as_ref()?.target_value
    }

    /// Names of the pods of the target that are Ready and have not ended.
    #[must_use]
    pub(crate) fn ready_pods(&self) -> Vec<String> {
        let ready = self.target_pods().iter().filter(|pod| pod.is_ready_at(self.now_ms()));
        ready.map(|pod| pod.name().to_owned()).collect()
    }

    /// The resource claims of a pod of the target.
    #[must_use]
    pub(crate) fn resource_claims_of(&self, pod: &str) -> Vec<String> {
        let last = self.target_pods().iter().find(|one| one.name() == pod).and_then(|one| one.last_observation());
        last.map(|(_, snapshot)| snapshot.resource_claims.clone()).unwrap_or_default()
    }

    /// Names of the new pods that are Ready and were not sent a direct chat. A pod that replaces another one of its name (of a
    /// StatefulSet) is a new one.
    #[must_use]
    pub(crate) fn unprobed_pods(&self) -> Vec<String> {
        let was_probed = |pod: &TargetPod<'_>| {
            self.probes.iter().any(|(_, probe)| probe.pod == pod.name() && probe.began_ms >= pod.first_seen_ms())
        };
        let pods = self.new_pods();
        let ready = pods.iter().filter(|pod| pod.is_ready_at(self.now_ms()));
        ready.filter(|pod| !was_probed(pod)).map(|pod| pod.name().to_owned()).collect()
    }

    /// Why the target is not ready yet. `None` once it is, after the deadline, or when a pod of it cannot run and is
    /// older than the doubled start bound: waiting longer would only cost accelerators.
    #[must_use]
    pub(crate) fn target_not_ready_reason(&self, deadline_ms: u64) -> Option<WaitingReason> {
        let now = self.now_ms();
        if self.is_target_ready() || now >= deadline_ms {
            return None;
        }
        let bound = self.times.pod_start();
        let trouble = self.pod_trouble();
        if trouble.as_ref().is_some_and(|(_, since_ms)| now >= since_ms + bound.lenient_ms()) {
            return None;
        }
        let text = format!("waiting for the target to be Ready, up to {}", format_seconds(deadline_ms - now));
        let detail = trouble.map_or("the target is not Ready yet".to_owned(), |(trouble, _)| trouble);
        let created_ms = self.target_pods().iter().map(TargetPod::first_seen_ms).min();
        Some(WaitingReason::new("target", text, detail, created_ms.map(|at| at + bound.total_ms()), now))
    }

    /// True when as many pods of the target are Ready as it has without load.
    #[must_use]
    pub(crate) fn is_target_ready(&self) -> bool {
        let workload = self.workloads.last().map(|(_, workload)| *workload);
        workload.is_some_and(|w| w.ready_replicas >= self.min_replicas.min(w.spec_replicas) && w.ready_replicas > 0)
    }

    /// Why a pod of the target does not run, by the scheduler or the kubelet, and since when the pod exists. The latest
    /// reason counts, since a crash loop reports none between two crashes. The clean-up ends the evaluated time, since
    /// it deletes pods.
    pub(crate) fn pod_trouble(&self) -> Option<(String, u64)> {
        let (pod, _, trouble) = self.find_pod_trouble()?;
        let claim = self
            .describe_volume_claim(self.end_ms())
            .filter(|_| trouble.message.contains("PersistentVolumeClaim"))
            .unwrap_or_default();
        Some((format!("pod {}: {}: {}{claim}", pod.name(), trouble.reason, trouble.message), pod.first_seen_ms()))
    }

    /// The first pod of the target that does not run, its snapshot with the latest reason, and that reason.
    fn find_pod_trouble(&self) -> Option<(&TargetPod<'a>, &'a PodSnapshot, &'a NotRunningReason)> {
        let at = self.end_ms();
        self.target_pods().iter().filter(|pod| pod.exists_at(at)).find_map(|pod| {
            let latest_first =
                || pod.observations.iter().rev().filter(|(o, _)| o.at_ms <= at).map(|(_, snapshot)| *snapshot);
            latest_first().next().filter(|snapshot| !snapshot.ready)?;
            latest_first().find_map(|snapshot| Some((pod, snapshot, snapshot.not_running.as_ref()?)))
        })
    }

    /// The latest Warning event of a volume claim in the namespace: the scheduler does not report why a claim is
    /// unbound.
    fn describe_volume_claim(&self, at_ms: u64) -> Option<String> {
        let of_claim =
            |event: &EventSnapshot| event.kind == "Warning" && event.object.starts_with("PersistentVolumeClaim/");
        let (_, event) = self.events.iter().rfind(|(o, event)| o.at_ms <= at_ms && of_claim(event))?;
        Some(format!("; {}: {}: {}", event.object, event.reason, event.message))
    }

    /// Why the run ended during its installation: a change that failed, by the journal, or a pod of the target that
    /// does not run.
    pub(crate) fn install_failure(&self) -> Option<String> {
        self.phase_start(Phase::Cleanup)?;
        let failed = self.records.journal.iter().find_map(|entry| match &entry.state {
            ChangeState::Failed { error } => Some(format!("a change to the cluster failed: {error}")),
            _ => None,
        });
        let namespace = &self.records.scenario.namespace;
        let place = format!("its log and events are in diagnostics/{namespace}/ of the evidence");
        let trouble = || {
            let (_, snapshot, reason) = self.find_pod_trouble()?;
            // A volume, a taint, an affinity or another resource is the workload's matter.
            let is_capacity = self.lacks_accelerator(snapshot, reason, self.end_ms());
            let kind = if is_capacity { "capacity" } else { "workload" };
            self.pod_trouble().map(|(trouble, _)| format!("({kind}) {trouble}; {place}"))
        };
        let refused = || {
            let text = self.describe_refused_pods(self.end_ms()).filter(|_| self.target_pods().is_empty())?;
            Some(format!("(workload) no pod of the target was created: {text}"))
        };
        failed.or_else(trouble).or_else(refused)
    }

    /// In which phase a run ended and began its clean-up, with the last source before that which could not be read, and the
    /// observation that records this.
    pub(crate) fn describe_early_end(&self) -> Option<(String, Option<u64>)> {
        let ended_ms = self.phase_start(Phase::Cleanup)?;
        let phase = self.phase_at(ended_ms.saturating_sub(1)).map_or("the survey", Phase::as_str);
        let gap = self.gaps.iter().rfind(|(o, gap)| o.at_ms <= ended_ms && o.at_ms > gap.from_ms + SLACK.ms());
        let cause = gap.map_or(String::new(), |(o, gap)| {
            let length = format_seconds(o.at_ms.saturating_sub(gap.from_ms));
            format!("; {} could not be read for {length} before that: {}", gap.source, gap.reason)
        });
        Some((format!("the run ended in phase {phase}{cause}"), gap.map(|(o, _)| o.seq)))
    }

    /// Why activity until `since_ms` may still show in the metric: an HPA created too early would scale up on it.
    /// `None` once the metric lag with its assumed terms doubled has passed and the metric recommends no more than
    /// minReplicas, or after the deadline.
    #[must_use]
    pub(crate) fn metric_busy_reason(&self, since_ms: u64, deadline_ms: u64) -> Option<WaitingReason> {
        let now = self.now_ms();
        let lag_end_ms = since_ms + self.times.metric_lag().lenient_ms();
        let busy = self
            .api_readings
            .last()
            .and_then(|reading| reading.recommendation_from(self.min_replicas))
            .is_some_and(|replicas| replicas > self.min_replicas);
        if !(busy || now < lag_end_ms) || now >= deadline_ms {
            return None;
        }
        let (detail, until_ms) = if busy {
            let other = contamination::describe(self, now);
            (other.unwrap_or_else(|| "the warm-up chat is still visible in the metric".to_owned()), deadline_ms)
        } else {
            ("the warm-up chat may still appear in the metric".to_owned(), deadline_ms.min(lag_end_ms))
        };
        let text = format!(
            "waiting until the metric no longer shows the first chat, up to {}",
            format_seconds(until_ms - now)
        );
        let expected_ms = busy.then_some(since_ms + self.times.metric_falls_back().total_ms());
        Some(WaitingReason::new("warm-up chat", text, detail, expected_ms, now))
    }
}
