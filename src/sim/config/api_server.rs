//! Configuration of the simulated API server.

use crate::units::HumanDuration;

/// Configuration of the API server and its faults. Times count from the start of the simulation.
#[derive(Clone, Debug)]
pub struct ApiServerConfig {
    /// Kubernetes version that `/version` reports.
    pub version: String,
    /// Latency of each response.
    pub latency: HumanDuration,
    /// Fault: extra latency of each response within a window.
    pub extra_latency: Option<(ApiFaultWindow, HumanDuration)>,
    /// Fault: every watch is closed after this time, without a bookmark or an error.
    pub watch_lifetime: Option<HumanDuration>,
    /// Fault: every open watch gets 410 Gone at this interval.
    pub gone_interval: Option<HumanDuration>,
    /// Fault: a share of the requests gets 429 with `Retry-After: 1`.
    pub too_many_requests: Option<RequestShare>,
    /// Fault: a share of the requests gets 500.
    pub server_errors: Option<RequestShare>,
    /// Fault: a share of the writes is carried out, but the connection is reset before the response.
    pub lost_responses: Option<RequestShare>,
    /// Fault: new connections are refused and open ones are reset.
    pub unavailable: Option<ApiFaultWindow>,
    /// Fault: permissions that gpuhpa does not have.
    pub denied_permissions: Vec<DeniedPermission>,
    /// Fault: API versions that are not served, for example `autoscaling/v2`.
    pub unserved_versions: Vec<String>,
    /// Fault: the spec of an HPA is stored otherwise than it was applied.
    pub hpa_spec_change: Option<HpaSpecChange>,
    /// Offset of the cluster's clocks from ours, milliseconds; positive is ahead. Not a fault in itself: clocks differ.
    pub clock_offset_ms: i64,
    /// Fault: at this time the cluster's clocks step by this many milliseconds.
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
            hpa_spec_change: None,
            clock_offset_ms: 0,
            clock_step: None,
        }
    }
}

impl ApiServerConfig {
    /// Returns the offset of the cluster's clocks from ours at a time, milliseconds.
    pub(in crate::sim) fn clock_offset_at(&self, now_ms: u64) -> i64 {
        let step = self.clock_step.filter(|(at, _)| now_ms >= at.ms()).map_or(0, |(_, by_ms)| by_ms);
        self.clock_offset_ms + step
    }
}

/// How the API server, or a mutating webhook, changes the spec of a new HPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HpaSpecChange {
    /// It drops `behavior.*.tolerance`, as a Kubernetes without the feature gate HPAConfigurableTolerance does; where the
    /// spec states none, `behavior.scaleUp.policies`.
    DropsField,
    /// It raises the metric's target by a quarter.
    RaisesTarget,
    /// It adds a metric: the same name on the namespace.
    AddsMetric,
}

/// A time window of the run.
#[derive(Clone, Copy, Debug)]
pub struct ApiFaultWindow {
    /// Start, from the start of the simulation.
    pub start: HumanDuration,
    /// Length.
    pub duration: HumanDuration,
}

impl ApiFaultWindow {
    pub(in crate::sim) const fn contains(self, now_ms: u64) -> bool {
        now_ms >= self.start.ms() && now_ms < self.start.ms() + self.duration.ms()
    }
}

/// A random share of the requests within a time window.
#[derive(Clone, Copy, Debug)]
pub struct RequestShare {
    /// Time window.
    pub window: ApiFaultWindow,
    /// Probability of each request to be affected, percent.
    pub percent: u64,
}

/// A permission that is denied.
#[derive(Clone, Debug, Default)]
pub struct DeniedPermission {
    /// get, list, watch, create, patch or delete; `*` for all.
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Resource, with its subresource where it has one: `pods/proxy`.
    pub resource: String,
    /// Namespace; empty for all.
    pub namespace: String,
}
