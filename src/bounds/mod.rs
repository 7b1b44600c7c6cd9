//! Named terms of time. Every bound that a check or a phase uses is built here, from terms that say where they come
//! from; nothing here waits or reads a clock. Sources: facts of the HPA controller (Kubernetes 1.37) and of the
//! metric's way, exporter → store → metrics API → controller.

use crate::record::assumptions::Assumptions;
use crate::record::plan::{Bound, SpecTimes, Term, TermSource};
use crate::record::scenario::Scenario;
use crate::units::Span;

/// How often each hop is asked: well below the shortest sync period in use (5 s on the rig, 15 s by default), so that
/// whatever the controller was served lies between two readings.
pub const POLL: Span = Span::from_secs(1);

/// Allowance for what lies between two computers of one cluster and us: a watch event, a status write, a PUT.
pub const SLACK: Span = Span::from_secs(3);

/// From the first chat until the accelerator is busy, with the model loaded already.
pub const RAMP: Span = Span::from_secs(10);

/// What the bounds are made from.
#[derive(Clone, Debug)]
pub struct Times<'a> {
    /// Assumed times.
    pub assumed: &'a Assumptions,
    /// Scale-down window: the HPA's own, or the controller's flag.
    pub window: Term,
    /// For how long the spec holds a rise back, milliseconds.
    pub window_up_ms: u64,
    /// `terminationGracePeriodSeconds` of the target's pods, once it was read.
    pub grace_s: Option<i64>,
    /// Periods that the spec's rate limit forces between min and the expected size, upwards, milliseconds.
    pub rate_up_ms: u64,
    /// The same downwards, from max to min.
    pub rate_down_ms: u64,
    /// Largest uncertainty of the API server's clock against ours, milliseconds.
    pub skew_ms: u64,
    /// A chat has its first token within this, or has failed, milliseconds.
    pub first_token_ms: u64,
}

fn term(name: &str, ms: u64, source: TermSource) -> Term {
    Term { name: name.to_owned(), ms, source }
}

fn assumed(name: &str, span: Span) -> Term {
    term(name, span.ms(), TermSource::Assumed)
}

fn ours(name: &str, span: Span) -> Term {
    term(name, span.ms(), TermSource::Ours)
}

fn bound(name: &str, terms: Vec<Term>) -> Bound {
    Bound { name: name.to_owned(), terms: terms.into_iter().filter(|term| term.ms > 0).collect() }
}

impl<'a> Times<'a> {
    /// The times of a scenario whose spec says this.
    #[must_use]
    pub fn of(scenario: &'a Scenario, spec: SpecTimes, skew_ms: u64) -> Self {
        let (ms, source) = match spec.window_ms {
            Some(ms) => (ms, TermSource::Read),
            None => (scenario.assumptions.downscale_stabilization.ms(), TermSource::Assumed),
        };
        Self {
            assumed: &scenario.assumptions,
            window: term("scale-down window", ms, source),
            window_up_ms: spec.window_up_ms,
            grace_s: None,
            rate_up_ms: spec.rate_up_ms,
            rate_down_ms: spec.rate_down_ms,
            skew_ms,
            first_token_ms: scenario.load.timeouts.first_token.ms(),
        }
    }
}

impl Times<'_> {
    fn sync(&self) -> Term {
        assumed("sync period", self.assumed.sync_period)
    }

    fn way(&self) -> Vec<Term> {
        vec![
            assumed("exporter interval", self.assumed.exporter_interval),
            assumed("scrape interval", self.assumed.scrape_interval),
            assumed("store offset", self.assumed.store_offset),
        ]
    }

    fn grace(&self) -> Term {
        match self.grace_s {
            Some(seconds) => term("termination grace", u64::try_from(seconds).unwrap_or(0) * 1000, TermSource::Read),
            None => assumed("termination grace", Span::from_secs(30)),
        }
    }

    /// Until something that happens at the target shows in a reading.
    fn shows(&self, name: &str) -> Bound {
        let mut terms = self.way();
        terms.push(ours("ramp", RAMP));
        terms.push(ours("poll", POLL));
        bound(name, terms)
    }

    /// How old the state is that a reading of the metrics API shows.
    #[must_use]
    pub fn lag(&self) -> Bound {
        bound("lag of the metric", self.way())
    }

    /// From the adapter's start until the metric is served.
    #[must_use]
    pub fn served(&self) -> Bound {
        let mut terms = self.way();
        terms.push(assumed("relist interval", self.assumed.relist_interval));
        terms.push(assumed("adapter start", self.assumed.pod_start));
        terms.push(ours("poll", POLL));
        bound("metric served", terms)
    }

    /// From the HPA's creation until it is seen to act. Before 1.37 the first pass comes one period after creation.
    #[must_use]
    pub fn active(&self) -> Bound {
        let mut terms = vec![self.sync()];
        terms.push(assumed("a skipped pass", self.assumed.sync_period));
        terms.push(ours("slack", SLACK));
        bound("autoscaler active", terms)
    }

    /// The idle baseline.
    #[must_use]
    pub fn idle(&self, periods: u32) -> Bound {
        bound(
            "idle baseline",
            vec![term(
                &format!("{periods} sync periods"),
                u64::from(periods) * self.assumed.sync_period.ms(),
                TermSource::Assumed,
            )],
        )
    }

    /// How long the metric must ask for a size before a pass must have acted on it.
    #[must_use]
    pub fn sustained(&self) -> Bound {
        let mut terms = vec![self.sync()];
        terms.extend(self.way());
        bound("metric asks for it", terms)
    }

    /// From the beginning of the load until the metric asks for more.
    #[must_use]
    pub fn follows(&self) -> Bound {
        self.shows("metric follows the load")
    }

    /// From the first reading that asks for the expected size until it is reached.
    #[must_use]
    pub fn rise(&self) -> Bound {
        let mut terms = vec![self.sync(), assumed("a skipped pass", self.assumed.sync_period)];
        terms.push(term("scale-up window", self.window_up_ms, TermSource::Read));
        terms.push(term("rate limit", self.rate_up_ms, TermSource::Read));
        terms.push(ours("slack", SLACK));
        bound("replicas rise", terms)
    }

    /// From a pod's creation until it is Ready.
    #[must_use]
    pub fn pod_start(&self) -> Bound {
        bound("pod start", vec![assumed("pod start", self.assumed.pod_start), ours("slack", SLACK)])
    }

    /// From a pod's readiness until its share of the traffic shows in the metric.
    #[must_use]
    pub fn traffic(&self) -> Bound {
        self.shows("traffic seen")
    }

    /// The same where chance may have kept it away: chats that were queued when the pod became Ready have got their first
    /// token or failed, and each worker has opened a connection since.
    #[must_use]
    pub fn connections(&self) -> Bound {
        let mut terms = self.traffic().terms;
        terms.push(term("first token", self.first_token_ms, TermSource::Ours));
        bound("connections opened", terms)
    }

    /// How long the size is held under load.
    #[must_use]
    pub fn hold(&self) -> Bound {
        let mut terms = vec![self.window.clone()];
        terms.extend(self.way());
        bound("hold", terms)
    }

    /// From the end of the load until the readings lead back to min.
    #[must_use]
    pub fn falls_back(&self) -> Bound {
        self.shows("metric falls back")
    }

    /// From the end of the load until replicas are min and the surplus pods gone.
    #[must_use]
    pub fn fall(&self) -> Bound {
        let mut terms = self.way();
        terms.push(ours("ramp", RAMP));
        terms.push(self.window.clone());
        terms.push(self.sync());
        terms.push(assumed("a skipped pass", self.assumed.sync_period));
        terms.push(term("rate limit", self.rate_down_ms, TermSource::Read));
        terms.push(self.grace());
        terms.push(ours("slack", SLACK));
        bound("replicas fall", terms)
    }

    /// The least time from the last span in which the metric asked for more until a fall: the window, less what the
    /// order of two clocks and one pass can hide.
    #[must_use]
    pub fn not_before_ms(&self) -> u64 {
        self.window.ms.saturating_sub(self.assumed.sync_period.ms() + self.skew_ms + 1000)
    }

    /// The least that a run can take from the HPA's creation to the fall: what nothing can shorten.
    #[must_use]
    pub fn least_ms(&self, idle_periods: u32) -> u64 {
        self.idle(idle_periods).ms() + self.window.ms + self.lag().ms() + self.window.ms + self.assumed.sync_period.ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(assumed: &Assumptions) -> Times<'_> {
        let window = Term { name: "scale-down window".to_owned(), ms: 300_000, source: TermSource::Read };
        Times {
            assumed,
            window,
            window_up_ms: 0,
            grace_s: Some(30),
            rate_up_ms: 0,
            rate_down_ms: 0,
            skew_ms: 500,
            first_token_ms: 300_000,
        }
    }

    #[test]
    fn the_recipes_lag_is_the_sum_of_its_hops() {
        // exporter 30 s + scrape 10 s + VictoriaMetrics' offset 30 s, before the sync period (about 85 s with it).
        let assumed = Assumptions { scrape_interval: Span::from_secs(10), ..Assumptions::default() };
        assert_eq!(times(&assumed).lag().ms(), 70_000);
        assert_eq!(times(&assumed).sustained().ms(), 85_000);
    }

    #[test]
    fn only_assumed_terms_are_doubled() {
        let assumed = Assumptions::default();
        let rise = times(&assumed).rise();
        assert_eq!((rise.ms(), rise.generous_ms()), (33_000, 63_000));
    }

    #[test]
    fn a_rise_is_held_back_by_its_window() {
        let assumed = Assumptions::default();
        let held = Times { window_up_ms: 60_000, ..times(&assumed) };
        assert_eq!((held.rise().ms(), held.rise().generous_ms()), (93_000, 123_000));
    }

    #[test]
    fn a_fall_may_come_a_pass_the_skew_and_a_second_before_the_window() {
        let assumed = Assumptions::default();
        assert_eq!(times(&assumed).not_before_ms(), 300_000 - 15_000 - 500 - 1000);
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
