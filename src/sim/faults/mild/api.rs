//! The API server's hiccups.

use super::{ALWAYS, Fault, SOMETIMES, WHOLE, in_the_run};
use crate::sim::Setting;
use crate::sim::api::Share;
use crate::units::Span;

pub(in crate::sim::faults) const DISTURBANCES: &[Fault] = &[
    Fault {
        name: "watches-end",
        what: "every watch ends after 20 s, without a word",
        spoil: |s| s.api.watch_lasts = Some(Span::from_secs(20)),
        must: ALWAYS,
    },
    Fault {
        name: "watches-gone",
        what: "every 45 s all open watches are told 410 Gone",
        spoil: |s| s.api.gone_every = Some(Span::from_secs(45)),
        must: SOMETIMES,
    },
    Fault {
        name: "api-busy",
        what: "for three minutes the API server refuses every fifth request with 429",
        spoil: |s| s.api.busy = share(s, 180, 20),
        must: SOMETIMES,
    },
    Fault {
        name: "api-failing",
        what: "for three minutes the API server answers every tenth request with 500",
        spoil: |s| s.api.failing = share(s, 180, 10),
        must: SOMETIMES,
    },
    Fault {
        name: "answers-lost",
        what: "all the time every tenth change is carried out, but its answer is lost",
        spoil: |s| s.api.lost = Some(Share { during: WHOLE, percent: 10 }),
        must: ALWAYS,
    },
    Fault {
        name: "api-restarts",
        what: "the API server is away for 8 s",
        spoil: |s| s.api.away = Some(in_the_run(s, 8)),
        must: SOMETIMES,
    },
    Fault {
        name: "api-away",
        what: "the API server is away for 40 s",
        spoil: |s| s.api.away = Some(in_the_run(s, 40)),
        must: SOMETIMES,
    },
    Fault {
        name: "api-slow",
        what: "for five minutes every answer of the API server takes a second longer",
        spoil: |s| s.api.slow = Some((in_the_run(s, 300), Span::from_secs(1))),
        must: SOMETIMES,
    },
    Fault {
        name: "clock-ahead",
        what: "the cluster's clocks are 7 s ahead of ours",
        spoil: |s| s.api.ahead_ms = 7_000,
        must: ALWAYS,
    },
    Fault {
        name: "clock-behind",
        what: "the cluster's clocks are 7 s behind ours",
        spoil: |s| s.api.ahead_ms = -7_000,
        must: ALWAYS,
    },
    Fault {
        name: "clock-set-forward",
        what: "in the middle of the run the cluster's clocks are set, by 5 s",
        spoil: |s| s.api.step = Some((in_the_run(s, 0).from, 5_000)),
        must: SOMETIMES,
    },
    Fault {
        name: "clock-set-back",
        what: "in the middle of the run the cluster's clocks are set back, by 5 s",
        spoil: |s| s.api.step = Some((in_the_run(s, 0).from, -5_000)),
        must: SOMETIMES,
    },
];

fn share(setting: &Setting, lasts_s: u64, percent: u64) -> Option<Share> {
    Some(Share { during: in_the_run(setting, lasts_s), percent })
}
