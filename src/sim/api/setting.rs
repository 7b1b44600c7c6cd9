//! The API server in numbers.

use crate::units::Span;

/// The API server in numbers. Times are counted from the start of the simulation.
#[derive(Clone, Debug)]
pub struct ApiSetting {
    /// Kubernetes version, as `/version` tells it.
    pub version: String,
    /// How long each answer takes.
    pub latency: Span,
    /// Fault: for a while each answer takes so much longer.
    pub slow: Option<(Window, Span)>,
    /// Fault: every watch ends after so long, without a word.
    pub watch_lasts: Option<Span>,
    /// Fault: so often every open watch is told 410 Gone.
    pub gone_every: Option<Span>,
    /// Fault: a share of the requests is refused with 429, and told to come again after a second.
    pub busy: Option<Share>,
    /// Fault: a share of the requests is answered with 500.
    pub failing: Option<Share>,
    /// Fault: a share of the changes is carried out, but the connection breaks before the answer comes.
    pub lost: Option<Share>,
    /// Fault: connections are refused, and those that are open break.
    pub away: Option<Window>,
    /// Fault: rights that we do not hold.
    pub denied: Vec<Denied>,
    /// Fault: API versions that are not served, for example `autoscaling/v2`.
    pub unserved: Vec<String>,
    /// How much the cluster's clocks are ahead of ours, milliseconds. Not a fault in itself: clocks differ.
    pub ahead_ms: i64,
    /// Fault: at this time the cluster's clocks are set, by so many milliseconds.
    pub step: Option<(Span, i64)>,
}

impl Default for ApiSetting {
    fn default() -> Self {
        Self {
            version: "v1.37.2".to_owned(),
            latency: Span::from_ms(2),
            slow: None,
            watch_lasts: None,
            gone_every: None,
            busy: None,
            failing: None,
            lost: None,
            away: None,
            denied: Vec::new(),
            unserved: Vec::new(),
            ahead_ms: 0,
            step: None,
        }
    }
}

impl ApiSetting {
    /// How much the cluster's clocks are ahead of ours now, milliseconds.
    pub(in crate::sim) fn clock_ahead_ms(&self, now_ms: u64) -> i64 {
        let step = self.step.filter(|(at, _)| now_ms >= at.ms()).map_or(0, |(_, by_ms)| by_ms);
        self.ahead_ms + step
    }
}

/// A part of the run.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// When it begins.
    pub from: Span,
    /// How long it lasts.
    pub lasts: Span,
}

impl Window {
    pub(super) const fn holds(self, now_ms: u64) -> bool {
        now_ms >= self.from.ms() && now_ms < self.from.ms() + self.lasts.ms()
    }
}

/// A share of the requests, by chance, within a part of the run.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// When.
    pub during: Window,
    /// Of a hundred requests so many.
    pub percent: u64,
}

/// A right that is missing.
#[derive(Clone, Debug, Default)]
pub struct Denied {
    /// get, list, watch, create, patch or delete; `*` for all.
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Resource, with its subresource where it has one: `pods/proxy`.
    pub resource: String,
    /// Namespace; empty for everywhere.
    pub namespace: String,
}
