//! Faults between the load and the pods.

use super::{ExpectedOutcome, FaultSpec, METRIC_FOLLOWS_LOAD, NEW_PODS_SERVE};
use crate::sim::SimConfig;
use crate::sim::ollama::{ActiveWindow, ChatFault, FaultyChats, WindowStart};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "one-pod-only",
        description: "the node port leads to one pod only, however many are Ready",
        inject: |s| s.network.one_pod_only = true,
        // Nobody is blamed by less than enough connections.
        expected: &[ExpectedOutcome::Fail(NEW_PODS_SERVE), ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "port-refused",
        description: "nobody listens at the node port",
        inject: |s| s.network.connections_refused = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "slow-accept",
        description: "a connection takes longer than the client waits for it",
        inject: |s| s.network.slow_accept = Some((ActiveWindow::ALWAYS, HumanDuration::from_secs(60))),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "resets",
        description: "every connection is lost in the middle of its answer",
        inject: |s| s.network.connection_resets = Some((ActiveWindow::starting_at(WindowStart::NthChat(2)), 1)),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "http-500",
        description: "the server answers 500: its runner has died",
        inject: |s| fail_all_chats(s, ChatFault::Status500),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "http-503",
        description: "the server's queue is full: 503",
        inject: |s| fail_all_chats(s, ChatFault::Status503),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "model-missing",
        description: "the server does not have the model: 404",
        inject: |s| fail_all_chats(s, ChatFault::Status404),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "error-line",
        description: "an error stands inside of a stream that began with 200",
        inject: |s| fail_all_chats(s, ChatFault::ErrorLine),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "truncated",
        description: "streams end in the middle, without done",
        inject: |s| fail_all_chats(s, ChatFault::Truncated),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "html",
        description: "a proxy answers with the page of its login",
        inject: |s| fail_all_chats(s, ChatFault::LoginPage),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
];

/// The first chat, of the installation, is a good one.
fn fail_all_chats(setting: &mut SimConfig, how: ChatFault) {
    let during = ActiveWindow::starting_at(WindowStart::NthChat(2));
    setting.ollama.faulty_chats = Some(FaultyChats { faults: vec![how], window: during, every_nth: 1 });
}
