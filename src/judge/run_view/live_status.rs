//! The run at a moment, for whoever watches it or waits for something that no check speaks of.

use super::RunView;
use crate::hpa::{self, MetricInput};
use crate::model::journal::ChangeState;
use crate::model::observation::{EventSnapshot, Phase};
use crate::model::reading::{MetricHop, ReadingResult};
use crate::units::Milli;

/// Seconds over which the rate of good answers is taken.
const RATE_WINDOW_MS: u64 = 10_000;

/// The state of a run at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveStatus {
    /// status.readyReplicas.
    pub ready_replicas: i32,
    /// spec.replicas.
    pub spec_replicas: i32,
    /// The metric as the HPA would report it.
    pub metric_value: Option<Milli>,
    /// Why the metrics API cannot be read, while it cannot.
    pub metrics_api_error: Option<String>,
    /// The target value.
    pub target_value: Option<Milli>,
    /// Good answers a second, lately, while the load is on.
    pub good_per_second: Option<f64>,
    /// Median time to first token so far, milliseconds; none before the first good answer.
    pub ttft_ms: Option<u64>,
}

impl RunView<'_> {
    /// The run now.
    #[must_use]
    pub fn live_status(&self) -> LiveStatus {
        let workload = self.workloads.last().map(|(_, workload)| *workload);
        let load = self.loads.last().filter(|_| self.is_under_load());
        let before = load.and_then(|(now, _)| {
            self.loads.iter().rfind(|(o, _)| o.at_ms + RATE_WINDOW_MS <= now.at_ms).or(self.loads.first())
        });
        let rate = load.zip(before).map(|((now, after), (then, before))| {
            let seconds = std::time::Duration::from_millis(now.at_ms - then.at_ms).as_secs_f64();
            let good = u32::try_from(after.succeeded.saturating_sub(before.succeeded)).unwrap_or(u32::MAX);
            if seconds > 0.0 { f64::from(good) / seconds } else { 0.0 }
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
            ReadingResult::NotReadable(why) => Some(why.clone()),
            ReadingResult::Samples(_) | ReadingResult::Failed(_) => None,
        }
    }

    /// The target value of the HPA's metric.
    pub(crate) fn target_value(&self) -> Option<Milli> {
        let scenario = self.records.scenario;
        let milli = match hpa::metric_from_spec(&scenario.hpa.spec, &scenario.namespace, &[])? {
            MetricInput::Pods { target_average_value_milli, .. } => Some(target_average_value_milli),
            MetricInput::Object { target, .. } | MetricInput::External { target, .. } => {
                target.average_value_milli.or(target.value_milli)
            }
        };
        milli.map(Milli)
    }

    /// Names of the new pods that are Ready and stay.
    #[must_use]
    pub fn new_ready_pods(&self) -> Vec<String> {
        let lives = self.new_pods();
        let staying = lives.iter().filter(|life| life.first_ready().is_some() && life.terminating_ms().is_none());
        staying.map(|life| life.name().to_owned()).collect()
    }

    /// Why the target is not ready yet; `None` once it is, after the deadline, or when a pod of it is in trouble and twice
    /// as old as a start may take: waiting longer would only cost accelerators.
    #[must_use]
    pub fn target_not_ready_reason(&self, deadline_ms: u64) -> Option<String> {
        if self.is_target_ready() || self.now_ms() >= deadline_ms {
            return None;
        }
        match self.pod_trouble() {
            Some((_, since_ms)) if self.now_ms() >= since_ms + self.times.pod_start().lenient_ms() => None,
            Some((words, _)) => Some(words),
            None => Some("the target is not Ready yet".to_owned()),
        }
    }

    /// As many pods of the target are Ready as it has without load.
    #[must_use]
    pub fn is_target_ready(&self) -> bool {
        let workload = self.workloads.last().map(|(_, workload)| *workload);
        workload.is_some_and(|w| w.ready_replicas >= self.min_replicas.min(w.spec_replicas) && w.ready_replicas > 0)
    }

    /// What the scheduler or the kubelet says of a pod of the target that does not run (a crash loop is silent between
    /// two crashes, so its latest words), and since when the pod is there. As of the clean-up, which takes pods away.
    pub(crate) fn pod_trouble(&self) -> Option<(String, u64)> {
        let at = self.end_ms();
        self.target_pods().iter().filter(|life| life.exists_at(at)).find_map(|life| {
            let seen = || life.observations.iter().rev().filter(|(o, _)| o.at_ms <= at).map(|(_, pod)| *pod);
            seen().next().filter(|pod| !pod.ready)?;
            let trouble = seen().find_map(|pod| pod.not_running.as_ref())?;
            let claim = self
                .describe_volume_claim(at)
                .filter(|_| trouble.message.contains("PersistentVolumeClaim"))
                .unwrap_or_default();
            Some((format!("pod {}: {}: {}{claim}", life.name(), trouble.reason, trouble.message), life.first_seen_ms()))
        })
    }

    /// The latest warning about a volume claim of the namespace: the scheduler does not say why one is unbound.
    fn describe_volume_claim(&self, at_ms: u64) -> Option<String> {
        let of_claim =
            |event: &EventSnapshot| event.kind == "Warning" && event.object.starts_with("PersistentVolumeClaim/");
        let (_, event) = self.events.iter().rfind(|(o, event)| o.at_ms <= at_ms && of_claim(event))?;
        Some(format!("; {}: {}: {}", event.object, event.reason, event.message))
    }

    /// Why the run went to its clean-up before there was anything to measure: a change that failed, by the journal, or a
    /// pod of the target that does not run.
    pub(crate) fn install_failure(&self) -> Option<String> {
        self.phase_start(Phase::Cleanup)?;
        let failed = self.records.journal.iter().find_map(|entry| match &entry.state {
            ChangeState::Failed { error } => Some(format!("a change to the cluster failed: {error}")),
            _ => None,
        });
        let namespace = &self.records.scenario.namespace;
        let stuck = |(trouble, _): (String, u64)| {
            // Without room on the nodes; with a volume that it waits for, the workload is what is not as it must be.
            let is_capacity = trouble.contains(": Unschedulable: ") && !trouble.contains("PersistentVolumeClaim");
            let kind = if is_capacity { "capacity" } else { "workload" };
            format!("({kind}) {trouble}; its log and events are in diagnostics/{namespace}/ of the evidence")
        };
        failed.or_else(|| self.pod_trouble().map(stuck))
    }

    /// Why what was done until `since_ms` may still show in the metric; `None` once a lag has passed (twice its assumed
    /// terms: an early HPA would scale up on it) and the metric asks for no more than min, or after the deadline.
    #[must_use]
    pub fn metric_busy_reason(&self, since_ms: u64, deadline_ms: u64) -> Option<String> {
        let now = self.now_ms();
        let passed = since_ms + self.times.metric_lag().lenient_ms();
        let busy = self
            .api_readings
            .last()
            .and_then(|served| served.recommendation_from(self.min_replicas))
            .is_some_and(|asks| asks > self.min_replicas);
        let why = if busy {
            "the first chat still shows in the metric"
        } else {
            "the first chat may still come up in the metric"
        };
        ((busy || now < passed) && now < deadline_ms).then(|| why.to_owned())
    }
}
