//! Faults between the load and the pods.

use super::{ExpectedOutcome, FaultSpec, METRIC_FOLLOWS_LOAD, NEW_PODS_SERVE, share_one_accelerator};
use crate::sim::config::{ActiveWindow, ChatFault, EndpointChoice, FaultyChats, SharedValues, SimConfig, WindowStart};
use crate::units::HumanDuration;

pub(super) const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        name: "one-pod-only",
        description: "the node port routes to one pod only, however many are Ready",
        inject: |s| s.network.endpoint_choice = EndpointChoice::Oldest,
        // A hash of the client's address would do the same.
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "one-pod-only-shared-gpu",
        description: "the node port routes to one pod only, and the exporter reports the value of the whole shared accelerator for each of its pods",
        inject: |s| {
            s.network.endpoint_choice = EndpointChoice::Oldest;
            share_one_accelerator(s, SharedValues::Whole);
        },
        expected: &[ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "port-refused",
        description: "connections to the node port are refused",
        inject: |s| s.network.connections_refused = Some(ActiveWindow::ALWAYS),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "slow-accept",
        description: "a connection takes longer than the client's connect timeout",
        inject: |s| s.network.slow_accept = Some((ActiveWindow::ALWAYS, HumanDuration::from_secs(60))),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
    FaultSpec {
        name: "connection-resets",
        description: "every connection is reset in the middle of its response",
        inject: |s| s.network.connection_resets = Some((ActiveWindow::starting_at(WindowStart::NthChat(2)), 1)),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "http-500",
        description: "the server answers 500: its runner has terminated",
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
        name: "stream-error",
        description: "the response stream carries an error after status 200",
        inject: |s| fail_all_chats(s, ChatFault::ErrorLine),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "stream-truncated",
        description: "the response stream ends without done",
        inject: |s| fail_all_chats(s, ChatFault::Truncated),
        expected: &[METRIC_FOLLOWS_LOAD, ExpectedOutcome::Inconclusive(NEW_PODS_SERVE)],
    },
    FaultSpec {
        name: "login-page",
        description: "a proxy answers with its login page",
        inject: |s| fail_all_chats(s, ChatFault::LoginPage),
        expected: &[METRIC_FOLLOWS_LOAD],
    },
];

/// Makes every chat under load fail. The first chat, of the installation, succeeds.
fn fail_all_chats(config: &mut SimConfig, fault: ChatFault) {
    let window = ActiveWindow::starting_at(WindowStart::NthChat(2));
    config.ollama.faulty_chats = Some(FaultyChats { faults: vec![fault], window, every_nth: 1 });
}
