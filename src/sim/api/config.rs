//! The API server in numbers.

use crate::units::HumanDuration;

/// The API server in numbers. Times are counted from the start of the simulation.
#[derive(Clone, Debug)]
pub struct ApiServerConfig {
    /// Kubernetes version, as `/version` tells it.
    pub version: String,
    /// How long each answer takes.
    pub latency: HumanDuration,
    /// Fault: for a while each answer takes so much longer.
    pub extra_latency: Option<(ApiFaultWindow, HumanDuration)>,
    /// Fault: every watch ends after so long, without a word.
    pub watch_lifetime: Option<HumanDuration>,
    /// Fault: so often every open watch is told 410 Gone.
    pub gone_interval: Option<HumanDuration>,
    /// Fault: a share of the requests is refused with 429, and told to come again after a second.
    pub too_many_requests: Option<RequestShare>,
    /// Fault: a share of the requests is answered with 500.
    pub server_errors: Option<RequestShare>,
    /// Fault: a share of the changes is carried out, but the connection breaks before the answer comes.
    pub lost_responses: Option<RequestShare>,
    /// Fault: connections are refused, and those that are open break.
    pub unavailable: Option<ApiFaultWindow>,
    /// Fault: rights that we do not hold.
    pub denied_permissions: Vec<DeniedPermission>,
    /// Fault: API versions that are not served, for example `autoscaling/v2`.
    pub unserved_versions: Vec<String>,
    /// How much the cluster's clocks are ahead of ours, milliseconds. Not a fault in itself: clocks differ.
    pub clock_offset_ms: i64,
    /// Fault: at this time the cluster's clocks are set, by so many milliseconds.
    pub clock_step: Option<(HumanDuration, i64)>,
}

impl Default for ApiServerConfig {
    fn default() -> Self {
        Self {
            version: "v1.37.2".to_owned(),
            latency: HumanDuration::from_ms(2),
            extra_latency: None,
            watch_lifetime: None,
            gone_interval: None,
            too_many_requests: None,
            server_errors: None,
            lost_responses: None,
            unavailable: None,
            denied_permissions: Vec::new(),
            unserved_versions: Vec::new(),
            clock_offset_ms: 0,
            clock_step: None,
        }
    }
}

impl ApiServerConfig {
    /// How much the cluster's clocks are ahead of ours now, milliseconds.
    pub(in crate::sim) fn clock_offset_at(&self, now_ms: u64) -> i64 {
        let step = self.clock_step.filter(|(at, _)| now_ms >= at.ms()).map_or(0, |(_, by_ms)| by_ms);
        self.clock_offset_ms + step
    }
}

/// A part of the run.
#[derive(Clone, Copy, Debug)]
pub struct ApiFaultWindow {
    /// When it begins.
    pub start: HumanDuration,
    /// How long it lasts.
    pub duration: HumanDuration,
}

impl ApiFaultWindow {
    pub(super) const fn contains(self, now_ms: u64) -> bool {
        now_ms >= self.start.ms() && now_ms < self.start.ms() + self.duration.ms()
    }
}

/// A share of the requests, by chance, within a part of the run.
#[derive(Clone, Copy, Debug)]
pub struct RequestShare {
    /// When.
    pub window: ApiFaultWindow,
    /// Of a hundred requests so many.
    pub percent: u64,
}

/// A right that is missing.
#[derive(Clone, Debug, Default)]
pub struct DeniedPermission {
    /// get, list, watch, create, patch or delete; `*` for all.
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Resource, with its subresource where it has one: `pods/proxy`.
    pub resource: String,
    /// Namespace; empty for everywhere.
    pub namespace: String,
}
