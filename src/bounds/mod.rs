//! Time bounds of the phases and checks, each the sum of named terms. The terms model the HPA controller (Kubernetes
//! 1.37) and the metric pipeline: exporter → store → metrics API → controller. Nothing here waits or reads a clock.

mod terms;

use self::terms::{TIMESTAMP_MS, assumed_term, bound, harness_term, term};
use crate::hpa::BehaviorTimes;
use crate::model::adapter_rule;
use crate::model::assumptions::Assumptions;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::plan::{BoundName, Term, TermSource, TimeBound};
use crate::model::scenario::Scenario;
use crate::units::HumanDuration;

/// Interval at which the harness reads each hop. Well below the shortest sync period in use (5 s on the rig, 15 s by
/// default), so the values that the controller reads are close to recorded readings.
pub(crate) const POLL_INTERVAL: HumanDuration = HumanDuration::from_secs(1);

/// Allowance for the latency between the cluster's components and the harness: a watch event, a status write, a PUT.
pub(crate) const SLACK: HumanDuration = HumanDuration::from_secs(3);

/// Time from the first chat of the load until the accelerator is busy, with the model already loaded.
pub(crate) const LOAD_RAMP: HumanDuration = HumanDuration::from_secs(10);

/// Everything that the bounds are computed from.
#[derive(Clone, Debug)]
pub(crate) struct TimingModel<'a> {
    /// Assumed times of the cluster.
    pub(crate) assumptions: &'a Assumptions,
    /// Scale-down stabilization window: the HPA's, else the controller's flag.
    pub(crate) down_window: Term,
    /// Scale-up stabilization window, milliseconds.
    pub(crate) up_window_ms: u64,
    /// `terminationGracePeriodSeconds` of the target's pods; `None` until it is read.
    pub(crate) termination_grace_s: Option<i64>,
    /// Time that the scaling policies need from minReplicas up to the expected replicas, milliseconds.
    pub(crate) up_rate_ms: u64,
    /// Time that the scaling policies need from maxReplicas down to minReplicas, milliseconds.
    pub(crate) down_rate_ms: u64,
    /// How much older than its samples the metric is because of ranges and offsets in its rule or query, milliseconds.
    pub(crate) rule_delay_ms: u64,
    /// Largest possible difference between the API server's clock and the harness's, milliseconds.
    pub(crate) clock_skew_ms: u64,
    /// Timeout of a chat's first token, milliseconds.
    pub(crate) first_token_ms: u64,
}

impl<'a> TimingModel<'a> {
    /// The model for a scenario in a cluster, and the times of its HPA's `spec.behavior`.
    #[must_use]
    pub(crate) fn new(
        scenario: &'a Scenario,
        inventory: &Inventory,
        behavior: BehaviorTimes,
        clock_skew_ms: u64,
    ) -> Self {
        let (ms, source) = match behavior.down_window_ms {
            Some(ms) => (ms, TermSource::Read),
            None => (scenario.assumptions.downscale_stabilization.ms(), TermSource::Assumed),
        };
        let metric = MetricUnderTest::from_scenario(scenario);
        Self {
            assumptions: &scenario.assumptions,
            down_window: term("scale-down stabilization window", ms, source),
            up_window_ms: behavior.up_window_ms,
            termination_grace_s: None,
            up_rate_ms: behavior.up_rate_ms,
            down_rate_ms: behavior.down_rate_ms,
            rule_delay_ms: metric.map_or(0, |metric| adapter_rule::rule_delay_ms(scenario, inventory, &metric)),
            clock_skew_ms,
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
            term("ranges and offsets in the adapter's rule", self.rule_delay_ms, TermSource::Read),
        ]
    }

    /// The API server takes any number of seconds: of more than 366 days so many count.
    fn termination_grace(&self) -> Term {
        const NAME: &str = "termination grace period";
        match self.termination_grace_s {
            Some(seconds) => term(NAME, seconds.clamp(0, 366 * 24 * 3600).unsigned_abs() * 1000, TermSource::Read),
            None => assumed_term(NAME, HumanDuration::from_secs(30)),
        }
    }

    /// From a change of the target's activity until a reading shows it.
    fn metric_visible(&self, name: BoundName) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(harness_term("load ramp-up", LOAD_RAMP));
        terms.push(harness_term("poll interval", POLL_INTERVAL));
        bound(name, terms)
    }

    /// Age of the state that a reading of the metrics API shows.
    #[must_use]
    pub(crate) fn metric_lag(&self) -> TimeBound {
        bound(BoundName::MetricLag, self.metric_path())
    }

    /// From the adapter's start until the metrics API serves the metric.
    #[must_use]
    pub(crate) fn metric_served(&self) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(assumed_term("relist interval", self.assumptions.relist_interval));
        terms.push(assumed_term("adapter startup", self.assumptions.pod_start));
        terms.push(harness_term("poll interval", POLL_INTERVAL));
        bound(BoundName::MetricServed, terms)
    }

    /// From the HPA's creation until it is active. Before Kubernetes 1.37 the first sync is one sync period after
    /// creation.
    #[must_use]
    pub(crate) fn hpa_active(&self) -> TimeBound {
        let mut terms = vec![self.sync_period()];
        terms.push(assumed_term("one skipped sync", self.assumptions.sync_period));
        terms.push(harness_term("API latency allowance", SLACK));
        bound(BoundName::HpaActive, terms)
    }

    /// The baseline without load.
    #[must_use]
    pub(crate) fn baseline(&self, periods: u32) -> TimeBound {
        bound(
            BoundName::Baseline,
            vec![term(
                &format!("{periods} sync periods"),
                u64::from(periods) * self.assumptions.sync_period.ms(),
                TermSource::Assumed,
            )],
        )
    }

    /// How long the metric must recommend other replicas before the controller must have acted.
    #[must_use]
    pub(crate) fn metric_sustained(&self) -> TimeBound {
        let mut terms = vec![self.sync_period()];
        terms.extend(self.metric_path());
        bound(BoundName::RecommendationSustained, terms)
    }

    /// From the start of the load until the metric recommends more replicas.
    #[must_use]
    pub(crate) fn metric_follows_load(&self) -> TimeBound {
        self.metric_visible(BoundName::MetricFollowsLoad)
    }

    /// From the first reading that recommends the expected replicas until the target has them.
    #[must_use]
    pub(crate) fn scale_up(&self) -> TimeBound {
        bound(BoundName::ScaleUp, self.controller_scales_up())
    }

    /// What the controller needs to scale up, while the metric recommends it.
    fn controller_scales_up(&self) -> Vec<Term> {
        vec![
            self.sync_period(),
            assumed_term("one skipped sync", self.assumptions.sync_period),
            term("scale-up stabilization window", self.up_window_ms, TermSource::Read),
            term("scaling policy rate limit", self.up_rate_ms, TermSource::Read),
            harness_term("API latency allowance", SLACK),
        ]
    }

    /// What the controller needs to scale down, while the metric recommends it.
    fn controller_scales_down(&self) -> Vec<Term> {
        vec![
            self.down_window.clone(),
            self.sync_period(),
            assumed_term("one skipped sync", self.assumptions.sync_period),
            term("scaling policy rate limit", self.down_rate_ms, TermSource::Read),
            self.termination_grace(),
            harness_term("API latency allowance", SLACK),
        ]
    }

    /// A bound of the controller's reaction where its process restarts `after_ms` into it. The new process keeps the size
    /// for a whole window (kubernetes v1.37.2, pkg/controller/podautoscaler/horizontal.go, recordInitialRecommendation).
    pub(crate) fn after_restart(&self, name: BoundName, after_ms: u64) -> TimeBound {
        let mut terms = vec![term("until the controller manager restarted", after_ms, TermSource::Read)];
        terms.extend(match name {
            BoundName::ScaleUp => self.controller_scales_up(),
            BoundName::ScaleDown => self.controller_scales_down(),
            _ => self.hpa_active().terms,
        });
        bound(name, terms)
    }

    /// From a pod's creation until it is Ready.
    #[must_use]
    pub(crate) fn pod_start(&self) -> TimeBound {
        bound(
            BoundName::PodStartup,
            vec![assumed_term("pod startup", self.assumptions.pod_start), harness_term("API latency allowance", SLACK)],
        )
    }

    /// From a pod's readiness until its share of the traffic is visible in the metric.
    #[must_use]
    pub(crate) fn traffic_visible(&self) -> TimeBound {
        self.metric_visible(BoundName::TrafficVisible)
    }

    /// As [`traffic_visible`](Self::traffic_visible), when a pod may have received no connection by chance: within this
    /// time, requests that were queued when the pod became Ready get their first token or fail, and each worker opens a
    /// new connection.
    #[must_use]
    pub(crate) fn new_connections(&self) -> TimeBound {
        let mut terms = self.traffic_visible().terms;
        terms.push(term("first-token timeout", self.first_token_ms, TermSource::Harness));
        bound(BoundName::NewConnections, terms)
    }

    /// How long the load stays constant after the scale-up.
    #[must_use]
    pub(crate) fn hold(&self) -> TimeBound {
        let mut terms = vec![self.down_window.clone()];
        terms.extend(self.metric_path());
        bound(BoundName::Hold, terms)
    }

    /// From the end of the load until the metric recommends minReplicas.
    #[must_use]
    pub(crate) fn metric_falls_back(&self) -> TimeBound {
        self.metric_visible(BoundName::MetricFallsBack)
    }

    /// From the end of the load until the target has minReplicas and its surplus pods are deleted.
    #[must_use]
    pub(crate) fn scale_down(&self) -> TimeBound {
        let mut terms = self.metric_path();
        terms.push(harness_term("load ramp-up", LOAD_RAMP));
        terms.extend(self.controller_scales_down());
        bound(BoundName::ScaleDown, terms)
    }

    /// Shortest allowed time from when the metric last recommended more replicas until the scale-down, milliseconds:
    /// the stabilization window, less one sync period, the clock skew and [`TIMESTAMP_MS`].
    #[must_use]
    pub(crate) fn earliest_scale_down_ms(&self) -> u64 {
        self.down_window.ms.saturating_sub(self.assumptions.sync_period.ms() + self.clock_skew_ms + TIMESTAMP_MS)
    }

    /// Sync period and metric lag, at least [`TIMESTAMP_MS`], where the scale-down window is no longer: an early one is not seen.
    pub(crate) fn unobservable_window_ms(&self) -> Option<u64> {
        let unobservable_ms = self.assumptions.sync_period.ms() + self.metric_lag().total_ms().max(TIMESTAMP_MS);
        (self.down_window.ms <= unobservable_ms).then_some(unobservable_ms)
    }

    /// Shortest possible duration of a run from the HPA's creation to the scale-down, milliseconds.
    #[must_use]
    pub(crate) fn min_duration_ms(&self, baseline_periods: u32) -> u64 {
        self.baseline(baseline_periods).total_ms()
            + self.down_window.ms
            + self.metric_lag().total_ms()
            + self.down_window.ms
            + self.assumptions.sync_period.ms()
    }

    /// Likely duration of a run on a healthy platform, from the HPA's creation to the end of the scale-down,
    /// milliseconds. It is the sum of what the run waits for, one after the other:
    ///
    /// ```text
    /// one sync period                             the HPA becomes active
    /// + baseline                                  the phase without load
    /// + metric lag                                the metric shows the load
    /// + one sync period                           the HPA scales up
    /// + scale-up window + scaling policies up
    /// + hold, or half the pod start if longer     new pods start during the hold
    /// + metric lag                                the metric shows the end of the load
    /// + scale-down window                         the HPA waits
    /// + one sync period + scaling policies down   the HPA scales down
    /// ```
    ///
    /// Allowances, skipped syncs and the grace period of pods are left out: a healthy platform does not need them. The
    /// assumed pod start is a limit, with pull and model load, of which a pod of a healthy platform needs half at most.
    #[must_use]
    pub(crate) fn likely_duration_ms(&self, baseline_periods: u32) -> u64 {
        let sync_ms = self.assumptions.sync_period.ms();
        let scale_up_ms = self.metric_lag().total_ms() + sync_ms + self.up_window_ms + self.up_rate_ms;
        let hold_ms = self.hold().total_ms().max(self.assumptions.pod_start.ms() / 2);
        let scale_down_ms = self.metric_lag().total_ms() + self.down_window.ms + sync_ms + self.down_rate_ms;
        sync_ms + self.baseline(baseline_periods).total_ms() + scale_up_ms + hold_ms + scale_down_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(assumptions: &Assumptions) -> TimingModel<'_> {
        let window = Term { name: "scale-down stabilization window".to_owned(), ms: 300_000, source: TermSource::Read };
        TimingModel {
            assumptions,
            down_window: window,
            up_window_ms: 0,
            termination_grace_s: Some(30),
            up_rate_ms: 0,
            down_rate_ms: 0,
            rule_delay_ms: 0,
            clock_skew_ms: 500,
            first_token_ms: 300_000,
        }
    }

    #[test]
    fn the_metric_lag_is_the_sum_of_its_hops() {
        // exporter 30 s + scrape 10 s + VictoriaMetrics' offset 30 s, before the sync period (about 85 s with it).
        let assumptions = Assumptions { scrape_interval: HumanDuration::from_secs(10), ..Assumptions::default() };
        assert_eq!(times(&assumptions).metric_lag().total_ms(), 70_000);
        assert_eq!(times(&assumptions).metric_sustained().total_ms(), 85_000);
    }

    #[test]
    fn only_assumed_terms_are_doubled() {
        let assumptions = Assumptions::default();
        let bound = times(&assumptions).scale_up();
        assert_eq!((bound.total_ms(), bound.lenient_ms()), (33_000, 63_000));
    }

    #[test]
    fn a_scale_up_waits_for_its_stabilization_window() {
        let assumptions = Assumptions::default();
        let model = TimingModel { up_window_ms: 60_000, ..times(&assumptions) };
        assert_eq!((model.scale_up().total_ms(), model.scale_up().lenient_ms()), (93_000, 123_000));
    }

    #[test]
    fn a_restarted_controller_begins_its_window_anew() {
        let assumptions = Assumptions::default();
        let model = TimingModel { up_window_ms: 60_000, ..times(&assumptions) };
        assert_eq!(model.after_restart(BoundName::ScaleUp, 20_000).total_ms(), 20_000 + model.scale_up().total_ms());
        let path_and_ramp_ms = 75_000 + 10_000;
        let again_ms = model.scale_down().total_ms() - path_and_ramp_ms;
        assert_eq!(model.after_restart(BoundName::ScaleDown, 300_000).total_ms(), 300_000 + again_ms);
    }

    #[test]
    fn a_scale_down_may_precede_the_window_by_a_sync_the_skew_and_a_second() {
        let assumptions = Assumptions::default();
        assert_eq!(times(&assumptions).earliest_scale_down_ms(), 300_000 - 15_000 - 500 - 1000);
    }

    #[test]
    fn a_window_that_no_whole_second_separates_from_the_sync_period_shows_nothing() {
        let (seconds, zero) = (HumanDuration::from_secs, HumanDuration::from_secs(0));
        let assumptions = Assumptions {
            sync_period: seconds(5),
            exporter_interval: zero,
            scrape_interval: zero,
            store_offset: zero,
            ..Assumptions::default()
        };
        let of_window = |ms: u64| {
            let window = Term { ms, ..times(&assumptions).down_window };
            TimingModel { down_window: window, ..times(&assumptions) }.unobservable_window_ms()
        };
        assert_eq!([of_window(6000), of_window(7000)], [Some(6000), None]);
    }

    /// Measured from the HPA's creation to the clean-up: 870 s in a rehearsal of the built-in scenario; on the rig 108 s
    /// in a rehearsal, 97 s in a recorded run (fixtures/timelines/rig-healthy).
    #[test]
    fn the_likely_duration_is_within_a_quarter_of_measured_ones() {
        let assumptions = Assumptions::default();
        let built_in_ms = times(&assumptions).likely_duration_ms(3);
        assert_eq!(built_in_ms, 915_000);
        let seconds = HumanDuration::from_secs;
        let rig = Assumptions {
            sync_period: seconds(5),
            exporter_interval: seconds(1),
            scrape_interval: seconds(1),
            store_offset: seconds(5),
            pod_start: seconds(60),
            ..Assumptions::default()
        };
        let window = Term { ms: 30_000, ..times(&rig).down_window };
        let rig_ms = TimingModel { down_window: window, ..times(&rig) }.likely_duration_ms(3);
        assert_eq!(rig_ms, 111_000);
        for (likely_ms, measured_ms) in [(built_in_ms, 870_000), (rig_ms, 108_000), (rig_ms, 97_000)] {
            assert!(likely_ms.abs_diff(measured_ms) * 4 <= measured_ms, "{likely_ms} {measured_ms}");
        }
    }

    #[test]
    fn a_slow_pod_start_makes_the_run_longer_than_the_hold() {
        let assumptions = Assumptions { pod_start: HumanDuration::from_secs(1200), ..Assumptions::default() };
        assert_eq!(times(&assumptions).likely_duration_ms(3), 915_000 - 375_000 + 600_000);
    }

    #[test]
    fn a_grace_period_of_any_length_has_a_bound() {
        let assumptions = Assumptions::default();
        for (seconds, ms) in [(60, 60_000), (-1, 0), (1 << 62, 31_622_400_000), (i64::MAX, 31_622_400_000)] {
            let times = TimingModel { termination_grace_s: Some(seconds), ..times(&assumptions) };
            assert_eq!(times.termination_grace().ms, ms, "{seconds}");
        }
    }

    #[test]
    fn a_bound_prints_its_terms_and_their_sources() {
        let assumptions = Assumptions::default();
        let text = times(&assumptions).hold().to_string();
        assert_eq!(
            text,
            "6m15s = scale-down stabilization window 5m (read) + exporter interval 30s (assumed) + scrape interval 15s (assumed) + store offset 30s (assumed)"
        );
    }
}
