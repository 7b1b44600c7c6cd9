//! Hiccups between the load and the pods, and one of everything.

use super::{FaultSpec, PASS_OR_INCONCLUSIVE, WHOLE_RUN, window_under_load};
use crate::sim::SimConfig;
use crate::sim::api::RequestShare;
use crate::sim::ollama::{ActiveWindow, AffectedPods, ChatFault, FaultyChats, WindowStart};
use crate::units::HumanDuration;

pub(in crate::sim::faults) const DISTURBANCES: &[FaultSpec] = &[
    FaultSpec {
        name: "new-pods-slow",
        description: "new pods answer three times slower than the first one",
        inject: |s| s.ollama.slowdown = Some((AffectedPods::NewPods, 3.0)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-500",
        description: "every fifth chat: 500",
        inject: |s| fail_some_chats(s, ChatFault::Status500),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-503",
        description: "every fifth chat: 503",
        inject: |s| fail_some_chats(s, ChatFault::Status503),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-404",
        description: "every fifth chat: 404",
        inject: |s| fail_some_chats(s, ChatFault::Status404),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-error-lines",
        description: "every fifth chat has an error inside of its stream",
        inject: |s| fail_some_chats(s, ChatFault::ErrorLine),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-truncated",
        description: "every fifth chat ends without done",
        inject: |s| fail_some_chats(s, ChatFault::Truncated),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-reset",
        description: "every fifth chat loses its connection",
        inject: |s| fail_some_chats(s, ChatFault::Reset),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-html",
        description: "every fifth chat is answered with the page of a login",
        inject: |s| fail_some_chats(s, ChatFault::LoginPage),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "some-resets-on-the-way",
        description: "every fifth connection through the node port is lost in the middle of its answer",
        inject: |s| s.network.connection_resets = Some((ActiveWindow::starting_at(WindowStart::NthChat(2)), 5)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "port-refused-for-20s",
        description: "nobody listens at the node port for 20 s under load",
        inject: |s| s.network.connections_refused = Some(window_under_load(s, 20)),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "accept-slow",
        description: "a connection takes 2 s",
        inject: |s| s.network.slow_accept = Some((ActiveWindow::ALWAYS, HumanDuration::from_secs(2))),
        expected: PASS_OR_INCONCLUSIVE,
    },
    FaultSpec {
        name: "bad-day",
        description: "watches end, one in fifty requests to the API server fails, events are lost, and every ninth chat fails",
        inject: |s| {
            s.api.watch_lifetime = Some(HumanDuration::from_secs(20));
            s.api.server_errors = Some(RequestShare { window: WHOLE_RUN, percent: 2 });
            s.controllers.hpa_controller.events_lost = true;
            let how = vec![ChatFault::Reset, ChatFault::Status500, ChatFault::Truncated];
            s.ollama.faulty_chats = Some(FaultyChats {
                faults: how,
                window: ActiveWindow::starting_at(WindowStart::NthChat(2)),
                every_nth: 9,
            });
        },
        expected: PASS_OR_INCONCLUSIVE,
    },
];

fn fail_some_chats(setting: &mut SimConfig, how: ChatFault) {
    let during = ActiveWindow::starting_at(WindowStart::NthChat(2));
    setting.ollama.faulty_chats = Some(FaultyChats { faults: vec![how], window: during, every_nth: 5 });
}
