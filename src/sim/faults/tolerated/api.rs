//! The API server's hiccups.

use super::{ALWAYS_PASS, FaultSpec, PASS_OR_INCONCLUSIVE, WHOLE_RUN, random_window};
use crate::sim::SimConfig;
use crate::sim::api::RequestShare;
use crate::units::HumanDuration;

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "watches-end",
        description: "every watch ends after 20 s, without a word",
        inject: |s| s.api.watch_lifetime = Some(HumanDuration::from_secs(20)),
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "watches-gone",
        description: "every 45 s all open watches are told 410 Gone",
        inject: |s| s.api.gone_interval = Some(HumanDuration::from_secs(45)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-busy",
        description: "for three minutes the API server refuses every fifth request with 429",
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
        name: "answers-lost",
        description: "all the time every tenth change is carried out, but its answer is lost",
        inject: |s| s.api.lost_responses = Some(RequestShare { window: WHOLE_RUN, percent: 10 }),
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "api-restarts",
        description: "the API server is away for 8 s",
        inject: |s| s.api.unavailable = Some(random_window(s, 8)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-away",
        description: "the API server is away for 40 s",
        inject: |s| s.api.unavailable = Some(random_window(s, 40)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "api-slow",
        description: "for five minutes every answer of the API server takes a second longer",
        inject: |s| s.api.extra_latency = Some((random_window(s, 300), HumanDuration::from_secs(1))),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "clock-ahead",
        description: "the cluster's clocks are 7 s ahead of ours",
        inject: |s| s.api.clock_offset_ms = 7_000,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "clock-behind",
        description: "the cluster's clocks are 7 s behind ours",
        inject: |s| s.api.clock_offset_ms = -7_000,
        expected: ALWAYS_PASS,
    },
    FaultSpec {
        name: "clock-set-forward",
        description: "in the middle of the run the cluster's clocks are set, by 5 s",
        inject: |s| s.api.clock_step = Some((random_window(s, 0).start, 5_000)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "clock-set-back",
        description: "in the middle of the run the cluster's clocks are set back, by 5 s",
        inject: |s| s.api.clock_step = Some((random_window(s, 0).start, -5_000)),
        expected: PASS_OR_INCONCLUSIVE,
    },
];

fn request_share(setting: &SimConfig, lasts_s: u64, percent: u64) -> Option<RequestShare> {
    Some(RequestShare { window: random_window(setting, lasts_s), percent })
}
