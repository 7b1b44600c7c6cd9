//! Faults between the load and the pods.

use super::{FOLLOWS, Fault, Must, SERVE};
use crate::sim::Setting;
use crate::sim::servers::{Broken, BrokenChats, During, Since};
use crate::units::Span;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "one-pod-only",
        what: "the node port leads to one pod only, however many are Ready",
        spoil: |s| s.network.one_pod_only = true,
        // Nobody is blamed by less than enough connections.
        must: &[Must::Fail(SERVE), Must::Inconclusive(SERVE)],
    },
    Fault {
        name: "port-refused",
        what: "nobody listens at the node port",
        spoil: |s| s.network.refused = Some(During::ALWAYS),
        must: &[FOLLOWS],
    },
    Fault {
        name: "slow-accept",
        what: "a connection takes longer than the client waits for it",
        spoil: |s| s.network.slow_accept = Some((During::ALWAYS, Span::from_secs(60))),
        must: &[FOLLOWS],
    },
    Fault {
        name: "resets",
        what: "every connection is lost in the middle of its answer",
        spoil: |s| s.network.resets = Some((During::from(Since::Chats(2)), 1)),
        must: &[FOLLOWS, Must::Inconclusive(SERVE)],
    },
    Fault {
        name: "http-500",
        what: "the server answers 500: its runner has died",
        spoil: |s| broken(s, Broken::Status500),
        must: &[FOLLOWS],
    },
    Fault {
        name: "http-503",
        what: "the server's queue is full: 503",
        spoil: |s| broken(s, Broken::Busy503),
        must: &[FOLLOWS],
    },
    Fault {
        name: "model-missing",
        what: "the server does not have the model: 404",
        spoil: |s| broken(s, Broken::Missing404),
        must: &[FOLLOWS],
    },
    Fault {
        name: "error-line",
        what: "an error stands inside of a stream that began with 200",
        spoil: |s| broken(s, Broken::ErrorLine),
        must: &[FOLLOWS, Must::Inconclusive(SERVE)],
    },
    Fault {
        name: "truncated",
        what: "streams end in the middle, without done",
        spoil: |s| broken(s, Broken::Truncated),
        must: &[FOLLOWS, Must::Inconclusive(SERVE)],
    },
    Fault {
        name: "html",
        what: "a proxy answers with the page of its login",
        spoil: |s| broken(s, Broken::Html),
        must: &[FOLLOWS],
    },
];

/// The first chat, of the installation, is a good one.
fn broken(setting: &mut Setting, how: Broken) {
    let during = During::from(Since::Chats(2));
    setting.servers.broken = Some(BrokenChats { how: vec![how], during, every: 1 });
}
