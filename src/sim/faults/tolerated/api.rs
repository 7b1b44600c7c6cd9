//! Disturbances of the API server.

use super::{ALWAYS_PASS, FaultSpec, PASS_OR_INCONCLUSIVE, WHOLE_RUN, random_window};
use crate::sim::config::{RequestShare, SimConfig};
use crate::units::HumanDuration;

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "watches-end",
        description: "every watch ends after 20 s without an error",
        inject: |s| s.api.watch_lifetime = Some(HumanDuration::from_secs(20)),
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "watches-gone",
        description: "every 45 s all open watches end with 410 Gone",
        inject: |s| s.api.gone_interval = Some(HumanDuration::from_secs(45)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-busy",
        description: "for three minutes the API server answers every fifth request with 429",
        inject: |s| s.api.too_many_requests = request_share(s, 180, 20),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-failing",
        description: "for three minutes the API server answers every tenth request with 500",
        inject: |s| s.api.server_errors = request_share(s, 180, 10),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "responses-lost",
        description: "every tenth change is applied, but the response is lost",
        inject: |s| s.api.lost_responses = Some(RequestShare { window: WHOLE_RUN, percent: 10 }),
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "api-down-8s",
        description: "the API server is unreachable for 8 s",
        inject: |s| s.api.unavailable = Some(random_window(s, 8)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-down-40s",
        description: "the API server is unreachable for 40 s",
        inject: |s| s.api.unavailable = Some(random_window(s, 40)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-slow",
        description: "for five minutes every response of the API server takes 1 s longer",
        inject: |s| s.api.extra_latency = Some((random_window(s, 300), HumanDuration::from_secs(1))),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "clock-ahead",
        description: "the cluster's clocks are 7 s ahead of the client's",
        inject: |s| s.api.clock_offset_ms = 7_000,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "clock-behind",
        description: "the cluster's clocks are 7 s behind the client's",
        inject: |s| s.api.clock_offset_ms = -7_000,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "clock-set-forward",
        description: "during the run the cluster's clocks jump forward by 5 s",
        inject: |s| s.api.clock_step = Some((random_window(s, 0).start, 5_000)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "clock-set-back",
        description: "during the run the cluster's clocks jump back by 5 s",
        inject: |s| s.api.clock_step = Some((random_window(s, 0).start, -5_000)),
        expected: PASS_OR_INCONCLUSIVE,
    },
];

fn request_share(config: &SimConfig, duration_s: u64, percent: u64) -> Option<RequestShare> {
    Some(RequestShare { window: random_window(config, duration_s), percent })
}
