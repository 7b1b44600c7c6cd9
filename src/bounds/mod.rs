//! Named terms of time. Every bound that a check or a phase uses is built here, from terms that say where they come
//! from; nothing here waits or reads a clock. Sources: facts of the HPA controller (Kubernetes 1.37) and of the
//! metric's way, exporter → store → metrics API → controller.

use crate::model::assumptions::Assumptions;
use crate::model::plan::{BehaviorTimes, Term, TermSource, TimeBound};
use crate::model::scenario::Scenario;
use crate::units::HumanDuration;

/// How often each hop is asked: well below the shortest sync period in use (5 s on the rig, 15 s by default), so that
/// whatever the controller was served lies between two readings.
pub const POLL_INTERVAL: HumanDuration = HumanDuration::from_secs(1);

/// Allowance for what lies between two computers of one cluster and us: a watch event, a status write, a PUT.
pub const SLACK: HumanDuration = HumanDuration::from_secs(3);

/// From the first chat until the accelerator is busy, with the model loaded already.
pub const LOAD_RAMP: HumanDuration = HumanDuration::from_secs(10);

/// What the bounds are made from.
#[derive(Clone, Debug)]
pub struct TimingModel<'a> {
    /// Assumed times.
    pub assumptions: &'a Assumptions,
    /// Scale-down window: the HPA's own, or the controller's flag.
    pub down_window: Term,
    /// For how long the spec holds a rise back, milliseconds.
    pub up_window_ms: u64,
    /// `terminationGracePeriodSeconds` of the target's pods, once it was read.
    pub termination_grace_s: Option<i64>,
    /// Periods that the spec's rate limit forces between min and the expected size, upwards, milliseconds.
    pub up_rate_ms: u64,
    /// The same downwards, from max to min.
    pub down_rate_ms: u64,
    /// Largest uncertainty of the API server's clock against ours, milliseconds.
    pub clock_skew_ms: u64,
    /// A chat has its first token within this, or has failed, milliseconds.
    pub first_token_ms: u64,
}

fn term(name: &str, ms: u64, source: TermSource) -> Term {
    Term { name: name.to_owned(), ms, source }
}

fn assumed_term(name: &str, span: HumanDuration) -> Term {
    term(name, span.ms(), TermSource::Assumed)
}

fn harness_term(name: &str, span: HumanDuration) -> Term {
    term(name, span.ms(), TermSource::Harness)
}

fn bound(name: &str, terms: Vec<Term>) -> TimeBound {
    TimeBound { name: name.to_owned(), terms: terms.into_iter().filter(|term| term.ms > 0).collect() }
}

impl<'a> TimingModel<'a> {
    /// The times of a scenario whose spec says this.
    #[must_use]
    pub fn from_scenario(scenario: &'a Scenario, spec: BehaviorTimes, skew_ms: u64) -> Self {
        let (ms, source) = match spec.down_window_ms {
            Some(ms) => (ms, TermSource::Read),
            None => (scenario.assumptions.downscale_stabilization.ms(), TermSource::Assumed),
        };
        Self {
            assumptions: &scenario.assumptions,
            down_window: term("scale-down window", ms, source),
            up_window_ms: spec.up_window_ms,
            termination_grace_s: None,
            up_rate_ms: spec.up_rate_ms,
            down_rate_ms: spec.down_rate_ms,
            clock_skew_ms: skew_ms,
            first_token_ms: scenario.load.timeouts.first_token.ms(),
        }
    }
}

impl TimingModel<'_> {
    fn sync_period(&self) -> Term {
        assumed_term("sync period", self.assumptions.sync_period)
    }

    fn metric_path(&self) -> Vec<Term> {
        vec![
            assumed_term("exporter interval", self.assumptions.exporter_interval),
            assumed_term("scrape interval", self.assumptions.scrape_interval),
            assumed_term("store offset", self.assumptions.store_offset),
        ]
    }

    fn termination_grace(&self) -> Term {
        match self.termination_grace_s {
            Some(seconds) => term("termination grace", u64::try_from(seconds).unwrap_or(0) * 1000, TermSource::Read),
            None => assumed_term("termination grace", HumanDuration::from_secs(30)),
        }
    }

    /// Until something that happens at the target shows in a reading.
    fn metric_visible(&self, name: &str) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(harness_term("ramp", LOAD_RAMP));
        terms.push(harness_term("poll", POLL_INTERVAL));
        bound(name, terms)
    }

    /// How old the state is that a reading of the metrics API shows.
    #[must_use]
    pub fn metric_lag(&self) -> TimeBound {
        bound("lag of the metric", self.metric_path())
    }

    /// From the adapter's start until the metric is served.
    #[must_use]
    pub fn metric_served(&self) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(assumed_term("relist interval", self.assumptions.relist_interval));
        terms.push(assumed_term("adapter start", self.assumptions.pod_start));
        terms.push(harness_term("poll", POLL_INTERVAL));
        bound("metric served", terms)
    }

    /// From the HPA's creation until it is seen to act. Before 1.37 the first pass comes one period after creation.
    #[must_use]
    pub fn hpa_active(&self) -> TimeBound {
        let mut terms = vec![self.sync_period()];
        terms.push(assumed_term("a skipped pass", self.assumptions.sync_period));
        terms.push(harness_term("slack", SLACK));
        bound("autoscaler active", terms)
    }

    /// The idle baseline.
    #[must_use]
    pub fn baseline(&self, periods: u32) -> TimeBound {
        bound(
            "idle baseline",
            vec![term(
                &format!("{periods} sync periods"),
                u64::from(periods) * self.assumptions.sync_period.ms(),
                TermSource::Assumed,
            )],
        )
    }

    /// How long the metric must ask for a size before a pass must have acted on it.
    #[must_use]
    pub fn metric_sustained(&self) -> TimeBound {
        let mut terms = vec![self.sync_period()];
        terms.extend(self.metric_path());
        bound("metric asks for it", terms)
    }

    /// From the beginning of the load until the metric asks for more.
    #[must_use]
    pub fn metric_follows_load(&self) -> TimeBound {
        self.metric_visible("metric follows the load")
    }

    /// From the first reading that asks for the expected size until it is reached.
    #[must_use]
    pub fn scale_up(&self) -> TimeBound {
        let mut terms = vec![self.sync_period(), assumed_term("a skipped pass", self.assumptions.sync_period)];
        terms.push(term("scale-up window", self.up_window_ms, TermSource::Read));
        terms.push(term("rate limit", self.up_rate_ms, TermSource::Read));
        terms.push(harness_term("slack", SLACK));
        bound("replicas rise", terms)
    }

    /// From a pod's creation until it is Ready.
    #[must_use]
    pub fn pod_start(&self) -> TimeBound {
        bound("pod start", vec![assumed_term("pod start", self.assumptions.pod_start), harness_term("slack", SLACK)])
    }

    /// From a pod's readiness until its share of the traffic shows in the metric.
    #[must_use]
    pub fn traffic_visible(&self) -> TimeBound {
        self.metric_visible("traffic seen")
    }

    /// The same where chance may have kept it away: chats that were queued when the pod became Ready have got their first
    /// token or failed, and each worker has opened a connection since.
    #[must_use]
    pub fn new_connections(&self) -> TimeBound {
        let mut terms = self.traffic_visible().terms;
        terms.push(term("first token", self.first_token_ms, TermSource::Harness));
        bound("connections opened", terms)
    }

    /// How long the size is held under load.
    #[must_use]
    pub fn hold(&self) -> TimeBound {
        let mut terms = vec![self.down_window.clone()];
        terms.extend(self.metric_path());
        bound("hold", terms)
    }

    /// From the end of the load until the readings lead back to min.
    #[must_use]
    pub fn metric_falls_back(&self) -> TimeBound {
        self.metric_visible("metric falls back")
    }

    /// From the end of the load until replicas are min and the surplus pods gone.
    #[must_use]
    pub fn scale_down(&self) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(harness_term("ramp", LOAD_RAMP));
        terms.push(self.down_window.clone());
        terms.push(self.sync_period());
        terms.push(assumed_term("a skipped pass", self.assumptions.sync_period));
        terms.push(term("rate limit", self.down_rate_ms, TermSource::Read));
        terms.push(self.termination_grace());
        terms.push(harness_term("slack", SLACK));
        bound("replicas fall", terms)
    }

    /// The least time from the last span in which the metric asked for more until a fall: the window, less what the
    /// order of two clocks and one pass can hide.
    #[must_use]
    pub fn earliest_scale_down_ms(&self) -> u64 {
        self.down_window.ms.saturating_sub(self.assumptions.sync_period.ms() + self.clock_skew_ms + 1000)
    }

    /// The least that a run can take from the HPA's creation to the fall: what nothing can shorten.
    #[must_use]
    pub fn min_duration_ms(&self, idle_periods: u32) -> u64 {
        self.baseline(idle_periods).total_ms()
            + self.down_window.ms
            + self.metric_lag().total_ms()
            + self.down_window.ms
            + self.assumptions.sync_period.ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(assumed: &Assumptions) -> TimingModel<'_> {
        let window = Term { name: "scale-down window".to_owned(), ms: 300_000, source: TermSource::Read };
        TimingModel {
            assumptions: assumed,
            down_window: window,
            up_window_ms: 0,
            termination_grace_s: Some(30),
            up_rate_ms: 0,
            down_rate_ms: 0,
            clock_skew_ms: 500,
            first_token_ms: 300_000,
        }
    }

    #[test]
    fn the_recipes_lag_is_the_sum_of_its_hops() {
        // exporter 30 s + scrape 10 s + VictoriaMetrics' offset 30 s, before the sync period (about 85 s with it).
        let assumed = Assumptions { scrape_interval: HumanDuration::from_secs(10), ..Assumptions::default() };
        assert_eq!(times(&assumed).metric_lag().total_ms(), 70_000);
        assert_eq!(times(&assumed).metric_sustained().total_ms(), 85_000);
    }

    #[test]
    fn only_assumed_terms_are_doubled() {
        let assumed = Assumptions::default();
        let rise = times(&assumed).scale_up();
        assert_eq!((rise.total_ms(), rise.lenient_ms()), (33_000, 63_000));
    }

    #[test]
    fn a_scale_up_is_held_back_by_its_window() {
        let assumed = Assumptions::default();
        let held = TimingModel { up_window_ms: 60_000, ..times(&assumed) };
        assert_eq!((held.scale_up().total_ms(), held.scale_up().lenient_ms()), (93_000, 123_000));
    }

    #[test]
    fn a_scale_down_may_come_a_pass_the_skew_and_a_second_before_the_window() {
        let assumed = Assumptions::default();
        assert_eq!(times(&assumed).earliest_scale_down_ms(), 300_000 - 15_000 - 500 - 1000);
    }

    #[test]
    fn a_bound_prints_its_terms_and_their_sources() {
        let assumed = Assumptions::default();
        let text = times(&assumed).hold().to_string();
        assert_eq!(
            text,
            "6m15s = scale-down window 5m (read) + exporter interval 30s (assumed) + scrape interval 15s (assumed) + store offset 30s (assumed)"
        );
    }
}
