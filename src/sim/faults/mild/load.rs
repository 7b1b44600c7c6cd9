//! Hiccups between the load and the pods, and one of everything.

use super::{Fault, SOMETIMES, WHOLE, loaded};
use crate::sim::Setting;
use crate::sim::api::Share;
use crate::sim::servers::{Broken, BrokenChats, During, Since, Who};
use crate::units::Span;

pub(in crate::sim::faults) const DISTURBANCES: &[Fault] = &[
    Fault {
        name: "new-pods-slow",
        what: "new pods answer three times slower than the first one",
        spoil: |s| s.servers.slow = Some((Who::NewPods, 3.0)),
        must: SOMETIMES,
    },
    Fault { name: "some-500", what: "every fifth chat: 500", spoil: |s| some(s, Broken::Status500), must: SOMETIMES },
    Fault { name: "some-503", what: "every fifth chat: 503", spoil: |s| some(s, Broken::Busy503), must: SOMETIMES },
    Fault { name: "some-404", what: "every fifth chat: 404", spoil: |s| some(s, Broken::Missing404), must: SOMETIMES },
    Fault {
        name: "some-error-lines",
        what: "every fifth chat has an error inside of its stream",
        spoil: |s| some(s, Broken::ErrorLine),
        must: SOMETIMES,
    },
    Fault {
        name: "some-truncated",
        what: "every fifth chat ends without done",
        spoil: |s| some(s, Broken::Truncated),
        must: SOMETIMES,
    },
    Fault {
        name: "some-reset",
        what: "every fifth chat loses its connection",
        spoil: |s| some(s, Broken::Reset),
        must: SOMETIMES,
    },
    Fault {
        name: "some-html",
        what: "every fifth chat is answered with the page of a login",
        spoil: |s| some(s, Broken::Html),
        must: SOMETIMES,
    },
    Fault {
        name: "some-resets-on-the-way",
        what: "every fifth connection through the node port is lost in the middle of its answer",
        spoil: |s| s.network.resets = Some((During::from(Since::Chats(2)), 5)),
        must: SOMETIMES,
    },
    Fault {
        name: "port-refused-for-20s",
        what: "nobody listens at the node port for 20 s under load",
        spoil: |s| s.network.refused = Some(loaded(s, 20)),
        must: SOMETIMES,
    },
    Fault {
        name: "accept-slow",
        what: "a connection takes 2 s",
        spoil: |s| s.network.slow_accept = Some((During::ALWAYS, Span::from_secs(2))),
        must: SOMETIMES,
    },
    Fault {
        name: "bad-day",
        what: "watches end, one in fifty requests to the API server fails, events are lost, and every ninth chat fails",
        spoil: |s| {
            s.api.watch_lasts = Some(Span::from_secs(20));
            s.api.failing = Some(Share { during: WHOLE, percent: 2 });
            s.controllers.autoscaler.events_lost = true;
            let how = vec![Broken::Reset, Broken::Status500, Broken::Truncated];
            s.servers.broken = Some(BrokenChats { how, during: During::from(Since::Chats(2)), every: 9 });
        },
        must: SOMETIMES,
    },
];

fn some(setting: &mut Setting, how: Broken) {
    let during = During::from(Since::Chats(2));
    setting.servers.broken = Some(BrokenChats { how: vec![how], during, every: 5 });
}
