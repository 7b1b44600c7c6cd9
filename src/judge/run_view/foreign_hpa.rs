//! What a run waits for before it adopts an HPA, which acts before it is judged.

use super::RunView;
use crate::hpa;
use crate::judge::waiting::{WaitingReason, format_seconds};
use crate::model::observation::{HpaSnapshot, ObservationKind};

impl RunView<'_> {
    /// Why the HPA with this name, which acts already, cannot be judged yet: it has not scaled the target to minReplicas, or an
    /// earlier change still counts against its scaling policies. `None` once it can, after the deadline, and where the idle
    /// metric itself recommends more, which is a result.
    #[must_use]
    pub(crate) fn unsettled_reason(&self, name: &str, deadline_ms: u64) -> Option<WaitingReason> {
        let now = self.now_ms();
        let last = self.api_readings.last().and_then(|reading| reading.recommendation_from(self.min_replicas));
        if now >= deadline_ms || last.is_some_and(|replicas| replicas > self.min_replicas) {
            return None;
        }
        let (_, workload) = self.workloads.last()?;
        let (size, min, left) = (workload.spec_replicas, self.min_replicas, format_seconds(deadline_ms - now));
        let text = if size > min {
            format!("waiting until the HPA has scaled the target from {size} to minReplicas {min}, up to {left}")
        } else {
            let free_ms = self.hpa_named(name).and_then(|hpa| self.end_of_policies_ms(hpa))?;
            let left = format_seconds(free_ms.checked_sub(now).filter(|ms| *ms > 0)?);
            format!("waiting {left} until no earlier change counts against the HPA's scaling policies")
        };
        Some(WaitingReason::new("idle target", text.clone(), text, None, now))
    }

    /// Why the HPA with this name is not seen; `None` once it is, and after the deadline.
    #[must_use]
    pub(crate) fn no_hpa_reason(&self, name: &str, deadline_ms: u64) -> Option<WaitingReason> {
        let now = self.now_ms();
        if self.hpa_named(name).is_some() || now >= deadline_ms {
            return None;
        }
        let text = format!("waiting for HPA {name}, up to {}", format_seconds(deadline_ms - now));
        Some(WaitingReason::new("HPA", text.clone(), text, None, now))
    }

    /// The last snapshot of the HPA with this name, of one that is not adopted yet too.
    fn hpa_named(&self, name: &str) -> Option<&HpaSnapshot> {
        self.records.timeline.iter().rev().find_map(|observation| match &observation.kind {
            ObservationKind::Hpa(hpa) if hpa.name == name => Some(hpa),
            _ => None,
        })
    }

    /// When the HPA's last change no longer counts against its scaling policies, in the run's clock.
    fn end_of_policies_ms(&self, hpa: &HpaSnapshot) -> Option<u64> {
        let period_ms = hpa::longest_policy_period_ms(&self.records.scenario.hpa.spec);
        let (_, scaled_ms) = self.to_run_clock(hpa.last_scale_time?)?;
        u64::try_from(scaled_ms).ok().map(|ms| ms + period_ms)
    }
}
