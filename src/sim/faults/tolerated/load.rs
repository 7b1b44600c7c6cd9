//! Disturbances between the load and the pods, and a combination of several.

use super::{FaultSpec, PASS_OR_INCONCLUSIVE, WHOLE_RUN, window_under_load};
use crate::sim::config::{
    ActiveWindow, AffectedPods, ChatFault, EndpointChoice, FaultyChats, RequestShare, SimConfig, WindowStart,
};
use crate::units::HumanDuration;

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "new-pods-slow",
        description: "new pods answer three times slower than the first one",
        inject: |s| s.ollama.slowdown = Some((AffectedPods::NewPods, 3.0)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "source-hash",
        description: "kube-proxy sends all connections of one client to one pod: IPVS mode with the scheduler sh",
        inject: |s| s.network.endpoint_choice = EndpointChoice::SourceHash,
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "session-affinity",
        description: "an admission plugin sets sessionAffinity: ClientIP on every Service",
        inject: |s| s.network.sets_client_ip_affinity = true,
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-500",
        description: "every fifth chat fails with 500",
        inject: |s| fail_some_chats(s, ChatFault::Status500),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-503",
        description: "every fifth chat fails with 503",
        inject: |s| fail_some_chats(s, ChatFault::Status503),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-404",
        description: "every fifth chat fails with 404",
        inject: |s| fail_some_chats(s, ChatFault::Status404),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-error-lines",
        description: "every fifth chat's stream carries an error",
        inject: |s| fail_some_chats(s, ChatFault::ErrorLine),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-truncated",
        description: "every fifth chat's stream ends without done",
        inject: |s| fail_some_chats(s, ChatFault::Truncated),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-reset",
        description: "every fifth chat's connection is reset",
        inject: |s| fail_some_chats(s, ChatFault::Reset),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-html",
        description: "every fifth chat is answered with a login page",
        inject: |s| fail_some_chats(s, ChatFault::LoginPage),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-node-port-resets",
        description: "every fifth connection through the node port is reset in the middle of its response",
        inject: |s| s.network.connection_resets = Some((ActiveWindow::starting_at(WindowStart::NthChat(2)), 5)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "port-refused-for-20s",
        description: "connections to the node port are refused for 20 s under load",
        inject: |s| s.network.connections_refused = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "accept-slow",
        description: "connecting to the node port takes 2 s",
        inject: |s| s.network.slow_accept = Some((ActiveWindow::ALWAYS, HumanDuration::from_secs(2))),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "combined-disturbances",
        description: "watches end, one in fifty requests to the API server fails, events are lost, and every ninth chat fails",
        inject: |s| {
            s.api.watch_lifetime = Some(HumanDuration::from_secs(20));
            s.api.server_errors = Some(RequestShare { window: WHOLE_RUN, percent: 2 });
            s.controllers.hpa_controller.events_lost = true;
            let faults = vec![ChatFault::Reset, ChatFault::Status500, ChatFault::Truncated];
            s.ollama.faulty_chats =
                Some(FaultyChats { faults, window: ActiveWindow::starting_at(WindowStart::NthChat(2)), every_nth: 9 });
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
];

fn fail_some_chats(config: &mut SimConfig, fault: ChatFault) {
    let window = ActiveWindow::starting_at(WindowStart::NthChat(2));
    config.ollama.faulty_chats = Some(FaultyChats { faults: vec![fault], window, every_nth: 5 });
}
